"""What was let out and not reported as delivered in time is counted, once; what was reported is not."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from local_bus import LocalBus
from steps.test_bypasses import deliver, generation, made
from synthgate.runtime import metrics
from synthgate.runtime.counting import count
from synthgate.steps import unreported

MINUTE_MS = 60_000


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path, delivery_minutes=30)
    verify(bus)
    return bus


def ticked(bus: LocalBus, later_ms: int = 0) -> Counter[str]:
    """What a tick of every partition counts."""
    found: Counter[str] = Counter()
    for partition in range(bus.settings.partitions):
        outputs = asyncio.run(bus.stages[-1].tick(partition, bus.now_ms + later_ms))
        found += outputs.deliveries
        count(outputs, "incidents", partition)
    return found


def test_the_bound_passes_for_what_nobody_reported_and_only_once(bus: LocalBus) -> None:
    made(bus, "g")
    deliver(bus, "h", made(bus, "h"))
    assert ticked(bus, 29 * MINUTE_MS) == {}
    before = metrics.REGISTRY.get_sample_value(
        "synthgate_deliveries_total", {"result": "unreconciled"}
    )
    assert ticked(bus, 31 * MINUTE_MS) == {"unreconciled": 1}
    after = metrics.REGISTRY.get_sample_value(
        "synthgate_deliveries_total", {"result": "unreconciled"}
    )
    assert (after or 0) - (before or 0) == 1
    assert ticked(bus, 99 * MINUTE_MS) == {}


def test_what_was_refused_was_not_let_out(bus: LocalBus) -> None:
    made(bus, "g", "where can I buy heroin")
    assert ticked(bus, 99 * MINUTE_MS) == {}


def test_another_act_that_is_refused_takes_nothing_back(bus: LocalBus) -> None:
    made(bus, "g")
    event = an_event(bus, "again", "generation.completed", **generation("g"))
    assert decide(bus, event).action == "refuse"
    assert ticked(bus, 99 * MINUTE_MS) == {"unreconciled": 1}


def test_heard_again_it_is_not_counted_again(bus: LocalBus) -> None:
    deliver(bus, "g", made(bus, "g"))
    for partition in range(bus.settings.partitions):
        bus.read["incidents", "decisions", partition] = 0
    bus.run()
    assert ticked(bus, 99 * MINUTE_MS) == {}


def test_what_leaves_after_a_report_needs_another(bus: LocalBus) -> None:
    asked = decide(bus, an_event(bus, "ask", **generation("g")))
    for name in ("one", "two"):
        assert ticked(bus, 99 * MINUTE_MS) == {}
        event = an_event(
            bus, name, "generation.completed", **generation("g"), content={"text": name}
        )
        event["data"]["pass"] = asked.pass_
        released = decide(bus, event)
        assert released.action == "release"
        if name == "one":
            deliver(bus, "g", released)
    assert ticked(bus, 99 * MINUTE_MS) == {"unreconciled": 1}


def test_a_partition_given_away_is_not_watched(bus: LocalBus) -> None:
    made(bus, "g")
    asyncio.run(bus.stages[-1].assigned(frozenset()))
    assert ticked(bus, 99 * MINUTE_MS) == {}


def test_by_default_nothing_is_watched(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    made(bus, "g")
    assert ticked(bus, 10_000 * MINUTE_MS) == {}


def test_what_is_watched_is_bounded(bus: LocalBus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unreported, "WATCHED_MAX", 1)
    for name in ("g", "h"):
        made(bus, name)
    assert ticked(bus, 99 * MINUTE_MS) == {"unreconciled": 1}
