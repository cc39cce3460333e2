"""How the desk is doing: what waits, for how long, who answered, and how often two people agree. No content."""

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from synthgate.desk.tasks import tasks
from synthgate.events.decision import CaseRow
from synthgate.events.desk_rows import DeskRow

MINUTE_MS: Final = 60_000


def figures(
    cases: Sequence[CaseRow], acts: Sequence[tuple[int, DeskRow]], now_ms: int, *,
    target_minutes: int, since_ms: int, sample_percent: int,
) -> dict[str, Any]:  # fmt: skip
    """Figures of what is open now and of what was closed since a time. Times in minutes."""
    open_tasks = tasks(cases, acts, sample_percent)
    ages = [now_ms - task.waits_since for task in open_tasks]
    retries = [row for row in _holds(cases, "open") if row.detail.get("hold") == "retry"]
    closed = [row for row in _holds(cases, "closed") if int(row.detail["closed_at"]) >= since_ms]
    asked = [row for row in closed if row.detail.get("hold") == "review"]
    waits = [int(row.detail["closed_at"]) - int(row.detail["waits_since"]) for row in asked]
    late = sum(wait > target_minutes * MINUTE_MS for wait in waits)
    pairs = _pairs(acts, since_ms)
    return {
        "open": len(open_tasks),
        "held": sum(task.is_held(now_ms) for task in open_tasks),
        "escalated": sum(bool(task.escalated_by) for task in open_tasks),
        "overdue": sum(age > target_minutes * MINUTE_MS for age in ages),
        "oldest_minutes": _minutes(max(ages, default=0)),
        "retrying": len(retries),
        "closed": len(asked),
        "closed_by": dict(sorted(Counter(row.detail["closed_by"] for row in asked).items())),
        "closed_as": dict(sorted(Counter(row.detail["action"] for row in asked).items())),
        "wait_median_minutes": _minutes(statistics.median(waits)) if waits else None,
        "wait_p95_minutes": _minutes(_p95(waits)) if waits else None,
        "in_time_percent": round(100 * (1 - late / len(waits)), 1) if waits else None,
        "second_opinions": len(pairs),
        "agreed_percent": round(100 * sum(pairs) / len(pairs), 1) if pairs else None,
        "answers": dict(sorted(_answers(acts, since_ms).items())),
    }


def _holds(cases: Iterable[CaseRow], state: str) -> list[CaseRow]:
    return [row for row in cases if row.kind == "hold" and row.state == state]


def _pairs(acts: Iterable[tuple[int, DeskRow]], since_ms: int) -> list[bool]:
    """Of every decision two people judged: whether the first two agreed."""
    said: dict[str, dict[str, str | None]] = {}
    for at_ms, act in acts:
        if at_ms >= since_ms and act.outcome is not None and act.act in ("opinion", "answered"):
            said.setdefault(act.answers, {}).setdefault(act.by, act.outcome)
    firsts = [list(by.values())[:2] for by in said.values() if len(by) > 1]
    return [first == second for first, second in firsts]


def _answers(acts: Iterable[tuple[int, DeskRow]], since_ms: int) -> Counter[str]:
    return Counter(act.by for at_ms, act in acts if at_ms >= since_ms and act.act == "answered")


def _p95(waits: Sequence[int]) -> float:
    return sorted(waits)[min(len(waits) - 1, int(len(waits) * 0.95))]


def _minutes(ms: float) -> float:
    return round(ms / MINUTE_MS, 1)
