"""Replay at decision depth beside the live chain: the same passages, in one run, on one machine.

The chain decides them on a real broker, in a process of its own, and logs them; then its log is replayed, as
``synthgate replay`` does, and taken into a trace index, as ``synthgate trace`` does.
"""

import asyncio
import logging
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from synthgate.bench.load import delete_topics, load_events, load_facts, make_topics
from synthgate.bench.on_broker import ALL, fresh_name, settings_for
from synthgate.bench.variants import Variant, child
from synthgate.broker.choose import Broker, choose_broker
from synthgate.broker.errors import BrokerUnavailableError
from synthgate.crypto.keys import KeyFolder
from synthgate.law import load as load_law
from synthgate.ledger import LogReader
from synthgate.ledger.log_ids import decided
from synthgate.ledger.rings import open_ring
from synthgate.ledger.stores import open_store
from synthgate.settings import Settings
from synthgate.steps.replay import Replay
from synthgate.steps.trace_index import TraceIndex

QUICK_PASSAGES: Final = 3_000
LONG_PASSAGES: Final = 25_000
AIM: Final = 2.0
SIX: Final = Variant("c", "six topics", "six duties over six topics, one process", ALL, 0, 0)
FUSED: Final = Variant("d", "fused", "six duties fused, one process", ALL, 0, 0)
"""Of ``bench chain``, by the same letters."""


def measure(home: Path, *, quick: bool) -> dict[str, Any]:
    """Rates and their ratios; ``{"replay": why not}`` where no real Kafka can be had.

    Raises:
        BenchError: the chain failed, or refused what it should release.
    """
    passages = QUICK_PASSAGES if quick else LONG_PASSAGES
    # The faster one is the harder to be beside.
    chains = (FUSED,) if quick else (SIX, FUSED)
    # Nothing of aiokafka's retries while leaders are elected.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        with choose_broker() as broker:
            rows = [_one(broker, home, live, passages) for live in chains]
    except BrokerUnavailableError as error:
        return {"replay": f"not measured: {error}"}
    return {"replay": broker.words, "replay_aim": AIM, "replay_rows": rows}


def _one(broker: Broker, home: Path, live: Variant, passages: int) -> dict[str, Any]:
    settings = settings_for(broker, home, fresh_name())
    try:
        asyncio.run(_loaded(settings, passages))
        found = child(live, settings, passages)
    finally:
        asyncio.run(delete_topics(settings, ALL))
    live_cpu = found["cpu_seconds"] / found["events"]
    rate, cpu = _replayed(settings, passages)
    return {
        "variant": live.letter, "what": live.what, "passages": passages,
        "live_per_second": round(found["per_second"]), "live_cpu_us": round(live_cpu * 1e6),
        "replayed_per_second": round(rate), "replayed_cpu_us": round(cpu * 1e6),
        "ratio": round(rate / found["per_second"], 2), "by_cpu": round(live_cpu / cpu, 2),
        "indexed_per_second": round(_indexed(settings)),
    }  # fmt: skip


async def _loaded(settings: Settings, passages: int) -> None:
    await make_topics(settings, ALL)
    await load_facts(settings)
    await load_events(settings, passages)


def _replayed(settings: Settings, passages: int) -> tuple[float, float]:
    """Entries a second, and CPU seconds of one."""
    store, ring = open_store(settings), open_ring(settings, KeyFolder(settings.keys_dir))
    replay = Replay(load_law())
    begun, cpu = time.perf_counter(), time.process_time()
    for log in decided(store.logs()):
        reader = LogReader(store, ring, log)
        replay.run(reader, 0, reader.find_head())
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    found = replay.found
    if (found.entries, found.equal, found.different) != (passages, found.verdicts, 0):
        raise RuntimeError(f"the bench's own log does not replay: {found.row()}")
    return found.entries / took, cpu / found.entries


def _indexed(settings: Settings) -> float:
    """Entries a second, read and decrypted, of all logs: the facts' too."""
    store, ring = open_store(settings), open_ring(settings, KeyFolder(settings.keys_dir))
    with closing(TraceIndex(settings.trace_path)) as index:
        begun = time.perf_counter()
        entries = index.update(store, ring)
        return entries / (time.perf_counter() - begun)
