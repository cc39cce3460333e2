"""``synthgate bench segments``: how long a part of a streamed answer waits until it may be shown.

As an app does it: many answers at once, each part sent a while after the one before and not before its release.
From the call of our client to its answer, over six topics and fused, each in one process on one broker.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.bench import stages_seen
from synthgate.bench.load import TEMPLATE, TENANT
from synthgate.bench.on_broker import BenchError, on_broker, progress
from synthgate.bench.running import TOPOLOGIES, watched_chain
from synthgate.bench.stages_seen import percentile
from synthgate.broker.choose import Broker
from synthgate.client import Decision, Gate, Generation, shown_after
from synthgate.demo.chain import Chain
from synthgate.runtime.memory import collect_seldom

AIM_MS: Final = 60.0
EVERY_S: Final = 0.5
"""Between two parts of one answer."""
ANSWER_S: Final = 30.0
NET: Final = {
    "src_ip": "203.0.113.7", "src_port": 50123, "dst_ip": "198.51.100.20", "dst_port": 443,
    "client_fingerprint": "device-1",
}  # fmt: skip
_PART: Final = "他推开木窗,河面飘着薄雾,石板路上有人挑着新鲜蔬菜慢慢走过小桥。"


class Plan(NamedTuple):
    """How many answers at once, by turns; parts of each."""

    streams: tuple[int, ...]
    parts: int


QUICK: Final = Plan(streams=(5,), parts=10)
LONG: Final = Plan(streams=(5, 20, 50), parts=60)


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: the chain did not come up, or did not release a part.
    """
    collect_seldom()
    plan = QUICK if quick else LONG

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        rows = [row for name in TOPOLOGIES for row in _topology(broker, home, name, plan)]
        return {"aim_ms": AIM_MS, "every_s": EVERY_S, "rows": rows}

    return on_broker("segments", work, quick=quick, folder=folder)


def _topology(broker: Broker, home: Path, name: str, plan: Plan) -> list[dict[str, Any]]:
    progress(f"{name}: starting")
    with watched_chain(broker, home, {"all": TOPOLOGIES[name]}) as chain:
        with chain:
            turns = asyncio.run(_turns(chain, name, plan))
        spans = stages_seen.read(chain.settings.data_dir)
    return [_row(name, turn, spans) for turn in turns]


class Turn(NamedTuple):
    """So many answers at once: seconds each part waited, sorted; from when to when (Unix s)."""

    streams: int
    waits: list[float]
    began: float
    ended: float


async def _turns(chain: Chain, name: str, plan: Plan) -> list[Turn]:
    found = []
    async with Gate.from_settings(chain.settings, tenant=TENANT, source="bench-app") as gate:
        await _stream(gate, 0, Plan((1,), 3))  # connections, copies, code
        for streams in plan.streams:
            progress(f"{name}: {streams} answers at once")
            began = time.time()
            each = await asyncio.gather(*(_stream(gate, at, plan) for at in range(1, streams + 1)))
            waits = sorted(wait for waits in each for wait in waits)
            found.append(Turn(streams, waits, began, time.time()))
    return found


async def _stream(gate: Gate, number: int, plan: Plan) -> list[float]:
    """Seconds from sending to the release of each part of one answer.

    Raises:
        BenchError: one was not released.
    """
    user = f"user-{number:05d}"
    story = Generation(f"stream-{number}-{time.time_ns()}", TEMPLATE, purpose="chat")
    await asyncio.sleep(EVERY_S * (number % 50) / 50)  # not all in one moment
    asked = gate.events.requested(user, story, prompt="写一篇关于水乡清晨的短文", net=dict(NET))
    passed, _ = await _released(gate, asked)
    waits, shown = [], ""
    for index in range(plan.parts):
        due = time.monotonic() + EVERY_S
        part = gate.events.segment(
            user, story, pass_text=passed, text=_PART, index=index,
            last=index == plan.parts - 1, shown=shown, net=dict(NET),
        )  # fmt: skip
        passed, wait = await _released(gate, part)
        waits.append(wait)
        shown = shown_after(shown, _PART)
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    return waits


async def _released(gate: Gate, event: Any) -> tuple[str | None, float]:
    began = time.monotonic()
    answer = await gate.decide(event, ANSWER_S)
    if not isinstance(answer, Decision) or not answer.released:
        raise BenchError(f"a part was not released: {answer}")
    return answer.pass_text, time.monotonic() - began


def _row(name: str, turn: Turn, spans: Sequence[stages_seen.Span]) -> dict[str, Any]:
    seen = stages_seen.within(spans, turn.began, turn.ended)
    return {
        "topology": name,
        "streams": turn.streams,
        "parts": len(turn.waits),
        "per_second": round(len(turn.waits) / (turn.ended - turn.began), 1),
        "p50_ms": round(statistics.median(turn.waits) * 1000, 1),
        "p99_ms": round(percentile(turn.waits, 0.99) * 1000, 1),
        "duties": stages_seen.by_duty(seen),
    }
