"""(b) The same hop in our engine: a stage that parses and writes each record and does nothing else."""

from typing import Any, Final

import orjson

from synthgate.bench.clock import Clock
from synthgate.bench.timed import worked
from synthgate.runtime.run import Worker
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Plain

OUT: Final = "passages.identified"


class Echo(Plain):
    """Sources in, the same records out."""

    name = "echo"
    inputs: tuple[str, ...] = ("generation.events",)

    async def process(
        self,
        batch: Batch,
        now_ms: int,
        poison: frozenset[int] = frozenset(),
    ) -> Outputs:
        """Parse, write, pass on."""
        outputs = Outputs()
        for record in batch.records:
            value = orjson.dumps(orjson.loads(record.value or b""))
            outputs.add(OUT, record.key, value, list(record.headers))
        return outputs


async def run(settings: Settings, count: int) -> dict[str, Any]:
    """Copy ``count`` events to the next topic; seconds from the first record to the last commit."""
    clock = Clock(count)
    found = await worked(Worker, [Echo()], settings, clock, last=("echo", "generation.events"))
    del found["released"]  # nothing is decided here
    return found
