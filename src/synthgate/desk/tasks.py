"""Tasks of people: which is next, who has it, and when enough of them have judged.

A task is an open ``hold: review``. Whose it is follows from the acts on ``desk.events`` in the order the broker
stored them, so two desks that claim at once agree on who was first. A lease only keeps people from working on
the same thing: what counts is that each decision is answered once, and that is the log's affair.

Some tasks need two people: those that somebody escalated, and a share chosen by the receipt's hash (a sample
nobody can steer). Neither sees what the other said; if they differ, a third decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from synthgate.events.decision import CaseRow
from synthgate.events.desk_rows import DeskRow

GRAVE: Final = ("A.1", "A.2")
"""Groups of risks that are looked at first: against public order, and discrimination."""
_SAMPLE_DIGITS: Final = 8
ANSWER_MS: Final = 600_000
"""An answer that has changed nothing by then did not count: the task is free again."""


class NotYours(ValueError):
    """Somebody may not do this with a task; the sentence says why."""


@dataclass(slots=True)
class Task:
    """One task as it stands at a time. Times are Unix ms."""

    case: CaseRow
    holder: str | None = None
    held_until: int = 0
    escalated_by: tuple[str, ...] = ()
    opinions: dict[str, DeskRow] = field(default_factory=dict)
    answered_at: int | None = None
    sampled: bool = False

    @property
    def waits_since(self) -> int:
        """When it began to wait for a person."""
        return int(self.case.detail["waits_since"])

    @property
    def needs(self) -> int:
        """How many people must agree."""
        return 2 if self.sampled or self.escalated_by else 1

    @property
    def priority(self) -> int:
        """0 escalated, 1 grave risks, 2 others."""
        if self.escalated_by:
            return 0
        risks = self.case.detail["risks"]
        return 1 if any(risk.startswith(GRAVE) for risk in risks) else 2

    def is_held(self, now_ms: int) -> bool:
        """Whether somebody has it."""
        return self.holder is not None and now_ms < self.held_until

    def barred(self, name: str, now_ms: int) -> str | None:
        """Why somebody may not take it; None if they may."""
        if self.answered_at is not None and now_ms < self.answered_at + ANSWER_MS:
            return "it was answered; its decision is on the way"
        if name in self.opinions:
            return "you have judged it; somebody else gives the second opinion"
        if name in self.escalated_by:
            return "you escalated it; somebody else judges"
        if self.is_held(now_ms) and self.holder != name:
            return f"{self.holder} has it for another {-((now_ms - self.held_until) // 1000)} s"
        return None


def tasks(
    cases: Iterable[CaseRow], acts: Sequence[tuple[int, DeskRow]], sample_percent: int
) -> list[Task]:
    """Open tasks. acts: (append time ms, act) in the order of their partition."""
    found = {
        row.case: Task(row, sampled=is_sampled(row, sample_percent))
        for row in cases
        if row.kind == "hold" and row.state == "open" and row.detail.get("hold") == "review"
    }
    for at_ms, act in acts:
        task = found.get(act.case)
        receipt = None if task is None else task.case.receipt
        if task is not None and receipt is not None and receipt.hash == act.answers:
            _apply(task, at_ms, act)
    return list(found.values())


def is_sampled(case: CaseRow, percent: int) -> bool:
    """Whether a task needs a second opinion: by its entry's hash, which nobody chooses."""
    if case.receipt is None:
        return False
    return int(case.receipt.hash[:_SAMPLE_DIGITS], 16) % 100 < percent


def queue(found: Iterable[Task], name: str, now_ms: int) -> list[Task]:
    """What somebody may take, the most urgent first."""
    free = [task for task in found if task.barred(name, now_ms) is None]
    return sorted(free, key=lambda task: (task.priority, task.waits_since, task.case.case))


@dataclass(frozen=True, slots=True)
class Judged:
    """What comes of an opinion: an answer to send, or (None) more people to ask. by: all who agreed."""

    outcome: str | None
    risks: tuple[str, ...] = ()
    by: tuple[str, ...] = ()


def judge(task: Task, name: str, outcome: str, risks: Sequence[str], now_ms: int) -> Judged:
    """Somebody's opinion on a task that is theirs.

    Raises:
        NotYours: it is not; it says why.
    """
    barred = task.barred(name, now_ms)
    if barred is not None:
        raise NotYours(barred)
    if task.holder != name or not task.is_held(now_ms):
        raise NotYours("claim it first (`synthgate review claim`): your lease is over or never was")
    alike = [one for one in task.opinions.values() if one.outcome == outcome]
    if len(alike) + 1 < task.needs:
        return Judged(None)
    named = [risk for one in alike for risk in one.risks] + list(risks)
    return Judged(outcome, tuple(dict.fromkeys(named)), (*(one.by for one in alike), name))


def _apply(task: Task, at_ms: int, act: DeskRow) -> None:
    if act.act == "claimed":
        free = not task.is_held(at_ms) or task.holder == act.by
        if free and task.barred(act.by, at_ms) is None:
            task.holder, task.held_until = act.by, at_ms + (act.seconds or 0) * 1000
        return
    if act.act == "answered":
        task.answered_at = at_ms
    if task.holder != act.by:
        return  # only who has it gives it back, escalates or judges
    if act.act == "opinion":
        task.opinions.setdefault(act.by, act)
    elif act.act == "escalated" and act.by not in task.escalated_by:
        task.escalated_by += (act.by,)
    task.holder, task.held_until = None, 0
