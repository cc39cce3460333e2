"""A worker of ours under a clock: begun at the first record, ended at the last commit."""

import asyncio
from collections.abc import Sequence
from typing import Any

from synthgate.bench.clock import Clock
from synthgate.events.topics import RECORDS
from synthgate.runtime.run import Worker
from synthgate.runtime.stages import Runner
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Stage

RELEASED = b'"action":"release"'


class Timed:
    """A stage that tells the clock what it takes in, and counts releases among the decisions it hears."""

    def __init__(self, stage: Stage, clock: Clock, last_topic: str | None) -> None:
        self.name = stage.name
        self.inputs = stage.inputs
        self.assigned = stage.assigned
        self.tick = stage.tick
        self.released = 0
        self._stage = stage
        self._clock = clock
        self._last_topic = last_topic

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """As the stage does it."""
        if self.name != RECORDS:  # which reads the facts that were there before
            self._clock.begin()
        outputs = await self._stage.process(batch, now_ms, poison)
        if batch.topic == self._last_topic:
            self.released += sum(RELEASED in (record.value or b"") for record in batch.records)
            self._clock.count_in(len(batch.records))
        return outputs


async def worked(
    worker: type[Worker],
    stages: Sequence[Stage],
    settings: Settings,
    clock: Clock,
    *,
    last: tuple[str, str],
    **more: Any,
) -> dict[str, Any]:
    """Run a worker until the stage ``last`` names has committed ``clock.count`` records of its topic."""
    duty, topic = last
    timed = [Timed(stage, clock, topic if stage.name == duty else None) for stage in stages]
    running = worker(timed, settings, **more)
    ended = asyncio.create_task(running.run())
    waiting = asyncio.create_task(clock.all_seen.wait())
    await asyncio.wait([ended, waiting], return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        raise RuntimeError(f"the worker ended with {ended.result()} before all was done")
    runner = next(runner for runner in running.runners if runner.duty == duty)
    while not _acknowledged(runner):  # noqa: ASYNC110 (nothing tells; it is a matter of ms)
        await asyncio.sleep(0.001)
    await runner.app.consumer.commit()
    return {**clock.stop(), "released": sum(stage.released for stage in timed)}


def _acknowledged(runner: Runner) -> bool:
    acks = runner.app.consumer.acks
    return all(acks.unacked(tp) == 0 for tp in runner.lanes)
