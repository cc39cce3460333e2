"""``synthgate bench scale``: 1, 2 and 4 processes, each duty alone, fused; an event's CPU time and bytes.

The figures of CAPACITY.md are made from its JSON (``capacity_page.py``).
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench.load import delete_topics, load_events, load_facts, make_topics
from synthgate.bench.on_broker import (
    ALL,
    BenchError,
    fresh_name,
    on_broker,
    progress,
    settings_for,
)
from synthgate.bench.running import (
    TOPOLOGIES,
    answered,
    cpu_seconds,
    process_id,
    rate_of,
    rss_bytes,
    watched_chain,
)
from synthgate.bench.traffic import open_traffic
from synthgate.bench.variants import Variant, child
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.events.topics import DUTIES
from synthgate.runtime.memory import collect_seldom
from synthgate.settings import Settings

SETTLE_SECONDS: Final = 1.0
"""Members join one after the other; what is said to be ready may still be taken from it."""
CAUGHT_UP_SECONDS_MAX: Final = 180.0


class Plan(NamedTuple):
    """How much of what. ``processes``: by topology, how many workers at a time."""

    alone: int
    warm: int
    burst: int
    processes: Mapping[str, Sequence[int]]


QUICK: Final = Plan(1_000, 200, 2_000, {"six topics": (1,), "fused": (1,)})
LONG: Final = Plan(15_000, 3_000, 25_000, {"six topics": (1, 2, 4), "fused": (1, 2, 4)})


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: a worker did not come up, or left a request unanswered.
    """
    collect_seldom()
    plan = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        return {
            "alone": _alone(broker, home, plan),
            "together": [
                _together(broker, home, name, many, plan)
                for name, several in plan.processes.items()
                for many in several
            ],
        }

    return on_broker("scale", work, quick=quick, folder=folder)


def _alone(broker: Broker, home: Path, plan: Plan) -> list[dict[str, Any]]:
    """Every duty by itself, one after the other, on what the one before has written."""
    settings = settings_for(broker, home, fresh_name())
    rows = []
    try:
        asyncio.run(_loaded(settings, plan.alone))
        for duty in DUTIES:
            variant = Variant(duty, f"one duty: {duty}", f"{duty} alone", ALL, 0, 0)
            found = child(variant, settings, plan.alone)
            rows.append(
                {
                    "duty": duty,
                    "events_per_second": round(found["per_second"]),
                    "cpu_us_per_event": round(found["cpu_seconds"] * 1e6 / found["events"]),
                }
            )
            progress(f"{duty} alone: {rows[-1]['events_per_second']:,} events/s")
    finally:
        asyncio.run(delete_topics(settings, ALL))
    return rows


async def _loaded(settings: Settings, count: int) -> None:
    await make_topics(settings, ALL)
    await load_facts(settings)
    await load_events(settings, count)


def _together(broker: Broker, home: Path, name: str, many: int, plan: Plan) -> dict[str, Any]:
    """So many workers of one topology, on a burst."""
    layout = {f"w{number}": TOPOLOGIES[name] for number in range(many)}
    with watched_chain(broker, home, layout) as chain, chain:
        time.sleep(SETTLE_SECONDS)
        chain.wait_ready()
        found = asyncio.run(_burst(broker, chain, plan))
        bytes_each = _bytes(broker, chain, plan.warm + plan.burst)
    progress(f"{name}, {many} process(es): {found['events_per_second']:,} events/s")
    return {"topology": name, "processes": many, **found, "bytes_per_event": bytes_each}


async def _burst(broker: Broker, chain: Chain, plan: Plan) -> dict[str, Any]:
    async with open_traffic(chain.settings) as traffic:
        await answered(traffic, await traffic.burst("warm", plan.warm))
        await _caught_up(chain, plan.warm)
        workers = [process_id(worker) for worker in chain.workers.values()]
        nodes = [pid for pid, _ in broker.nodes]
        before = [sum(map(cpu_seconds, pids)) for pids in (workers, nodes)]
        burst = await traffic.burst("burst", plan.burst)
        await answered(traffic, burst)
        await _caught_up(chain, plan.warm + plan.burst)
        after = [sum(map(cpu_seconds, pids)) for pids in (workers, nodes)]
        ours, theirs = (
            round((end - begin) * 1e6 / plan.burst)
            for begin, end in zip(before, after, strict=True)
        )
        return {
            "events": plan.burst,
            "events_per_second": round(rate_of(traffic, burst)),
            "cpu_us_per_event": ours,
            "broker_cpu_us_per_event": theirs if nodes else None,
            "worker_mb": round(max(map(rss_bytes, workers)) / 1e6),
        }


async def _caught_up(chain: Chain, count: int) -> None:
    """Until incidents has answered every decision."""
    until = time.monotonic() + CAUGHT_UP_SECONDS_MAX
    while True:
        heard = 0.0
        for name in chain.workers:
            page = await asyncio.to_thread(chain.metrics, name)
            heard += _consumed(page)
        if heard >= count:
            return
        if time.monotonic() > until:
            raise BenchError(f"incidents answered {heard:,.0f} of {count:,} decisions in time")
        await asyncio.sleep(0.1)


def _consumed(page: str) -> float:
    wanted = 'synthgate_consumed_records_total{duty="incidents",topic="decisions"}'
    return sum(
        float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(wanted)
    )


def _bytes(broker: Broker, chain: Chain, events: int) -> dict[str, Any]:
    """Bytes an event leaves: in the log, among objects, and on each topic of a broker of ours; 1 replica."""
    settings = chain.settings
    topics: dict[str, float] | None = None
    if broker.nodes:
        topics = {}
        for name in ALL:
            size = sum(
                at.stat().st_size
                for _, data in broker.nodes
                for at in data.glob(f"{settings.topic(name)}-[0-9]*/*.log")
            )
            topics[name] = round(size / events, 1)
    return {
        "log": round(_size(settings.ledger_dir) / events, 1),
        "objects": round(_size(settings.objects_dir) / events, 1),
        "topics": topics,
    }


def _size(folder: Path) -> int:
    return sum(at.stat().st_size for at in folder.rglob("*") if at.is_file())
