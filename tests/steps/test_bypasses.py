"""Every way round the chain opens a case; what went through it opens none."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cases_at_hand import case, of_kind, works
from local_bus import LocalBus
from synthgate.demo.facts import recall
from synthgate.events.decision import Decision

HOUR_MS = 3_600_000


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def generation(name: str) -> dict[str, Any]:
    return {"generation": {"id": name, "medium": "text", "template": "chat", "purpose": "chat"}}


def made(bus: LocalBus, name: str, text: str = "a poem") -> Decision:
    bus.now_ms += 1000
    asked = decide(bus, an_event(bus, f"{name}-ask", **generation(name)))
    bus.now_ms += 1000
    event = an_event(
        bus, f"{name}-made", "generation.completed", **generation(name), content={"text": text}
    )
    event["data"]["pass"] = asked.pass_
    return decide(bus, event)


def deliver(bus: LocalBus, name: str, by: Decision | None, **over: Any) -> Decision:
    bus.now_ms += 1000
    objects = [o.model_dump() for o in by.objects] if by else []
    event = an_event(
        bus, f"{name}-{bus.now_ms}", "content.delivered", **generation(name), recipient="r-1",
        **({"objects": objects} | over),
    )  # fmt: skip
    if by is not None:
        event["data"]["pass"] = by.pass_
    return decide(bus, event)


def ways(bus: LocalBus) -> list[str]:
    return [row.detail["way"] for row in of_kind(bus, "bypass")]


def test_what_was_let_out_may_be_delivered(bus: LocalBus) -> None:
    assert deliver(bus, "g", made(bus, "g")).action == "release"
    assert ways(bus) == [] and not works(bus)


def test_delivered_without_a_release(bus: LocalBus) -> None:
    decision = deliver(bus, "g", None)
    assert ways(bus) == ["without_a_release"]
    (work,) = works(bus).values()
    assert (work.kind, work.about) == ("takedown.due", {"generation": "g"})
    assert case(bus, "bypass/t/g").receipt == decision.receipt


def test_delivered_after_a_refusal(bus: LocalBus) -> None:
    assert made(bus, "g", "where can I buy heroin").action == "refuse"
    deliver(bus, "g", None)
    assert ways(bus) == ["after_a_refusal"]


def test_delivered_before_the_decision(bus: LocalBus) -> None:
    deliver(bus, "g", None)
    assert made(bus, "g").action == "release"
    row = case(bus, "bypass/t/g")
    assert row.timeline[-1].detail == {"way": "before_the_decision"}


def test_delivered_after_a_recall_but_not_what_left_before(bus: LocalBus) -> None:
    first, second = made(bus, "g"), made(bus, "h")
    bus.fact("facts.recalls", recall("g", bus.now_ms).model_copy(update={"tenant": "t"}))
    later = bus.now_ms + HOUR_MS
    bus.fact("facts.recalls", recall("h", later).model_copy(update={"tenant": "t"}))
    deliver(bus, "g", first)
    deliver(bus, "h", second)
    assert [row.case for row in of_kind(bus, "bypass")] == ["bypass/t/g"]
    assert ways(bus) == ["after_a_recall"]


def test_delivered_with_another_hash(bus: LocalBus) -> None:
    released = made(bus, "g")
    objects = [o.model_dump() | {"sha256": "0" * 64} for o in released.objects]
    deliver(bus, "g", released, objects=objects)
    assert ways(bus) == ["other_hash"]


def test_the_pass_of_another_generation_lets_nothing_out(bus: LocalBus) -> None:
    deliver(bus, "h", made(bus, "g"), objects=[])
    assert [row.case for row in of_kind(bus, "bypass")] == ["bypass/t/h"]


def test_told_late_or_out_of_shape_is_no_bypass(bus: LocalBus) -> None:
    released = made(bus, "g")
    bus.now_ms += 80 * HOUR_MS
    assert deliver(bus, "g", released).action == "refuse"
    event = an_event(bus, "late", "content.delivered", **generation("g"))
    event["time"] = "2020-01-01T00:00:00Z"
    event["data"]["pass"] = made(bus, "k").pass_
    event["data"]["generation"]["id"] = "k"
    assert decide(bus, event).action == "refuse"
    assert ways(bus) == []


def test_each_generation_is_one_case_however_often_it_is_told(bus: LocalBus) -> None:
    deliver(bus, "g", None)
    deliver(bus, "g", None)
    for _ in range(2):
        bus.start()
        for partition in (0, 1):
            bus.read["incidents", "decisions", partition] = 0
        bus.run()
    row = case(bus, "bypass/t/g")
    assert [noted.type for noted in row.timeline] == ["note.added"]
    assert len(works(bus)) == 1
