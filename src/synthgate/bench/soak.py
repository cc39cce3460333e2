"""``synthgate bench soak``: does memory stay, does lag stay, and is every record in the log once?

Six workers, a process for each duty, on real Kafka. First what they sustain is found: rates in falling order,
the first at which as much is decided as is sent. Then SHARE of it for as long as asked, by the mix of
``mix.py``, looked at every few seconds. What is judged, by which rule: ``soak_fit.py`` and SOAK.md.
"""

import asyncio
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from synthgate import connection
from synthgate.bench import mix
from synthgate.bench.load import write_facts
from synthgate.bench.on_broker import BenchError, on_broker, progress
from synthgate.bench.running import running_chain
from synthgate.bench.soak_fit import happened, verdicts
from synthgate.bench.soak_platform import Platform
from synthgate.bench.soak_seen import Seen, accounts_of
from synthgate.bench.stages_seen import percentile
from synthgate.bench.traffic import hearing
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.events.topics import DUTIES, SOURCES
from synthgate.runtime.memory import collect_seldom
from synthgate.settings import Settings

SHARE: Final = 0.7
MINUTES: Final = 30.0
SAMPLES: Final = 180
EVERY_SECONDS_MIN: Final = 1.0
WARM: Final = 1 / 3
"""Of the time: until then caches fill, and ids reach the bound of their window."""
WINDOW: Final = 1 / 6
"""Of the time: ``repeat_window_s`` and ``snapshot_s``, whose hour would not be full in half of one."""
KEPT_UP: Final = 0.97
ANSWERED_SECONDS_MAX: Final = 180.0
DISK_SECONDS: Final = 120.0
OUT: Final = "soak.json"


class Plan(NamedTuple):
    """How much of what. shares: of what a burst reaches, in falling order; the last is taken untried.

    step_seconds: of each trial, the first half not looked at.
    """

    warm: int
    burst: int
    shares: tuple[float, ...]
    step_seconds: float
    seconds: float


QUICK: Final = Plan(300, 1_000, (0.7, 0.4), 6, 14)
LONG: Final = Plan(2_000, 10_000, (0.9, 0.8, 0.7, 0.6, 0.5), 20, MINUTES * 60)


def measure(
    *,
    quick: bool,
    folder: Path | None = None,
    minutes: float | None = None,
    out: Path | None = None,
) -> dict[str, Any]:
    """Everything that was found, ready for JSON. out: a folder for ``soak.json``.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: the chain did not come up, or left an event unanswered.
    """
    collect_seldom()
    plan = QUICK if quick else LONG
    if minutes is not None:
        plan = plan._replace(seconds=minutes * 60)

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        return _soaked(broker, home, plan)

    found = on_broker("soak", work, quick=quick, folder=folder)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / OUT).write_bytes(orjson.dumps(found) + b"\n")
    return found


def _soaked(broker: Broker, home: Path, plan: Plan) -> dict[str, Any]:
    progress("soak: starting")
    window = max(round(plan.seconds * WINDOW), 1)
    layout = {duty: (duty,) for duty in DUTIES}
    with running_chain(broker, home, layout, repeat_window_s=window, snapshot_s=window) as chain:
        asyncio.run(write_facts(chain.settings, mix.facts(time.time_ns() // 1_000_000)))
        with chain:
            found = asyncio.run(_run(broker, chain, plan))
        progress("soak: reading the log")
        found["accounts"] |= accounts_of(chain.settings)
    found |= {"share": SHARE, "repeat_window_s": window, "acts": mix.shares()}
    return found | verdicts(found)


async def _run(broker: Broker, chain: Chain, plan: Plan) -> dict[str, Any]:
    async with hearing(chain.settings, Platform) as platform:
        await platform.burst(plan.warm)
        burst = await platform.burst(plan.burst)
        capacity = await _sustained(platform, burst, plan)
        rate = capacity * SHARE
        progress(
            f"soak: {rate:,.0f} a second of {capacity:,.0f}, for {plan.seconds / 60:.3g} minutes"
        )
        seen = Seen(broker, chain)
        found = await _watched(platform, seen, rate, plan)
        left = await platform.settled(ANSWERED_SECONDS_MAX)
        records = await _records(chain.settings)
        await _logged(seen, records)
        await asyncio.to_thread(seen.now)  # what was said meanwhile
        found["accounts"] = {
            "records": records,
            "unanswered": left,
            "wrong": platform.wrong.total(),
        }
        found |= {
            "burst_per_second": round(burst), "capacity_per_second": round(capacity),
            "rate": round(rate, 1), "sent": dict(platform.sent), "decided": dict(platform.decided),
            "wrong": dict(platform.wrong), "errors": seen.errors, "warnings": seen.warnings,
            "said": seen.said,
        }  # fmt: skip
        return found


async def _sustained(platform: Platform, burst: float, plan: Plan) -> float:
    """The first rate at which, in the second half of a step, as much was decided as was sent."""
    for share in plan.shares[:-1]:
        rate = burst * share
        await platform.steady(rate, plan.step_seconds / 2)
        before = platform.decided.total(), platform.acts
        await platform.steady(rate, plan.step_seconds / 2)
        decided, sent = platform.decided.total() - before[0], platform.acts - before[1]
        await _settled(platform)
        kept = decided / (sent * mix.WITH_ID)
        progress(f"soak: {rate:,.0f} a second: {kept:.0%} decided meanwhile")
        if kept >= KEPT_UP:
            return rate
    return burst * plan.shares[-1]


async def _settled(platform: Platform) -> None:
    left = await platform.settled(ANSWERED_SECONDS_MAX)
    if left:
        raise BenchError(
            f"{left} events were not answered: {platform.broken or 'the chain stands'}"
        )


async def _watched(platform: Platform, seen: Seen, rate: float, plan: Plan) -> dict[str, Any]:
    """Send, and look."""
    every = max(plan.seconds / SAMPLES, EVERY_SECONDS_MIN)
    warm_seconds = plan.seconds * WARM
    samples: list[dict[str, Any]] = []
    sending = asyncio.create_task(platform.steady(rate, plan.seconds))
    begun = last = time.time()
    sent = decided = 0
    at_warm: dict[str, int] = {}
    logged_at_warm = dict.fromkeys(("segments", "recorded"), 0)
    sent_before, decided_before = platform.sent.total(), platform.decided.total()
    disk: dict[str, float] = {}
    disk_at = 0.0
    platform.ages()
    while not sending.done():
        await asyncio.wait([sending], timeout=every)
        now = time.time()
        if now >= disk_at:
            disk, disk_at = await asyncio.to_thread(seen.disk), now + DISK_SECONDS
        row = await asyncio.to_thread(seen.now)
        if not at_warm and now - begun >= warm_seconds:
            at_warm = dict(platform.sent)
            logged_at_warm = {name: row[name] for name in logged_at_warm}
        sent, decided = platform.sent.total(), platform.decided.total()
        ages = platform.ages()
        samples.append({
            "at": round(now - begun, 1), **row, **disk,
            "sent_per_second": round((sent - sent_before) / (now - last), 1),
            "decided_per_second": round((decided - decided_before) / (now - last), 1),
            "p50_ms": round(percentile(ages, 0.5) * 1000, 1),
            "p99_ms": round(percentile(ages, 0.99) * 1000, 1),
        })  # fmt: skip
        last, sent_before, decided_before = now, sent, decided
    await sending
    done = {kind: many - at_warm.get(kind, 0) for kind, many in platform.sent.items()}
    logged = {name: samples[-1][name] - at if samples else 0 for name, at in logged_at_warm.items()}
    return {
        "seconds": plan.seconds, "warm_seconds": warm_seconds, "every_seconds": round(every, 1),
        "samples": samples, "happened": happened(done, **logged),
    }  # fmt: skip


async def _records(settings: Settings) -> int:
    """Records on the topics the door reads; nothing was written to them in transactions."""
    parts = [
        TopicPartition(settings.topic(name), partition)
        for name in SOURCES
        for partition in range(settings.partitions)
    ]
    consumer = AIOKafkaConsumer(**connection.arguments(settings))
    await consumer.start()
    try:
        return sum((await consumer.end_offsets(parts)).values())
    finally:
        await consumer.stop()


async def _logged(seen: Seen, records: int) -> None:
    """Wait until the log has so many entries, or for long enough: not of every act an answer is heard."""
    until = time.monotonic() + ANSWERED_SECONDS_MAX
    while time.monotonic() < until:
        if await asyncio.to_thread(seen.entries) >= records:
            return
        await asyncio.sleep(0.2)
