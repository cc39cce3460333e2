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
