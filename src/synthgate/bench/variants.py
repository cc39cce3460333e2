"""Variants of one work, measured in one run on one broker: each in a process of its own, one after the other.

Each has topics of its own with the same events; those that only read theirs share them, as different groups.
In the long form all are run in several rounds, and a ratio is the median of its rounds' ratios.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from synthgate.bench.load import delete_topics, load_events, load_facts, make_topics
from synthgate.bench.on_broker import (
    ALL,
    BenchError,
    fresh_name,
    on_broker,
    progress,
    settings_for,
)
from synthgate.broker.choose import Broker
from synthgate.settings import Settings

CHILD_SECONDS_MAX: Final = 120.0
SIX: Final = (
    "generation.events", "passages.identified", "passages.consented", "passages.moderated",
    "passages.labelled", "decisions",
)  # fmt: skip
HOP: Final = SIX[:2]


class Variant(NamedTuple):
    """One way to do it. ``quick`` and ``long``: how many events; 0 leaves it out.

    ``share``: name of a set of topics used together with others of as many events, which only read them.
    """

    letter: str
    name: str
    what: str
    topics: tuple[str, ...]
    quick: int
    long: int
    share: str = ""


ROUNDS_LONG: Final = 3


class Run(NamedTuple):
    """One variant in one round."""

    variant: Variant
    settings: Settings
    events: int


def measure(
    bench: str,
    variants: Sequence[Variant],
    ratios: Mapping[str, float | None],
    *,
    quick: bool,
    folder: Path | None = None,
) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``ratios``: ``"over/under"`` and its aim, if it has any.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: a variant failed, or refused what it should release.
    """

    def work(broker: Broker, home: Path) -> dict[str, Any]:
        rounds = 1 if quick else ROUNDS_LONG
        these = [variant for variant in variants if (variant.quick if quick else variant.long)]
        found = [_round(broker, home, these, quick=quick) for _ in range(rounds)]
        return {"rows": _rows(these, found, quick=quick), "ratios": _ratios(ratios, found)}

    return on_broker(bench, work, quick=quick, folder=folder)


def _round(
    broker: Broker, home: Path, variants: Sequence[Variant], *, quick: bool
) -> dict[str, dict[str, Any]]:
    """Every variant once, on fresh topics that are deleted in the end."""
    unique = fresh_name()
    runs = []
    for variant in variants:
        shared = variant.share and unique + variant.share
        settings = settings_for(broker, home, unique + variant.letter, shared)
        runs.append(Run(variant, settings, variant.quick if quick else variant.long))
    found = {}
    try:
        asyncio.run(_prepare(runs))
        for variant, settings, count in runs:
            progress(f"({variant.letter}) {variant.what}")
            found[variant.letter] = child(variant, settings, count)
            progress(f"({variant.letter}) {found[variant.letter]['per_second']:,.0f} events/s")
            shutil.rmtree(settings.data_dir)
    finally:
        asyncio.run(_clear(runs))
    return found


async def _prepare(runs: Sequence[Run]) -> None:
    """Topics first, for all; by the time the first are written to, the last have their leaders."""
    progress("making topics")
    sets = {run.settings.topic_prefix: run for run in runs}
    for run in sets.values():
        await make_topics(run.settings, run.variant.topics)
    for run in sets.values():
        progress(f"({run.variant.letter}) writing {run.events:,} events")
        if run.variant.topics == ALL:
            await load_facts(run.settings)
        await load_events(run.settings, run.events)


async def _clear(runs: Sequence[Run]) -> None:
    for run in {run.settings.topic_prefix: run for run in runs}.values():
        await delete_topics(run.settings, run.variant.topics)


def child(variant: Variant, settings: Settings, count: int) -> dict[str, Any]:
    """Run one variant in its own process.

    Raises:
        BenchError: it failed, or refused what it should release.
    """
    asked = {
        "variant": variant.name,
        "events": count,
        "settings": settings.model_dump(mode="json"),
    }
    log = settings.data_dir.parent / f"{settings.data_dir.name}.log"
    kept = {name: text for name, text in os.environ.items() if not name.startswith("SYNTHGATE_")}
    command = [sys.executable, "-m", "synthgate.bench.child", orjson.dumps(asked).decode()]
    with log.open("wb") as errors:
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=errors, env=kept,
                timeout=CHILD_SECONDS_MAX, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise BenchError(_how(variant, "did not end in time", log)) from None
    if done.returncode != 0 or not done.stdout:
        raise BenchError(_how(variant, f"ended with {done.returncode}", log))
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    if found.get("released", count) != count:
        raise BenchError(
            f"variant {variant.letter} released {found['released']} of {count}: not lawful work"
        )
    found["per_second"] = found["events"] / found["seconds"]
    return found


def _how(variant: Variant, ended: str, log: Path) -> str:
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    return f"variant ({variant.letter}) {ended}: {' | '.join(last) or 'it said nothing'}"


Found = Mapping[str, Mapping[str, Any]]
"""What one round found, by letter."""


def _rows(
    variants: Sequence[Variant], rounds: Sequence[Found], *, quick: bool
) -> list[dict[str, Any]]:
    rows = []
    for variant in variants:
        each = [one[variant.letter] for one in rounds]
        rates = [found["per_second"] for found in each]
        cpu_us = statistics.median(_cpu(found) * 1e6 for found in each)
        rows.append(
            {
                "variant": variant.letter,
                "what": variant.what,
                "events": variant.quick if quick else variant.long,
                "events_per_second": round(statistics.median(rates)),
                "each_round": [round(rate) for rate in rates],
                "cpu_us_per_event": round(cpu_us),
            }
        )
    return rows


def _ratios(ratios: Mapping[str, float | None], rounds: Sequence[Found]) -> list[dict[str, Any]]:
    """Of rates; ``by_cpu`` of events per CPU second, which a busy machine disturbs less."""
    rows = []
    for name, aim in ratios.items():
        over, under = name.split("/")
        if any(letter not in one for one in rounds for letter in (over, under)):
            continue
        by_rate = [one[over]["per_second"] / one[under]["per_second"] for one in rounds]
        by_cpu = [_cpu(one[under]) / _cpu(one[over]) for one in rounds]
        rows.append(
            {
                "ratio": name,
                "found": round(statistics.median(by_rate), 3),
                "by_cpu": round(statistics.median(by_cpu), 3),
                "aim": aim,
            }
        )
    return rows


def _cpu(found: Mapping[str, Any]) -> float:
    """CPU seconds per event, of this process; the broker's and the kernel's writing apart."""
    return float(found["cpu_seconds"] / found["events"])
