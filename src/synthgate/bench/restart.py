"""``synthgate bench restart``: a rolling restart of several workers, and for how long whose requests waited.

Requests come at a steady rate. Worker by worker is asked to stop, started again and waited for, as a deployment
does it. A pause is the longest time without any decision; a wait is what one request saw.
"""

import asyncio
import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench.on_broker import on_broker, progress
from synthgate.bench.running import TOPOLOGIES, answered, watched_chain
from synthgate.bench.stages_seen import percentile
from synthgate.bench.traffic import Phase, Traffic, open_traffic
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.runtime.memory import collect_seldom


class Plan(NamedTuple):
    """How many workers, and how much traffic: before, and between two restarts."""

    topologies: tuple[str, ...]
    workers: int
    warm: int
    rate: float
    between_seconds: float


QUICK: Final = Plan(("fused",), 2, 200, 20, 2)
LONG: Final = Plan(tuple(TOPOLOGIES), 4, 2_000, 50, 10)


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: a request had no decision.
    """
    collect_seldom()
    plan = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        return {"topologies": [_topology(broker, home, name, plan) for name in plan.topologies]}

    return on_broker("restart", work, quick=quick, folder=folder)


def _topology(broker: Broker, home: Path, name: str, plan: Plan) -> dict[str, Any]:
    layout = {f"w{number}": TOPOLOGIES[name] for number in range(plan.workers)}
    progress(f"{name}: starting {plan.workers} workers")
    with watched_chain(broker, home, layout) as chain, chain:
        return {
            "topology": name, "workers": plan.workers, "rate": plan.rate,
            "session_timeout_s": chain.settings.session_timeout_s,
            **asyncio.run(_one_after_another(chain, name, plan)),
        }  # fmt: skip


async def _one_after_another(chain: Chain, name: str, plan: Plan) -> dict[str, Any]:
    async with open_traffic(chain.settings) as traffic:
        await answered(traffic, await traffic.burst("warm", plan.warm))
        before = await traffic.steady("before", plan.rate, plan.between_seconds)
        await answered(traffic, before)
        over = asyncio.Event()
        sending = asyncio.create_task(_until(traffic, over, plan))
        restarts = []
        for worker in chain.layout:
            progress(f"{name}: {worker} is restarted")
            restarts.append(await _restart(chain, worker))
            await asyncio.sleep(plan.between_seconds)
        over.set()
        during = await sending
        await answered(traffic, during)
        waits = traffic.seconds(during)
        read = sorted(traffic.answers[number].at for number in during.due)
        for row in restarts:
            row["pause_seconds"] = round(_longest(read, row.pop("began"), row.pop("ended")), 2)
        return {
            "before_p99_ms": round(percentile(traffic.seconds(before), 0.99) * 1000, 1),
            "requests": len(waits),
            "p99_ms": round(percentile(waits, 0.99) * 1000, 1),
            "longest_wait_seconds": round(waits[-1], 2),
            "restarts": restarts,
        }


async def _restart(chain: Chain, worker: str) -> dict[str, Any]:
    """SIGTERM, wait for the end, start, wait until it is ready."""
    began = time.time()
    await asyncio.to_thread(chain.kill, worker, signal.SIGTERM)
    stopped = time.time()
    chain.start(worker)
    await asyncio.to_thread(chain.wait_ready)
    ended = time.time()
    return {
        "worker": worker, "stop_seconds": round(stopped - began, 2),
        "ready_seconds": round(ended - stopped, 2), "began": began, "ended": ended,
    }  # fmt: skip


async def _until(traffic: Traffic, over: asyncio.Event, plan: Plan) -> Phase:
    """Steady requests, second by second, until all are restarted; as one phase."""
    whole = Phase("during")
    while not over.is_set():
        part = await traffic.steady("during", plan.rate, 1)
        whole.due |= part.due
    return whole


def _longest(read: list[float], began: float, ended: float) -> float:
    """The longest time without a decision that touches a restart."""
    gaps = [b - a for a, b in pairwise(read) if b > began and a < ended]
    return max(gaps, default=0.0)
