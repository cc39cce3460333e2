"""``synthgate bench latency``: from the producer's send to the decision read, and where the time goes.

On one broker, for the chain over six topics and fused, each in one process: capacity (a burst), then a steady
10 requests a second, then rising shares of that capacity, then half of it in turns: one request in twenty is
refused, on the fast lane and on the slow one, where moderation takes its time. What is told of a turn is the
others' wait.
"""

import asyncio
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench import stages_seen
from synthgate.bench.load import Odd
from synthgate.bench.on_broker import on_broker, progress
from synthgate.bench.running import TOPOLOGIES, answered, rate_of, watched_chain
from synthgate.bench.stages_seen import percentile
from synthgate.bench.traffic import Phase, Traffic, open_traffic
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.runtime.memory import collect_seldom

CALM_RATE: Final = 10.0
ODD_EVERY: Final = 20
SLOW_SECONDS: Final = 2.0
AIM_CALM_MS: Final = 50.0
AIM_HALF_MS: Final = 100.0
AIM_MOVED: Final = 0.10


class Plan(NamedTuple):
    """How much of what. ``turns``: of half capacity with all on the fast lane, and not, each so long.

    shares: of capacity, in rising order, each for a turn: where does the wait begin to grow?
    """

    warm: int
    burst: int
    calm_seconds: float
    turn_seconds: float
    turns: int
    shares: tuple[float, ...]


QUICK: Final = Plan(warm=200, burst=1_500, calm_seconds=3, turn_seconds=1, turns=1, shares=(0.1,))
LONG: Final = Plan(
    warm=3_000,
    burst=20_000,
    calm_seconds=60,
    turn_seconds=20,
    turns=3,
    shares=(0.05, 0.1, 0.2, 0.3),
)


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: the chain did not come up, or left a request unanswered.
    """
    collect_seldom()
    plan = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        return {
            "aims": {"calm_ms": AIM_CALM_MS, "half_ms": AIM_HALF_MS, "moved": AIM_MOVED},
            "slow": {"share": 1 / ODD_EVERY, "seconds": SLOW_SECONDS},
            "topologies": [_topology(broker, home, name, plan) for name in TOPOLOGIES],
        }

    return on_broker("latency", work, quick=quick, folder=folder)


def _topology(broker: Broker, home: Path, name: str, plan: Plan) -> dict[str, Any]:
    progress(f"{name}: starting")
    with watched_chain(broker, home, {"all": TOPOLOGIES[name]}, slow_seconds=SLOW_SECONDS) as chain:
        with chain:
            found = asyncio.run(_phases(chain, name, plan))
        spans = stages_seen.read(chain.settings.data_dir)
    return _row(name, found, spans)


class Seen(NamedTuple):
    """What one topology did. ``plain`` and ``mixed``: turns with all on the fast lane, and not."""

    traffic: Traffic
    capacity: float
    calm: Phase
    rising: list[tuple[float, Phase]]
    plain: list[Phase]
    mixed: list[Phase]


async def _phases(chain: Chain, name: str, plan: Plan) -> Seen:
    async with open_traffic(chain.settings) as traffic:
        await answered(traffic, await traffic.burst("warm", plan.warm))
        burst = await traffic.burst("burst", plan.burst)
        await answered(traffic, burst)
        capacity = rate_of(traffic, burst)
        progress(f"{name}: {capacity:,.0f} events/s; now {CALM_RATE:g} a second")
        calm = await traffic.steady("calm", CALM_RATE, plan.calm_seconds)
        await answered(traffic, calm)
        rising: list[tuple[float, Phase]] = []
        plain: list[Phase] = []
        mixed: list[Phase] = []
        for share in plan.shares:
            progress(f"{name}: {share:.0%} of that")
            phase = await traffic.steady("rising", capacity * share, plan.turn_seconds)
            await answered(traffic, phase)
            rising.append((capacity * share, phase))
        for turn in range(plan.turns):
            progress(f"{name}: half of that, turn {turn + 1} of {plan.turns}")
            # However slow the chain is, one request of the turn goes by the slow lane.
            long = max(plan.turn_seconds, ODD_EVERY / (capacity / 2))
            for turns, medium in ((plain, "text"), (mixed, "image")):
                odd = Odd(ODD_EVERY, medium)
                turns.append(await traffic.steady(medium, capacity / 2, long, odd=odd))
                await answered(traffic, turns[-1])
        return Seen(traffic, capacity, calm, rising, plain, mixed)


def _row(name: str, seen: Seen, spans: Sequence[stages_seen.Span]) -> dict[str, Any]:
    traffic = seen.traffic
    moved = []
    for plain, mixed in zip(seen.plain, seen.mixed, strict=True):
        before = percentile(traffic.seconds(plain), 0.99)
        moved.append(percentile(traffic.seconds(mixed), 0.99) / before - 1)
    half = sorted(seconds for plain in seen.plain for seconds in traffic.seconds(plain))
    slow = sorted(s for mixed in seen.mixed for s in traffic.seconds(mixed, odd=True))
    in_plain = [
        span
        for phase in seen.plain
        for span in stages_seen.within(spans, phase.began, phase.answered)
    ]
    in_calm = stages_seen.within(spans, seen.calm.began, seen.calm.answered)
    calm = traffic.seconds(seen.calm)
    return {
        "topology": name,
        "capacity_per_second": round(seen.capacity),
        "calm": _load(CALM_RATE, calm, in_calm),
        "rising": [
            {
                "rate": round(rate, 1),
                "p50_ms": round(percentile(traffic.seconds(phase), 0.5) * 1000, 1),
                "p99_ms": round(percentile(traffic.seconds(phase), 0.99) * 1000, 1),
            }
            for rate, phase in seen.rising
        ],
        "half": _load(seen.capacity / 2, half, in_plain),
        "slow_lane": {
            "fast_p99_moved": round(statistics.median(moved), 3),
            "each_turn": [round(each, 3) for each in moved],
            "slow_p50_ms": round(percentile(slow, 0.5) * 1000, 1),
        },
    }


def _load(
    rate: float, seconds: Sequence[float], spans: Sequence[stages_seen.Span]
) -> dict[str, Any]:
    return {
        "rate": round(rate, 1),
        "requests": len(seconds),
        "p50_ms": round(percentile(seconds, 0.5) * 1000, 1),
        "p99_ms": round(percentile(seconds, 0.99) * 1000, 1),
        "fresh_share": round(stages_seen.fresh_share(spans, seconds), 3),
        "duties": stages_seen.by_duty(spans),
    }
