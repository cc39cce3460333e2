"""``synthgate bench api``: what HTTP adds to a decision, beside the bus itself in the same seconds.

Open loop, both at one rate, half an interval apart: every other request goes through Kafka and is answered on
``decisions``, every other to ``synthgate api`` in a process of its own, which waits for the same decision.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import aiohttp
import orjson

from synthgate.api.bus import now_ms
from synthgate.api.keys import KeyFile
from synthgate.bench.load import TENANT, Sent, events
from synthgate.bench.on_broker import BenchError, on_broker, progress
from synthgate.bench.running import TOPOLOGIES, answered, watched_chain
from synthgate.bench.stages_seen import percentile
from synthgate.bench.traffic import open_traffic
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.runtime.memory import collect_seldom

AIM_MS: Final = 30.0
RATE: Final = 20.0
SOURCE: Final = "bench-app"
UP_S_MAX: Final = 60.0
FIRST: Final = 1_000_000
"""Numbers of the requests by HTTP; those of the bus begin at 0."""


class Plan(NamedTuple):
    """How much: requests each way before anything counts, and for how long then."""

    warm_seconds: float
    seconds: float


QUICK: Final = Plan(warm_seconds=3, seconds=12)
LONG: Final = Plan(warm_seconds=10, seconds=60)


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: chain or service did not come up, or left a request unanswered.
    """
    collect_seldom()
    plan = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        progress("chain (fused) and service: starting")
        with watched_chain(broker, home, {"all": TOPOLOGIES["fused"]}) as chain, chain:
            key = KeyFile(chain.settings.api_keys_path).make(
                tenant=TENANT, sources=[SOURCE], scopes=["events", "decisions"], days=1,
                by="bench", now_ms=now_ms(), rate=1000.0,
            )[1]  # fmt: skip
            with _service(chain) as url:
                bus, http = asyncio.run(_asked(chain, url, key, plan))
        return {"rate": RATE, "aim_ms": AIM_MS, **found(bus, http)}

    return on_broker("api", work, quick=quick, folder=folder)


def found(bus: Sequence[float], http: Sequence[float]) -> dict[str, Any]:
    """Seconds of both ways, sorted, as figures."""
    p99 = {name: percentile(each, 0.99) * 1000 for name, each in (("bus", bus), ("http", http))}
    return {
        "bus": {"requests": len(bus), "p50_ms": _ms(bus, 0.5), "p99_ms": round(p99["bus"], 1)},
        "http": {"requests": len(http), "p50_ms": _ms(http, 0.5), "p99_ms": round(p99["http"], 1)},
        "above_ms": round(p99["http"] - p99["bus"], 1),
        "ratio": round(p99["http"] / p99["bus"], 2),
    }


def _ms(seconds: Sequence[float], share: float) -> float:
    return round(percentile(seconds, share) * 1000, 1)


async def _asked(chain: Chain, url: str, key: str, plan: Plan) -> tuple[list[float], list[float]]:
    given = {"authorization": f"Bearer {key}", "prefer": "wait=10"}
    async with (
        open_traffic(chain.settings) as traffic,
        aiohttp.ClientSession(url, headers=given) as session,
    ):
        progress("warming up")
        warm = await traffic.steady("warm", RATE, plan.warm_seconds)
        await _steady(session, _made(chain, FIRST * 2, plan.warm_seconds), 0.0)
        await answered(traffic, warm)
        progress(f"{RATE:g} a second each way for {plan.seconds:g} s")
        bus, http = await asyncio.gather(
            traffic.steady("bus", RATE, plan.seconds),
            _steady(session, _made(chain, FIRST, plan.seconds), 0.5 / RATE),
        )
        await answered(traffic, bus)
        return traffic.seconds(bus), sorted(http)


def _made(chain: Chain, first: int, seconds: float) -> list[Sent]:
    return list(events(chain.settings, round(RATE * seconds), now_ms(), first=first))


async def _steady(
    session: aiohttp.ClientSession, made: Sequence[Sent], after_s: float
) -> list[float]:
    """Seconds from when each was due to its decision."""
    due = time.time() + after_s
    asked = []
    for sent in made:
        await asyncio.sleep(max(due - time.time(), 0))
        asked.append(asyncio.create_task(_one(session, _body(sent), due)))
        due += 1 / RATE
    return list(await asyncio.gather(*asked))


async def _one(session: aiohttp.ClientSession, body: bytes, due: float) -> float:
    kind = {"content-type": "application/cloudevents+json"}
    async with session.post("/v1/events", data=body, headers=kind) as said:
        row = orjson.loads(await said.read())
        if said.status != 200 or not row["released"]:
            raise BenchError(f"the service answered {said.status}: {row.get('code', 'no release')}")
    return time.time() - due


def _body(sent: Sent) -> bytes:
    attrs = {name.removeprefix("ce_"): value.decode() for name, value in sent.headers}
    return orjson.dumps(attrs | {"data": orjson.loads(sent.value)})


@contextmanager
def _service(chain: Chain) -> Iterator[str]:
    """The service in a process of its own; where it listens."""
    log = chain.settings.data_dir / "api.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "synthgate", "api"], stdout=out, stderr=out,
            env=chain.environment() | {"SYNTHGATE_API_PORT": "0", "SYNTHGATE_WEB_PORT": "0"},
        )  # fmt: skip
    try:
        yield _up(process, log)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _up(process: "subprocess.Popen[bytes]", log: Path) -> str:
    until = time.monotonic() + UP_S_MAX
    while time.monotonic() < until and process.poll() is None:
        told = re.search(r"api at (http://\S+)", log.read_text(encoding="utf-8", errors="replace"))
        if told is not None:
            return told[1]
        time.sleep(0.05)
    raise BenchError(f"the service did not come up: {log.read_text(errors='replace')[-500:]}")
