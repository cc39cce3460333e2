"""What a platform sends and hears, without a broker: by the clock, on two lanes, counted once."""

import asyncio
import time
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from local_bus import local_settings
from synthgate.bench.load import Odd
from synthgate.bench.running import rate_of
from synthgate.bench.traffic import Answer, Phase, Traffic


class Written(list[dict[str, Any]]):
    """Keeps what is sent, and acknowledges it at once."""

    async def send(self, topic: str, value: bytes, **more: Any) -> "asyncio.Future[None]":
        self.append({"topic": topic, "value": value, "at": time.time(), **more})
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def _decision(number: int, action: str = "release", *codes: str) -> Any:
    reasons = [{"code": code} for code in codes]
    row = {"event_id": f"event-{number}", "action": action, "reasons": reasons}
    return SimpleNamespace(value=orjson.dumps(row))


async def test_requests_are_due_by_the_clock(tmp_path: Path) -> None:
    written = Written()
    traffic = Traffic(local_settings(tmp_path), written)
    phase = await traffic.steady("x", 100, 0.2, odd=Odd(4, "image"))
    assert len(written) == len(phase.due) == 20
    due = list(phase.due.values())
    assert all(0.009 < later - sooner < 0.011 for sooner, later in pairwise(due))
    assert all(sent["at"] > at - 0.005 for sent, at in zip(written, due, strict=True))
    media = [orjson.loads(sent["value"])["generation"]["medium"] for sent in written]
    assert media.count("image") == 5
    assert phase.odd == {number for number, medium in enumerate(media) if medium == "image"}
    again = await traffic.steady("y", 100, 0.02)
    assert min(again.due) == 20  # no number twice: a repeat is not another request


async def test_the_first_answer_counts_and_lanes_are_told_apart(tmp_path: Path) -> None:
    traffic = Traffic(local_settings(tmp_path), Written())
    phase = Phase("x", {0: time.time(), 1: time.time()}, odd={1})
    traffic.hear(_decision(0))
    first = traffic.answers[0]
    traffic.hear(_decision(0))
    traffic.hear(_decision(1, "refuse", "expired"))
    assert traffic.answers[0] is first
    assert traffic.answers[1][1:] == ("refuse", ("expired",))
    assert len(traffic.seconds(phase)) == len(traffic.seconds(phase, odd=True)) == 1


async def test_what_is_not_answered_is_counted(tmp_path: Path) -> None:
    traffic = Traffic(local_settings(tmp_path), Written())
    phase = Phase("x", dict.fromkeys(range(5), time.time()))
    for number in (4, 0, 2):
        traffic.hear(_decision(number))
    assert await traffic.settled(phase, 0.05) == 2
    for number in (1, 3):
        traffic.hear(_decision(number))
    assert await traffic.settled(phase, 5) == 0
    assert phase.answered > 0


async def test_it_is_not_waited_for_a_reader_that_ended(tmp_path: Path) -> None:
    traffic = Traffic(local_settings(tmp_path), Written())
    traffic.reader_ended()
    begun = time.monotonic()
    assert await traffic.settled(Phase("x", {0: 0.0}), 60) == 1
    assert time.monotonic() - begun < 5
    assert traffic.broken is not None


def test_the_rate_of_a_burst_leaves_its_first_tenth_out(tmp_path: Path) -> None:
    traffic = Traffic(local_settings(tmp_path), Written())
    phase = Phase("x", dict.fromkeys(range(101), 0.0), sent=9.5)
    for number in range(101):  # slow at first, then 100 a second
        at = number * 1.0 if number < 10 else 9.0 + (number - 9) / 100
        traffic.answers[number] = Answer(at, "release", ())
    assert round(rate_of(traffic, phase)) == 100


def test_the_rate_of_a_burst_that_is_answered_all_at_once_counts_from_its_sending(
    tmp_path: Path,
) -> None:
    traffic = Traffic(local_settings(tmp_path), Written())
    phase = Phase("x", dict.fromkeys(range(100), 99.5), sent=100.0)
    for number in phase.due:
        traffic.answers[number] = Answer(102.0 + number / 1e6, "release", ())
    assert round(rate_of(traffic, phase)) == 50
