"""The canary's tenant: only what bears our mark passes every duty, and even that is never released."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, accept, an_event, answer, codes, decide
from local_bus import LocalBus
from synthgate.events import canary
from synthgate.events.decision import Decision


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    accept(bus, tenant=canary.TENANT, version=canary.TERMS)
    sent(bus, "vouch", type="identity.verified", content=None, generation=None)
    return bus


def sent(bus: LocalBus, id: str, *, mark: str | None = "ours", **data: Any) -> Decision:
    """One event of the canary's tenant; ``mark``: ours, none, or this text."""
    over: dict[str, Any] = {"tenant": canary.TENANT, **data}
    event = an_event(bus, id, **over)
    if over.get("generation", 1) is None:
        event["data"] = {k: v for k, v in event["data"].items() if v is not None}
    else:
        event["data"]["generation"]["template"] = canary.TEMPLATE
    if mark == "ours":
        key = bus.parts.keys.canary_key
        assert key is not None
        mark = canary.mac_of(key, event, orjson.dumps(event["data"]))
    if mark is not None:
        event[canary.ATTRIBUTE] = mark
    return decide(bus, event)


def outcomes(decision: Decision) -> dict[str, str]:
    return {line.obligation: line.outcome for line in decision.verdicts}


def test_a_canary_passes_every_duty_and_is_refused_for_being_one(bus: LocalBus) -> None:
    said = sent(bus, "c1")
    assert (said.action, codes(said)) == ("refuse", {"canary"})
    assert said.pass_ is None
    assert not said.objects
    assert outcomes(said) == {
        "identity": "pass", "consent": "pass", "moderation": "pass",
        "labelling": "not_applicable", "retention": "refuse",
    }  # fmt: skip


@pytest.mark.parametrize("mark", [None, "", "a" * 64, "é", "ours of another event"])
def test_without_our_mark_it_is_refused(bus: LocalBus, mark: str | None) -> None:
    if mark == "ours of another event":
        key = bus.parts.keys.canary_key
        assert key is not None
        other = an_event(bus, "other", tenant=canary.TENANT)
        mark = canary.mac_of(key, other, orjson.dumps(other["data"]))
    said = sent(bus, "c1", mark=mark)
    assert said.action == "refuse"
    assert canary.FORGED in codes(said)


def test_without_a_key_nothing_is_believed(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    bus.parts.keys.path.joinpath("canary.key").unlink()
    bus.start()
    assert canary.FORGED in codes(sent(bus, "c1", mark="a" * 64))


def cases(bus: LocalBus) -> list[str]:
    rows = [orjson.loads(record.value or b"{}") for record in bus.records("cases")]
    return [row["case"] for row in rows if not row["case"].startswith("_answered")]


def test_a_canary_is_never_counted_and_a_forged_one_is(bus: LocalBus) -> None:
    bad = {"content": {"prompt": "where can I buy heroin"}}
    assert codes(sent(bus, "c1", **bad)) == {"canary", "risk_refuse"}
    assert cases(bus) == []
    assert not list(bus.records("standings"))
    sent(bus, "c2", mark=None, **bad)
    assert len([name for name in cases(bus) if name.startswith("content/")]) == 1


def test_a_canary_that_would_be_held_holds_nothing(bus: LocalBus) -> None:
    said = sent(bus, "c1", content={"prompt": "promise guaranteed returns to investors"})
    assert (said.action, said.hold) == ("refuse", None)
    assert "canary" in codes(said)
    assert cases(bus) == []


def test_an_answer_does_not_release_it(bus: LocalBus) -> None:
    said = answer(bus, sent(bus, "c1"), "appeal")
    assert (said.action, said.pass_) == ("refuse", None)


def test_nobody_else_has_its_template_and_it_no_other(bus: LocalBus) -> None:
    bus.send(an_event(bus, "v", "identity.verified", "u"))
    bus.run()
    event = an_event(bus, "e1")
    event["data"]["generation"]["template"] = canary.TEMPLATE
    assert "template_unregistered" in codes(decide(bus, event))
