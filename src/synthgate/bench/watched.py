"""A worker that notes when it did what: ``python -m synthgate.bench.watched worker [DUTY…] [--fused]``.

The same stages and engine as ``synthgate worker``. Beside them ``data_dir/watched.json`` may ask for what a
bench needs: ``slow_seconds``, that moderation takes so long over a slow batch, as a remote scorer would. While
``data_dir/stalled`` exists, retention waits, as it does for a full disk. On leaving it writes its spans, one
JSON object a batch, to ``data_dir/spans-<instance>.jsonl``.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import orjson

from synthgate import worker
from synthgate.ledger import Log
from synthgate.runtime import exits, logs
from synthgate.runtime.memory import collect_seldom
from synthgate.runtime.run import Worker
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Stage, Waiting

ASKED: Final = "watched.json"
STALLED: Final = "stalled"
_SPAN: ContextVar["Span | None"] = ContextVar("span", default=None)


@dataclass(slots=True)
class Span:
    """One batch of one stage. Moments are Unix seconds, durations seconds.

    heard: the broker's append time of each record, Unix ms. decided: the stage has said what it owes.
    acked: the broker has acknowledged all of it.
    """

    duty: str
    topic: str
    partition: int
    heard: list[int]
    begun: float
    fresh: float = 0.0
    append: float = 0.0
    decided: float = 0.0
    acked: float = 0.0


class Watched:
    """A stage under watch."""

    def __init__(self, stage: Stage, folder: Path, slow_seconds: float) -> None:
        self.name = stage.name
        self.inputs = stage.inputs
        self.assigned = stage.assigned
        self.tick = stage.tick
        self._stage = stage
        self._slow_seconds = slow_seconds if stage.name == "moderation" else 0.0
        # Where retention works: its own stage, or the fused one.
        appends = stage.name == "retention" or "passages.labelled.slow" in stage.inputs
        self._stalled = folder / STALLED if appends else None

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """As the stage does it."""
        heard = [record.timestamp for record in batch.records]
        span = Span(self.name, batch.topic, batch.partition, heard, time.time())
        _SPAN.set(span)
        if self._stalled is not None and self._stalled.exists():
            raise Waiting("ledger", "a bench holds it up")
        if self._slow_seconds and batch.topic.endswith(".slow"):
            await asyncio.sleep(self._slow_seconds)
        outputs = await self._stage.process(batch, now_ms, poison)
        span.decided = time.time()
        return outputs


class WatchedWorker(Worker):
    """Notes a span when all its batch owed is acknowledged."""

    spans: list[Span]

    async def _begin(self, fate: exits.Fate) -> None:
        self.spans = []
        await super()._begin(fate)
        for runner in self.runners:
            runner.publish = self._noting(runner.publish)  # type: ignore[method-assign, assignment]

    def _noting(
        self, publish: Callable[[Outputs, int], Coroutine[Any, Any, None]]
    ) -> Callable[[Outputs, int], Coroutine[Any, Any, None]]:
        async def noting(outputs: Outputs, partition: int) -> None:
            await publish(outputs, partition)
            span = _SPAN.get()
            if span is not None:  # a tick has none
                span.acked = time.time()
                self.spans.append(span)

        return noting


def _note_fresh(copies: Any) -> None:
    """Freshness questions count for the batch that asked."""
    fresh = copies.fresh

    async def noting(topics: Sequence[str]) -> Any:
        begun = time.time()
        try:
            return await fresh(topics)
        finally:
            if (span := _SPAN.get()) is not None:
                span.fresh += time.time() - begun

    copies.fresh = noting


def _note_appends() -> None:
    """Time in the thread that writes and syncs a segment; waiting for the thread is left to the stage."""
    append = Log.append

    def noting(log: Log, *args: Any) -> Any:
        begun = time.time()
        try:
            return append(log, *args)
        finally:
            if (span := _SPAN.get()) is not None:
                span.append += time.time() - begun

    Log.append = noting  # type: ignore[method-assign, assignment]


def _asked(folder: Path) -> dict[str, Any]:
    at = folder / ASKED
    return dict(orjson.loads(at.read_bytes())) if at.exists() else {}


async def _run(settings: Settings, duties: Sequence[str], *, fused: bool) -> int:
    asked = _asked(settings.data_dir)
    made = worker.assemble(settings, duties, fused=fused)
    _note_fresh(made.copies)
    _note_appends()
    stages = [
        Watched(stage, settings.data_dir, asked.get("slow_seconds", 0.0)) for stage in made.stages
    ]
    running = WatchedWorker(
        stages, settings, made.copies, accepted=made.accepted, outputs=made.outputs
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.stop)
    code = await running.run()
    lines = b"".join(orjson.dumps(asdict(span)) + b"\n" for span in running.spans)
    (settings.data_dir / f"spans-{settings.instance}.jsonl").write_bytes(lines)
    return code


def main(arguments: Sequence[str]) -> None:
    """Run until SIGTERM, and leave."""
    logs.set_up("info")
    settings = Settings.load()
    collect_seldom()
    duties = [word for word in arguments if not word.startswith("-")]
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    exits.leave(loop.run_until_complete(_run(settings, duties, fused="--fused" in arguments)))


if __name__ == "__main__":
    main(sys.argv[2:])
