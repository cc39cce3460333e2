"""``synthgate bench backlog``: the workers were away; what was asked meanwhile, and what is asked now.

What half of measured capacity would have sent meanwhile is written at once, of a while ago: nobody waits for it
any more (``answer_by`` has passed). It must be refused much faster than it came; whoever asks now, at the same
rate, must be answered soon; and however much waits behind a log that cannot be written, memory stays as it is.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench.on_broker import BenchError, on_broker, progress
from synthgate.bench.running import (
    TOPOLOGIES,
    answered,
    process_id,
    rate_of,
    rss_bytes,
    watched_chain,
)
from synthgate.bench.traffic import Phase, Traffic, open_traffic
from synthgate.bench.watched import STALLED
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.runtime.memory import collect_seldom

AIM_EXPIRED: Final = 5.0
AIM_LIVE_SECONDS: Final = 60.0
AIM_GREW: Final = 0.10
SOON_SECONDS: Final = 1.0
SAMPLE_SECONDS: Final = 0.1
WAITS_SECONDS_MAX: Final = 60.0
"""By then a record has come as far as the log, and its duty says that it waits."""
WORKER: Final = "all"


class Plan(NamedTuple):
    """How much of what. ``waiting``: records behind a stalled log, the first tenth of them first."""

    warm: int
    burst: int
    stopped_seconds: float
    live_seconds: float
    answered_seconds_max: float
    waiting: int
    stalled_seconds: float


QUICK: Final = {"fused": Plan(300, 2_500, 5, 5, 60, 20_000, 3)}
LONG: Final = {
    "six topics": Plan(3_000, 15_000, 120, 30, 600, 200_000, 10),
    "fused": Plan(3_000, 20_000, 600, 60, 1_200, 1_000_000, 10),
}
"""By topology. What waits costs each the same a second; the long way is gone once, where most is waiting."""


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: the chain did not come up, or answered otherwise than it must.
    """
    collect_seldom()
    plans = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        aims = {"expired": AIM_EXPIRED, "live_seconds": AIM_LIVE_SECONDS, "grew": AIM_GREW}
        rows = [_topology(broker, home, name, plan) for name, plan in plans.items()]
        return {"aims": aims, "topologies": rows}

    return on_broker("backlog", work, quick=quick, folder=folder)


def _topology(broker: Broker, home: Path, name: str, plan: Plan) -> dict[str, Any]:
    progress(f"{name}: starting")
    with (
        watched_chain(broker, home, {WORKER: TOPOLOGIES[name]}) as chain,
        chain,
    ):
        return {"topology": name, **asyncio.run(_away_and_back(chain, name, plan))}


async def _away_and_back(chain: Chain, name: str, plan: Plan) -> dict[str, Any]:
    async with open_traffic(chain.settings) as traffic:
        await answered(traffic, await traffic.burst("warm", plan.warm))
        burst = await traffic.burst("burst", plan.burst)
        await answered(traffic, burst)
        capacity = rate_of(traffic, burst)
        half = capacity / 2
        await asyncio.to_thread(chain.kill, WORKER, signal.SIGTERM)
        progress(f"{name}: {capacity:,.0f} events/s; as if stopped for {plan.stopped_seconds:g} s")
        missed = max(round(half * plan.stopped_seconds), 1)
        expired = await traffic.burst("expired", missed, expired=True)
        progress(f"{name}: started again")
        found = await _back(chain, traffic, expired, half, plan)
    found["capacity_per_second"] = round(capacity)
    found["expired_over_capacity"] = round(found["expired_per_second"] / capacity, 2)
    progress(f"{name}: {plan.waiting:,} records behind a log that cannot be written")
    found["memory"] = await _stalled(chain, plan)
    return found


async def _back(
    chain: Chain, traffic: Traffic, expired: Phase, half: float, plan: Plan
) -> dict[str, Any]:
    """Start again while requests keep coming."""
    begun = time.time()
    chain.start(WORKER)
    live = asyncio.create_task(traffic.steady("live", half, plan.live_seconds))
    await asyncio.to_thread(chain.wait_ready)
    ready = time.time()
    phase = await live
    for each in (expired, phase):
        left = await traffic.settled(each, plan.answered_seconds_max)
        if left:
            raise BenchError(f"{left} of {len(each.due)} requests ({each.name}) had no decision")
    answers = [traffic.answers[number] for number in expired.due]
    if not all(answer.action == "refuse" and "expired" in answer.codes for answer in answers):
        raise BenchError("a request whose time had passed was not refused as expired")
    if any(traffic.answers[number].action != "release" for number in phase.due):
        raise BenchError("a lawful request was not released")
    read = sorted(answer.at for answer in answers)
    waits = [
        (traffic.answers[n].at, traffic.answers[n].at - max(due, ready))
        for n, due in phase.due.items()
    ]
    late = [at - ready for at, wait in waits if wait > SOON_SECONDS]
    return {
        "stopped_seconds": plan.stopped_seconds,
        "half_per_second": round(half),
        "ready_seconds": round(ready - begun, 2),
        "expired": len(read),
        "expired_per_second": round((len(read) - 1) / max(read[-1] - read[0], 1e-3)),
        "live": len(waits),
        "live_longest_wait_seconds": round(max(wait for _, wait in waits), 2),
        "soon_again_seconds": round(max(late, default=0.0), 2),
    }


async def _stalled(chain: Chain, plan: Plan) -> dict[str, Any]:
    """Let retention wait, as for a full disk, and let records pile up before it."""
    pid = process_id(chain.workers[WORKER])
    idle = rss_bytes(pid)
    (chain.settings.data_dir / STALLED).touch()
    async with open_traffic(chain.settings) as traffic:
        rows = [{"waiting": 0, "rss_mb": _mb(idle)}]
        for many in (plan.waiting // 10, plan.waiting - plan.waiting // 10):
            highest = await _highest(chain, traffic.burst("waiting", many), plan.stalled_seconds)
            rows.append({"waiting": rows[-1]["waiting"] + many, "rss_mb": _mb(highest)})
        if traffic.answers:
            raise BenchError("a decision was published while the log could not be written")
    until = time.monotonic() + WAITS_SECONDS_MAX
    while chain.ready(chain.workers[WORKER]):
        if time.monotonic() > until:
            raise BenchError("the worker says it is ready while its log cannot be written")
        await asyncio.sleep(SAMPLE_SECONDS)
    tenth, whole = rows[1]["rss_mb"], rows[2]["rss_mb"]
    return {"rows": rows, "grew": round(whole / tenth - 1, 3)}


async def _highest(chain: Chain, writing: Coroutine[Any, Any, Any], more_seconds: float) -> int:
    """The most memory held while records are written, and for a while after."""
    task = asyncio.create_task(writing)
    highest, until = 0, None
    while until is None or time.monotonic() < until:
        highest = max(highest, rss_bytes(process_id(chain.workers[WORKER])))
        if until is None and task.done():
            until = time.monotonic() + more_seconds
        await asyncio.sleep(SAMPLE_SECONDS)
    await task
    return highest


def _mb(size: int) -> float:
    return round(size / 1e6, 1)
