"""A stage whose lanes take turns: who waits for a turn holds up no rebalance, and has not stalled."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synthgate.runtime.acks import TP, Delivery
from synthgate.runtime.attempts import Turn
from synthgate.runtime.stages import Runner
from synthgate.runtime.waits import Waits
from synthgate.runtime.watchdog import Watchdog
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Plain

TPS = frozenset(TP("guards", partition) for partition in range(3))


class Slow(Plain):
    """Works on one partition after the other, and longer on each than a rebalance may take."""

    name = "records"
    inputs = ("guards",)

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.begun = asyncio.Event()

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        async with self.turn:
            self.begun.set()
            await asyncio.sleep(60)
        return Outputs()


def a_runner(folder: Path, *, blind: bool) -> Any:
    async def start_at(tps: frozenset[TP], _: Any) -> dict[TP, int]:
        return dict.fromkeys(tps, 0)

    settings = Settings(data_dir=folder, revoke_s=0.2, stall_s=30)
    fate: Any = SimpleNamespace(fail=lambda error, _: pytest.fail(str(error)))
    runner: Any = Runner(
        Slow(), settings, waits=Waits(), fate=fate, turn=Turn(), start_at=start_at, blind=blind
    )
    acks = SimpleNamespace(holds=lambda _: True, ack=lambda _: None)
    runner.app = SimpleNamespace(consumer=SimpleNamespace(acks=acks))
    return runner


async def all_at_work(runner: Any) -> None:
    await runner.assigned(TPS, None)
    for tp in TPS:
        runner.put(Delivery(tp, [SimpleNamespace(offset=0, timestamp=0)], 0, 1))
    await runner.stage.begun.wait()
    await asyncio.sleep(0)


async def test_a_rebalance_waits_for_nobodys_turn(tmp_path: Path) -> None:
    runner = a_runner(tmp_path, blind=True)
    await all_at_work(runner)
    await runner.revoked()
    assert not runner.lanes


async def test_a_duty_finishes_the_batch_in_work_or_ends_the_process(tmp_path: Path) -> None:
    runner = a_runner(tmp_path, blind=False)
    await all_at_work(runner)
    with pytest.raises(TimeoutError):
        await runner.revoked()


@pytest.mark.parametrize(("blind", "moved", "stalls"), [
    (False, True, True), (True, True, False), (True, False, True),
])  # fmt: skip
async def test_who_waits_for_its_turn_has_not_stalled_while_others_move(
    tmp_path: Path, blind: bool, moved: bool, stalls: bool
) -> None:
    runner = a_runner(tmp_path, blind=blind)
    await all_at_work(runner)
    first, *others = runner.lanes.values()
    for lane in (first, *others):
        lane.moved_at -= 31
    runner.acked_at -= 31
    if moved:
        runner.ack(others[0].at_work[0])
    said: list[str] = []
    dog: Any = Watchdog(
        [runner], runner.settings, SimpleNamespace(), runner.waits, SimpleNamespace()
    )  # type: ignore[arg-type]
    dog._stalled = said.append
    runner.app.consumer.acks.unacked = lambda _: 1
    dog._progress(runner, first, 1, 1)
    assert bool(said) is stalls
    for lane in runner.lanes.values():
        lane.task.cancel()
