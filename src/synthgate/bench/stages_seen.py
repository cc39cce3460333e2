"""What the spans of watched workers say: where a batch's time went, by duty."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from synthgate.events.topics import DUTIES

Span = dict[str, Any]
PARTS: Final[dict[str, Callable[[Span, int], float]]] = {
    "queue": lambda span, heard: span["begun"] - heard / 1000,
    "fresh": lambda span, _: span["fresh"],
    "decide": lambda span, _: span["decided"] - span["begun"] - span["fresh"] - span["append"],
    "append": lambda span, _: span["append"],
    "publish": lambda span, _: span["acked"] - span["decided"],
}
"""Parts of a record's time in a duty, seconds: waiting from the broker's append until its batch is begun; until
the registry copies were fresh; deciding and all else; writing and syncing the segment; until the broker had
acknowledged what the batch owed. The next duty's queue begins within ``publish``."""
WHOLE: Final = "whole"


def read(folder: Path) -> list[Span]:
    """Spans of every worker that wrote some there."""
    return [
        orjson.loads(line)
        for at in sorted(folder.glob("spans-*.jsonl"))
        for line in at.read_bytes().splitlines()
    ]


def within(spans: Iterable[Span], began: float, ended: float, *, slow: bool = False) -> list[Span]:
    """Batches of one lane begun in that time (Unix s). Sources carry both lanes, and count as fast."""
    return [
        span
        for span in spans
        if began <= span["begun"] <= ended and span["topic"].endswith(".slow") == slow
    ]


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values, the one at or above which ``1 - share`` of them lie; 0 of none."""
    if not values:
        return 0.0
    return values[min(round(share * (len(values) - 1)), len(values) - 1)]


def by_duty(spans: Sequence[Span]) -> list[dict[str, Any]]:
    """For each duty seen: p50 and p99 of each part and of the whole, in ms, and records in a batch."""
    rows = []
    for duty in DUTIES:
        of_duty = [span for span in spans if span["duty"] == duty]
        if not of_duty:
            continue
        parts: dict[str, list[float]] = {name: [] for name in (*PARTS, WHOLE)}
        for span in of_duty:
            for heard in span["heard"]:
                found = {name: part(span, heard) for name, part in PARTS.items()}
                for name, seconds in found.items():
                    parts[name].append(seconds)
                parts[WHOLE].append(sum(found.values()))
        rows.append(
            {
                "duty": duty,
                "records_per_batch": round(
                    statistics.mean(len(span["heard"]) for span in of_duty), 1
                ),
                "ms": {name: _ms(sorted(values)) for name, values in parts.items()},
            }
        )
    return rows


def fresh_share(spans: Sequence[Span], end_to_end_seconds: Sequence[float]) -> float:
    """Part of the mean time from end to end that the freshness rule takes, in all duties up to the decision."""
    heard = [span for span in spans if span["duty"] == "identity"]
    records = sum(len(span["heard"]) for span in heard)
    if not records or not end_to_end_seconds:
        return 0.0
    waited: float = sum(
        span["fresh"] * len(span["heard"]) for span in spans if span["duty"] != DUTIES[-1]
    )
    return waited / records / statistics.mean(end_to_end_seconds)


def _ms(values: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(values, 0.5) * 1000, 1),
        "p99": round(percentile(values, 0.99) * 1000, 1),
        "mean": round(statistics.mean(values) * 1000, 2) if values else 0.0,
    }
