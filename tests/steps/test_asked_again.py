"""What identity or retention overlooked is found at evidence depth, and not at decision depth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import replays
from acts_at_hand import a_bus, an_event, answer, decide, verify
from local_bus import LocalBus, NoFresh
from synthgate.demo.acts import moment
from synthgate.events.facts import AccountRow, RecallRow, SwitchRow
from synthgate.events.topics import FORBIDDING
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.obligations.identity import IdentityFacts
from synthgate.registries import Registries
from synthgate.registries.standings import NOTHING_SEEN
from synthgate.registries.switches import Switches
from synthgate.steps import retention
from synthgate.steps.answers import unpack
from synthgate.steps.asked_again import ahead
from synthgate.steps.evidence_replay import TOPICS, Rechecked
from synthgate.steps.kept_facts import logged_facts
from synthgate.steps.trace_index import passage_of

Plant = Callable[[pytest.MonkeyPatch], None]


def a_chain(folder: Path) -> LocalBus:
    bus = a_bus(folder)
    bus.recording = True
    bus.start()
    verify(bus)
    return bus


def rechecked(bus: LocalBus) -> Rechecked:
    facts = logged_facts(open_store(bus.settings), open_ring(bus.settings), TOPICS, 1)
    assert facts is not None
    return replays.rechecked(bus, facts)


def suspended(bus: LocalBus) -> None:
    row = AccountRow(
        version=1, tenant="t", user="u", standing="suspended", reason="r", since=moment(bus.now_ms)
    )
    bus.fact("facts.accounts", row)


def off(bus: LocalBus) -> None:
    row = SwitchRow(
        version=1,
        tenant="t",
        function="medium:text",
        off=True,
        order="o-1",
        since=moment(bus.now_ms),
    )
    bus.fact("facts.switches", row)


def recalled(bus: LocalBus) -> None:
    row = RecallRow(
        version=1, tenant="t", generation="g-late", recalled=True, reason="r", since=moment(bus.now_ms)
    )  # fmt: skip
    bus.fact("facts.recalls", row)


def told(bus: LocalBus, fact: Callable[[LocalBus], None]) -> None:
    """An act before the fact is known, and one after it."""
    decide(bus, an_event(bus, "before"))
    bus.now_ms += 1_000
    fact(bus)
    decide(bus, an_event(bus, "late"))


def no_standing(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(Registries, "standing", lambda *_: NOTHING_SEEN)


def no_switch(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(Switches, "off", lambda *_: ())


def nothing_stale(planted: pytest.MonkeyPatch) -> None:
    planted.setattr(retention, "stale_now", lambda *_: ())


@pytest.mark.parametrize("fact", [suspended, off, recalled])
def test_what_was_looked_up_rightly_comes_out_the_same(
    tmp_path: Path, fact: Callable[[LocalBus], None]
) -> None:
    bus = a_chain(tmp_path)
    told(bus, fact)
    assert bus.decision("late").action == "refuse"
    found = rechecked(bus)
    assert (found.examples, dict(found.not_checkable)) == ([], {})
    assert found.equal == 4 * found.entries


@pytest.mark.parametrize(
    ("fact", "plant", "wanted"),
    [
        (suspended, no_standing, {("identity", "standing"), ("retention", "stale")}),
        (off, no_switch, {("identity", "switches"), ("retention", "stale")}),
        (recalled, nothing_stale, {("retention", "stale")}),
    ],
)
def test_what_was_overlooked_is_found_here_and_not_at_decision_depth(
    tmp_path: Path, fact: Callable[[LocalBus], None], plant: Plant, wanted: set[tuple[str, str]]
) -> None:
    bus = a_chain(tmp_path)
    with pytest.MonkeyPatch.context() as planted:
        plant(planted)
        told(bus, fact)
    assert bus.decision("late").action == "release"
    assert replays.replayed(bus).different == 0
    found = rechecked(bus)
    assert {(one["duty"], name) for one in found.examples for name in one["facts"]} == wanted
    assert found.different == len(wanted), "the act before it is not touched"


def test_a_restriction_nobody_gave_is_found_too(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(retention, "stale_now", lambda *_: (("stale_account", "user"),))
        assert decide(bus, an_event(bus, "a")).action == "refuse"
    assert replays.replayed(bus).different == 0
    assert {(one["duty"], *one["facts"]) for one in rechecked(bus).examples} == {
        ("retention", "stale")
    }


def test_terms_that_were_not_in_force_are_found(tmp_path: Path) -> None:
    bus = a_chain(tmp_path)
    gather = IdentityFacts.gather

    def wrong(event: Any, **more: Any) -> Any:
        facts = gather(event, **more)
        terms = facts.terms
        return facts if terms is None else facts._replace(terms=terms._replace(sha256="f" * 64))

    with pytest.MonkeyPatch.context() as planted:
        planted.setattr(IdentityFacts, "gather", wrong)
        decide(bus, an_event(bus, "a"))
    assert replays.replayed(bus).different == 0
    assert {(one["duty"], *one["facts"]) for one in rechecked(bus).examples} == {
        ("identity", "terms")
    }


def test_what_retention_knew_of_its_log_is_quoted(tmp_path: Path) -> None:
    """A pass that was recalled: no registry says so."""
    bus = a_chain(tmp_path)
    asked = decide(bus, an_event(bus, "a"))
    answer(bus, asked, "recall")
    done = an_event(
        bus, "b", "generation.completed", content={"text": "a poem"},
        generation={"id": "g-a", "medium": "text", "template": "chat", "purpose": "chat"},
        **{"pass": asked.pass_},
    )  # fmt: skip
    assert decide(bus, done).action == "refuse"
    found = rechecked(bus)
    assert (found.different, found.examples) == (0, [])


def test_the_positions_recorded_are_those_retention_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits for its log's lock after it asked how fresh its copies are; what came meanwhile counts."""
    bus = a_chain(tmp_path)

    async def early(_: Any, wanted: Sequence[str]) -> dict[str, list[int]]:
        return {topic: [0, 0] for topic in wanted}

    monkeypatch.setattr(NoFresh, "fresh", early)
    said = decide(bus, an_event(bus, "a"))
    entry = bus.parts.logs.get(said.receipt.log).read(said.receipt.index)
    passage = passage_of(unpack(entry.content))
    verdict = None if passage is None else passage.verdict("retention")
    assert verdict is not None
    assert verdict["read"] == {topic: bus.ends(topic) for topic in (*FORBIDDING, "control")}
    assert sum(verdict["read"]["control"]) > 0


def test_a_standing_known_before_it_was_on_its_topic_is_neither_the_same_nor_different() -> None:
    """Incidents in the same process: what it decided counts at once. Only a row that did come excuses it."""
    row = b'{"version": 3}'
    seen, none = {"versions": [["standings", 3]]}, {"versions": []}
    assert ahead({"standing": seen}, {"standing": none}, [row])
    assert not ahead({"standing": seen}, {"standing": none}, [])
    assert not ahead({"standing": seen}, {"standing": none}, [b'{"version": 4}'])
    assert not ahead({"standing": none}, {"standing": seen}, [row]), "it was overlooked"
    held = [["stale_account", "user"]]
    assert ahead({"stale": held}, {"stale": []}, [row])
    assert not ahead({"stale": held}, {"stale": []}, [])
    assert not ahead({"stale": []}, {"stale": held}, [row]), "it was overlooked"
    assert not ahead({"stale": [*held, ["recalled", "generation"]]}, {"stale": []}, [row])
