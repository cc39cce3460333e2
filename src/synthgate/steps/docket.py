"""The docket: cases as they are now, and what a change of one sends. Incidents' steps write through it alone.

What is sent has an id of origin and duty, so sending it again is sending the same. Work the platform owes is a
row of its own (``work/<id>``) until it is answered; unanswered it is sent again.
"""

from collections.abc import Callable, Iterable
from typing import Final

from synthgate.cases.machine import Happened, Machine, NotAllowed, advance, refused
from synthgate.events.decision import CaseRow, Noted, WorkRow
from synthgate.step import Work
from synthgate.steps.cases import Cases

HOUR_MS: Final = 3_600_000
AGAIN_MAX_MS: Final = 24 * HOUR_MS
"""Unanswered work is sent again after an hour, then after twice as long each time, at most a day."""
NUMBERED: Final = "event"
"""The kind of progress, whose version is the number of a decision: two rows of one version say the same."""
WORK_NOTED_MAX: Final = 50
"""Answers remembered of one piece of work."""

Also = Callable[[CaseRow], CaseRow]


class Docket:
    """Cases of the partitions held, and their changes."""

    def __init__(self, cases: Cases) -> None:
        self.cases = cases

    def get(self, case: str) -> CaseRow | None:
        """The case as it is now."""
        return self.cases.get(case)

    def put(self, row: CaseRow, work: Work) -> CaseRow:
        """Keep it and send it; a case that is further on is sent as it is."""
        taken = self.cases.put(work.partition, row)
        now = row if taken else self.cases.get(row.case) or row
        value = now.model_dump_json().encode()
        self.cases.said(work.partition, row.case, value)
        work.outputs.add("cases", row.case.encode(), value)
        return now

    def say_again(self, work: Work) -> None:
        """Rows of this partition behind which another owner's late word stands on the topic."""
        for case, version in self.cases.late.of(work.partition).items():
            row = self.cases.get(case)
            if row is None:
                continue
            if row.kind != NUMBERED:
                row = row.model_copy(update={"version": max(row.version, version + 1)})
            self.put(row, work)

    def advance(
        self,
        machine: Machine,
        row: CaseRow,
        event: Happened,
        work: Work,
        *,
        also: Also | None = None,
    ) -> bool:
        """Move a case; what it does not allow is noted on it. Whether it took the event, now or before.

        also: what else the move changes. One event is one row: a process that dies between two would leave a
        case that has heard the event and not done what it asks.
        """
        try:
            moved = advance(machine, row, event)
        except NotAllowed as fault:
            self.put(refused(row, event, str(fault)), work)
            return False
        if also is not None and moved is not row:
            moved = also(moved)
        self.put(moved, work)
        noted = next((one for one in moved.timeline if one.id == event.id), None)
        return noted is not None and noted.refused is None

    def owe(
        self, rows: Iterable[WorkRow], work: Work, tenant: str, key: str | None, at: int
    ) -> None:
        """Send what the platform owes, and remember it until it is answered.

        at: when it came to be owed, Unix ms. Not by our clock: what is said again is the same to the byte.
        """
        for row in rows:
            name = work_case(row.id)
            row = row.model_copy(update={"tenant": tenant})  # noqa: PLW2901
            held = self.cases.get(name)
            if held is None:
                held = CaseRow(
                    case=name, version=1, kind="work", state="open", status="due", tenant=tenant,
                    user=row.recipient, opened_at=at, due_at=at + HOUR_MS,
                    cause=row.case, receipt=None, key=key, rules=[row.rule],
                    detail={"work": row.model_dump(mode="json"), "sent": 1},
                )  # fmt: skip
            self.put(held, work)
            if held.state == "open":
                _send(WorkRow.model_validate(held.detail["work"]), work)

    def answered(self, held: CaseRow, event: Happened, work: Work, *, done: bool) -> None:
        """Note an answer to work; done closes it, what failed stays owed. Heard again it is sent as it is."""
        seen = any(noted.id == event.id for noted in held.timeline)
        if not seen and held.state == "open":
            status = "done" if done else "failed"
            noted = Noted(
                id=event.id, type=event.type, at=event.at, by=event.by, reason=event.reason,
                was=held.status, status=status, detail=dict(event.detail),
            )  # fmt: skip
            changed = {
                "version": held.version + 1, "status": status,
                "timeline": [*held.timeline, noted][-WORK_NOTED_MAX:],
                "state": "closed" if done else "open", "due_at": None if done else held.due_at,
            }  # fmt: skip
            held = held.model_copy(update=changed)
        self.put(held, work)

    def again(self, held: CaseRow, work: Work) -> None:
        """Send unanswered work again, and later still."""
        sent = int(held.detail["sent"])
        wait = min(HOUR_MS << min(sent, 10), AGAIN_MAX_MS)
        changed = {
            "version": held.version + 1,
            "due_at": work.now_ms + wait,
            "detail": {**held.detail, "sent": sent + 1},
        }
        self.put(held.model_copy(update=changed), work)
        _send(WorkRow.model_validate(held.detail["work"]), work)


def work_case(work_id: str) -> str:
    """Case id of a piece of work."""
    return f"work/{work_id}"


def _send(row: WorkRow, work: Work) -> None:
    work.outputs.add("work", row.id.encode(), row.model_dump_json().encode())
