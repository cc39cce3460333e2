"""A trivial stage to run the engine with, and a worker process around it.

Records say what happens to them: ``die`` kills the process, ``raise`` raises, ``hang`` waits for ever,
``spin`` blocks the loop, ``large`` is answered with more than the topic takes; all else is echoed.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path

from synthgate.runtime import exits, logs
from synthgate.runtime.run import run_worker
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Waiting

LARGE = os.urandom(200_000)  # it must not shrink when compressed


class Echo:
    """``in`` to ``out``. While ``gate`` (a file) is there it waits."""

    name = "echo"
    inputs: tuple[str, ...] = ("in",)

    def __init__(self, gate: Path | None = None) -> None:
        self.gate = gate
        self.held: list[frozenset[int]] = []
        self.batches: list[Batch] = []

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        if self.gate is not None and self.gate.exists():
            raise Waiting("gate")
        outputs = Outputs()
        for record in batch.records:
            value = record.value or b""
            if record.offset in poison:
                value = b"stub of " + value
            elif value == b"die":
                os.kill(os.getpid(), signal.SIGKILL)
            elif value == b"raise":
                raise ZeroDivisionError("a secret the log must not tell")
            elif value == b"hang":
                await asyncio.Event().wait()
            elif value == b"spin":
                time.sleep(60)
            elif value == b"large":
                value = LARGE
            outputs.add("out", record.key, value, list(record.headers))
        self.batches.append(batch)
        return outputs

    async def assigned(self, partitions: frozenset[int]) -> None:
        self.held.append(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        return Outputs()


def main(arguments: list[str]) -> None:
    logs.set_up()
    told = json.loads(arguments[0])
    gate = told.pop("gate", None)
    settings = Settings.load(None, {}, **told)
    exits.leave(run_worker([Echo(Path(gate) if gate else None)], settings, outputs=("out",)))


if __name__ == "__main__":
    main(sys.argv[1:])
