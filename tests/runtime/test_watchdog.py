"""What the watchdog takes for a loop that does not turn."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from synthgate.runtime import watchdog
from synthgate.runtime.offsets import UNSAID
from synthgate.runtime.watchdog import Watchdog

STALL_S = 30.0
SLOW_S = 20.0


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


class SlowBroker:
    """Every question takes its time; ``late``: how old the beat was when each was answered, s."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.late: list[float] = []
        self.dog: Watchdog | None = None

    async def ends(self, _: Iterable[Any]) -> dict[Any, int]:
        assert self.dog is not None
        self.clock.now += SLOW_S
        self.late.append(self.clock.now - self.dog._beat)
        raise next(iter(UNSAID))("not now")


@pytest.mark.parametrize("others_move", [True, False])
def test_a_lane_that_waits_for_its_turn_stalls_with_the_others(
    monkeypatch: pytest.MonkeyPatch, *, others_move: bool
) -> None:
    """Tried alone, one after the other, the lanes of a worker that has died take longer than a stall."""
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    monkeypatch.setattr(watchdog, "show", lambda *_: None)
    stalled: list[str] = []
    fate: Any = SimpleNamespace(fail=lambda error, _: stalled.append(str(error)))
    begun = clock.monotonic()
    acks = SimpleNamespace(unacked=lambda _: 1)
    lane: Any = SimpleNamespace(
        tp=0, position=0, busy=False, waits_for_turn=True,
        moved_at=begun, where="in/0", stalled=False,
    )  # fmt: skip
    runner: Any = SimpleNamespace(
        duty="test", blind=False, taken=True, acked_at=begun, lanes={},
        turn=SimpleNamespace(moved_at=begun), app=SimpleNamespace(consumer=SimpleNamespace(acks=acks)),
    )  # fmt: skip
    settings: Any = SimpleNamespace(stall_s=STALL_S)
    waits: Any = SimpleNamespace(declared=lambda *_: False)
    never_asked: Any = None
    dog = Watchdog([runner], settings, never_asked, waits, fate)
    for _ in range(5):
        clock.now += STALL_S / 2
        if others_move:
            runner.turn.moved_at = clock.now
        dog._progress(runner, lane, 10, 10)
    assert lane.stalled is bool(stalled) is not others_move


async def test_asking_for_six_duties_in_turn_is_no_loop_that_stands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr(watchdog, "time", clock)
    runners: list[Any] = [
        SimpleNamespace(lanes={0: SimpleNamespace(tp=0)}, left_at=None, duty=f"duty-{number}")
        for number in range(6)
    ]
    settings: Any = SimpleNamespace(stall_s=STALL_S, session_timeout_s=10.0, revoke_s=10.0)
    waits: Any = SimpleNamespace(declare=lambda *_: None)
    broker: Any = SlowBroker(clock)
    broker.dog = Watchdog(runners, settings, broker, waits, SimpleNamespace(settled=False))  # type: ignore[arg-type]
    await broker.dog._look()
    assert len(broker.late) == 6 and max(broker.late) == SLOW_S < STALL_S
