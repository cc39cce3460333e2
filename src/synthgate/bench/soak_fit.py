"""Whether a soak was flat: a straight line through what was measured after the warm-up. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

MEMORY_GREW_MAX: Final = 0.03
"""Share of its mean that a process may grow by over the measured time, beside what it holds by design."""
LAG_GREW_MAX_SECONDS: Final = 1.0
"""A duty's lag may grow by what is sent in so long, over the measured time."""
MIB: Final = 1 << 20
BY_DESIGN: Final[Mapping[str, Mapping[str, float]]] = {
    "identity": {"segment": 60.0},
    "retention": {"entry": 8.0, "recorded": 8.0, "answer": 370.0, "segment": 60.0},
    "incidents": {"answer": 110.0, "refusal": 8_200.0, "no pass": 90.0, "segment": 60.0},
}
"""Bytes a worker holds by design, by duty and what happened; for how long: ``soak_page.py``. By tracemalloc."""


class Fit(NamedTuple):
    """A line through points. slope: per second; mean: of the values; grew: along the line, over all points."""

    slope: float
    mean: float
    grew: float


def fit(at: Sequence[float], values: Sequence[float]) -> Fit:
    """By least squares. Fewer than two points, or all at one time, have no slope."""
    if not values:
        return Fit(0.0, 0.0, 0.0)
    middle, mean = sum(at) / len(at), sum(values) / len(values)
    spread = sum((x - middle) ** 2 for x in at)
    if not spread:
        return Fit(0.0, mean, 0.0)
    slope = sum((x - middle) * (y - mean) for x, y in zip(at, values, strict=True)) / spread
    return Fit(slope, mean, slope * (max(at) - min(at)))


def happened(sent: Mapping[str, int], segments: int, recorded: int) -> dict[str, int]:
    """What memory is held for, of acts sent by kind: answers to holds, refusals that open a case, and so on."""
    return {
        "entry": sum(sent.values()),
        "answer": sent.get("answer", 0),
        "refusal": sent.get("entry", 0),
        "no pass": sent.get("no pass", 0),
        "segment": segments,
        "recorded": recorded,
    }


def by_design(duty: str, happened: Mapping[str, float]) -> float:
    """Bytes a duty's worker has to hold of what happened."""
    return sum(size * happened.get(what, 0) for what, size in BY_DESIGN.get(duty, {}).items())


def verdicts(found: Mapping[str, Any]) -> dict[str, Any]:
    """What SOAK.md judges by. found: ``samples``, ``warm_seconds``, ``rate``, ``happened``, ``accounts``."""
    samples = [row for row in found["samples"] if row["at"] >= found["warm_seconds"]]
    at = [row["at"] for row in samples]
    memory = {}
    for worker in samples[0]["rss_mib"] if samples else ():
        line = fit(at, [row["rss_mib"][worker] for row in samples])
        design = by_design(worker, found["happened"]) / MIB
        memory[worker] = {
            "mib": round(line.mean, 1),
            "mib_per_hour": round(line.slope * 3600, 2),
            "grew_mib": round(line.grew, 2),
            "by_design_mib": round(design, 2),
            "flat": line.grew - design <= MEMORY_GREW_MAX * line.mean,
        }
    lag = {}
    for duty in samples[0]["lag"] if samples else ():
        line = fit(at, [row["lag"][duty] for row in samples])
        lag[duty] = {
            "mean": round(line.mean, 1),
            "per_hour": round(line.slope * 3600, 1),
            "flat": line.grew <= LAG_GREW_MAX_SECONDS * found["rate"],
        }
    accounts = found["accounts"]
    exact = accounts["entries"] == accounts["records"] and not (
        accounts["faults"] or accounts["holes"] or accounts["unanswered"] or accounts["wrong"]
    )
    judged = {
        "memory": bool(memory) and all(row["flat"] for row in memory.values()),
        "lag": bool(lag) and all(row["flat"] for row in lag.values()),
        "errors": not found["errors"],
        "accounts": exact,
    }
    return {"memory": memory, "lag": lag, "judged": judged}
