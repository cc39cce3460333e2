"""A running chain of watched workers (``watched.py``) and what is asked of it from outside."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson

from synthgate.bench.load import delete_topics, load_facts
from synthgate.bench.on_broker import ALL, BenchError, fresh_name, settings_for
from synthgate.bench.traffic import Phase, Traffic
from synthgate.bench.watched import ASKED
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain, WorkerProcess

TOPOLOGIES: Final[Mapping[str, tuple[str, ...]]] = {"six topics": (), "fused": ("--fused",)}
"""Name to arguments of the one worker."""
ANSWERED_SECONDS_MAX: Final = 180.0
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@contextmanager
def watched_chain(
    broker: Broker, home: Path, layout: Mapping[str, Sequence[str]], **asked: Any
) -> Iterator[Chain]:
    """As ``running_chain``, of watched workers. ``asked``: what these are asked for besides."""
    with running_chain(broker, home, layout) as chain:
        (chain.settings.data_dir / ASKED).write_bytes(orjson.dumps(asked))
        chain.programs = dict.fromkeys(layout, "synthgate.bench.watched")
        yield chain


@contextmanager
def running_chain(
    broker: Broker, home: Path, layout: Mapping[str, Sequence[str]], **over: Any
) -> Iterator[Chain]:
    """A chain that is made ready and not started; its topics are deleted in the end.

    ``layout``: worker name to its arguments. ``over``: settings that are not the default.
    """
    settings = settings_for(broker, home, fresh_name()).model_copy(update=over)
    chain = Chain(broker, settings, layout)
    try:
        chain.prepare()
        asyncio.run(load_facts(settings))
        yield chain
    finally:
        asyncio.run(delete_topics(settings, ALL))


async def answered(traffic: Traffic, phase: Phase) -> None:
    """Wait until all requests of a phase are answered.

    Raises:
        BenchError: some are not within ``ANSWERED_SECONDS_MAX``.
    """
    left = await traffic.settled(phase, ANSWERED_SECONDS_MAX)
    if left:
        raise BenchError(
            f"{left} of {len(phase.due)} requests ({phase.name}) had no decision within"
            f" {ANSWERED_SECONDS_MAX:g} s: {traffic.broken or 'the chain is too slow, or stands'}"
        )


def rate_of(traffic: Traffic, burst: Phase) -> float:
    """Decisions a second, from when a tenth of a burst was answered or all of it was sent, whichever is sooner.

    The last stage comes last: where one process does all, most answers come in the last moments, and counted
    from one of them on they would take no time.
    """
    read = sorted(traffic.answers[number].at for number in burst.due)
    begin = min(read[len(read) // 10], burst.sent)
    return sum(at > begin for at in read) / max(read[-1] - begin, 1e-3)


def process_id(worker: WorkerProcess) -> int:
    """Of a worker that runs.

    Raises:
        BenchError: it has ended.
    """
    process = worker.process
    if process is None or process.poll() is not None:
        raise BenchError(f"worker {worker.name} has ended: {worker.log}")
    return process.pid


def rss_bytes(pid: int) -> int:
    """Memory a process holds now."""
    return int(_fields(pid, "statm")[1]) * _PAGE


def cpu_seconds(pid: int) -> float:
    """CPU time a process has used, user and system."""
    fields = _fields(pid, "stat")
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _fields(pid: int, name: str) -> list[str]:
    """Of stat, those behind the program's name, which stands in brackets and may hold anything."""
    text = Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
