"""Once a second, what time alone makes due on the partitions held: holds that expire, timers, ages."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from synthgate.runtime.waits import Waits
from synthgate.step import Outputs, Stage, Waiting

TICK_SECONDS = 1.0

Publish = Callable[[Outputs, int], Awaitable[None]]


async def tick(stage: Stage, partitions: Iterable[int], publish: Publish, waits: Waits) -> None:
    """Ask the stage for ever; what it owes is published like a batch's outputs.

    A tick owes nothing that is lost with the process: the stage finds it due again.
    """
    held = sorted(partitions)
    while True:
        await asyncio.sleep(TICK_SECONDS)
        for partition in held:
            await _asked(stage, partition, publish, waits)


async def _asked(stage: Stage, partition: int, publish: Publish, waits: Waits) -> None:
    """Once, and again for as long as more is due than one tick takes."""
    where = f"tick/{partition}"
    more = True
    while more:
        try:
            outputs = await stage.tick(partition, time.time_ns() // 1_000_000)
        except Waiting as wait:
            waits.declare(stage.name, where, wait.what)
            return
        waits.clear(stage.name, where)
        await publish(outputs, partition)
        more = outputs.more
