"""(f) The six duties whole in plain Faust agents: what the chain owes, one event at a time.

The same stages as ours: facts as fresh as the broker, every event logged and synced before its decision is
sent, cases, records of the door. Only the engine is another, and nothing logs the facts beside them.
"""

import asyncio
import time
from typing import Any

from synthgate import worker
from synthgate.bench import plain_agents
from synthgate.bench.clock import Clock
from synthgate.bench.plain_agents import Hop, Out, one
from synthgate.bench.timed import RELEASED
from synthgate.crypto.keys import KeyFolder
from synthgate.events import topics
from synthgate.runtime.exits import Fate
from synthgate.settings import Settings
from synthgate.step import Stage, Waiting


async def run(settings: Settings, count: int) -> dict[str, Any]:
    """From the first event consumed to incidents' answer to the last decision."""
    KeyFolder.init(settings.keys_dir)
    made = worker.assemble(settings, topics.DUTIES, fused=False)
    await made.copies.start(Fate())
    every = frozenset(range(settings.partitions))
    duties = [stage for stage in made.stages if stage.name in topics.DUTIES]
    for stage in duties:
        made.copies.follow(stage.name, every)
        await stage.assigned(every)
    clock = Clock(count)
    hops = {stage.name: _whole(stage, clock) for stage in duties}
    return await plain_agents.run(settings, hops, clock)


def _whole(stage: Stage, clock: Clock) -> Hop:
    last = stage.name == "incidents"

    async def hop(message: Any) -> list[Out]:
        clock.begin()
        while True:
            try:
                outputs = await stage.process(one(stage.name, message), time.time_ns() // 1_000_000)
                break
            except Waiting:
                await asyncio.sleep(0.01)
        if last:
            if RELEASED not in message.value:
                raise RuntimeError("an event was not released")
            clock.count_in(1)
        return [
            Out(topic, key, value, list(headers))
            for topic, rows in outputs.by_topic.items()
            for key, value, headers in rows
        ]

    return hop
