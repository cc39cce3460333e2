"""A paused duty takes nothing and lets go of nothing; resumed, it goes on where it stood."""

from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from local_bus import LocalBus
from synthgate.demo.facts import control
from synthgate.events import topics
from synthgate.step import Waiting
from synthgate.steps.partition import partition_of

HERE = partition_of(b"t/u", 2)


def pause(bus: LocalBus, duty: str, partition: int = HERE, *, paused: bool = True) -> None:
    bus.now_ms += 1
    row = control(f"pause/{duty}/{partition}", {"paused": paused, "reason": "test"}, bus.now_ms)
    bus.fact("control", row)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("duty", topics.DUTIES[:-1])
def test_nothing_is_decided_while_any_duty_is_paused(
    tmp_path: Path, duty: str, fused: bool
) -> None:
    bus = a_bus(tmp_path, fused=fused)
    verify(bus)
    pause(bus, duty)
    bus.start()  # it stands over a restart
    before = bus.ends("decisions")
    with pytest.raises(Waiting, match="paused"):
        decide(bus, an_event(bus, "e1"))
    assert bus.ends("decisions") == before
    pause(bus, duty, paused=False)
    bus.run()
    assert bus.decision("e1").action == "release"


def test_another_partition_goes_on(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    pause(bus, "retention", 1 - HERE)
    assert decide(bus, an_event(bus, "e1")).action == "release"


def test_a_paused_duty_owes_nothing_to_time_and_says_so(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    pause(bus, "incidents")
    with pytest.raises(Waiting, match="paused"):
        bus.tick()


def test_a_row_nobody_can_read_pauses_until_mended(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    bus.append("control", f"pause/identity/{HERE}".encode(), b"{")
    with pytest.raises(Waiting, match="paused"):
        decide(bus, an_event(bus, "e1"))
    pause(bus, "identity", paused=False)
    bus.run()
    assert bus.decision("e1").action == "release"
