"""The worker as it runs in production: (c) six duties over six topics, (d) fused, or one duty alone."""

from collections.abc import Sequence
from typing import Any, Final

from synthgate import worker
from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD
from synthgate.bench.timed import worked
from synthgate.crypto.keys import KeyFolder
from synthgate.events import topics
from synthgate.runtime.run import Worker
from synthgate.settings import Settings

LAST: Final = ("incidents", "decisions")


async def six_topics(settings: Settings, count: int) -> dict[str, Any]:
    """One Faust app per duty on one loop."""
    return await _run(settings, count, topics.DUTIES, LAST)


async def fused(settings: Settings, count: int) -> dict[str, Any]:
    """Identity to retention in one stage, incidents beside it."""
    return await _run(settings, count, topics.DUTIES, LAST, fused=True)


async def one_duty(settings: Settings, count: int, duty: str) -> dict[str, Any]:
    """One duty in a process of its own, on what the duty before it has left."""
    found = await _run(settings, count, (duty,), (duty, HEARD[duty]))
    if duty != "incidents":
        del found["released"]  # only a decision says so
    return found


async def _run(
    settings: Settings,
    count: int,
    duties: Sequence[str],
    last: tuple[str, str],
    *,
    fused: bool = False,
) -> dict[str, Any]:
    """Seconds from the first record consumed to the commit behind the last."""
    if not (settings.keys_dir / "master.key").exists():
        KeyFolder.init(settings.keys_dir)
    made = worker.assemble(settings, duties, fused=fused)
    return await worked(
        Worker, made.stages, settings, Clock(count), last=last,
        copies=made.copies, accepted=made.accepted, outputs=made.outputs,
    )  # fmt: skip
