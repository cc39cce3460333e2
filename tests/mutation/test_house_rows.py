"""House rows that are missing release nothing: retention fails closed, at worst by ending the process."""

from pathlib import Path

import pytest

from acts_at_hand import an_event, codes
from local_bus import LocalBus, local_settings
from synthgate.demo.facts import facts
from synthgate.events.decision import Decision
from synthgate.law import LawBook, load

REFUSED = {
    "unverified": {},
    "illegal": {"content": {"prompt": "where can I buy heroin"}},
    "held": {"content": {"prompt": "promise guaranteed returns to investors"}},
}


def said_without(folder: Path, *rules: str) -> list[Decision]:
    """Decisions on events that must not be released, under a law book without these rules."""
    book: LawBook = load()
    for rule in rules:
        book = book.without(rule)
    bus = LocalBus(local_settings(folder), book=book)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    for user in ("illegal", "held"):
        bus.send(an_event(bus, f"v-{user}", "identity.verified", user, tenant="demo"))
    for user, data in REFUSED.items():
        bus.send(an_event(bus, f"ask-{user}", user=user, tenant="demo", **data))
    bus.run()
    return [one for one in bus.decisions() if one.event_id and one.event_id.startswith("ask-")]


@pytest.mark.parametrize("rule", sorted(r for r in load().rules() if r.startswith("HOUSE-")))
def test_a_house_row_less_releases_nothing(tmp_path: Path, rule: str) -> None:
    answers = said_without(tmp_path, rule)
    assert len(answers) == len(REFUSED)
    assert {one.action for one in answers} <= {"refuse", "hold"}
    assert not any(one.pass_ or one.objects for one in answers)
    if rule == "HOUSE-upstream":
        assert all("bug" in codes(one) for one in answers), "retention cannot say why, and says so"


def test_without_the_row_that_says_so_the_process_ends(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="HOUSE-bug"):
        said_without(tmp_path, "HOUSE-upstream", "HOUSE-bug")
