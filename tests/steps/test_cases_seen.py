"""Open cases are counted and their age is told, however many were closed behind one that stays open."""

from typing import Any

from synthgate.events.decision import CaseRow
from synthgate.steps.cases_seen import CasesSeen


def a_row(case: str, at: int, state: Any) -> CaseRow:
    return CaseRow(
        case=case, version=1, kind="work", state=state, tenant="t", user=None, opened_at=at,
        cause="c", receipt=None, rules=[],
    )  # fmt: skip


def test_one_case_nobody_closes_keeps_none_that_came_after_it() -> None:
    seen = CasesSeen()
    seen.noted(0, a_row("old", 10, "open"))
    for number in range(5_000):
        seen.noted(0, a_row(f"work/{number}", 20 + number, "open"))
        seen.noted(0, a_row(f"work/{number}", 20 + number, "closed"))
    seen.noted(0, a_row("new", 9_000, "open"))
    assert len(seen._open[0]["work"]._heap) < 1_100
    assert seen.open(0, 10_000)["work"] == (2, 9_990)
    seen.noted(0, a_row("old", 10, "closed"))
    assert seen.open(0, 10_000)["work"] == (1, 1_000)
