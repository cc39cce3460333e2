"""Complaints in bad faith: who was found to make them again and again is heard without the fast lane.

Every complaint is still accepted, handled and answered (DSP 12); what is lost for a while is that content is
hidden before anybody has looked. A reviewer marks a rejection (``bad_faith``); an upheld appeal takes the mark
back. How many marks, and for how long, are house policy.
"""

from typing import Final

from synthgate.cases.machine import Happened
from synthgate.events.decision import CaseRow
from synthgate.law.policy import IncidentsPolicy
from synthgate.step import Work
from synthgate.steps.docket import Docket

MARK: Final = "bad_faith"
DAY_MS: Final = 86_400_000
_KEPT_MAX: Final = 100


def limited(
    docket: Docket, tenant: str, user: str | None, policy: IncidentsPolicy, at: int
) -> bool:
    """Whether a complainant, by token, has lost the fast lane at a time, Unix ms."""
    held = docket.get(_name(tenant, user))
    since = at - policy.bad_faith_days * DAY_MS
    marks: dict[str, int] = {} if held is None else held.detail["marks"]
    return sum(since < mark <= at for mark in marks.values()) >= policy.bad_faith_times


def judged(docket: Docket, complaint: CaseRow, event: Happened, work: Work) -> None:
    """A complaint was decided: marked as made in bad faith, or a mark falls. Heard again it changes nothing."""
    name = _name(complaint.tenant, complaint.user)
    held = docket.get(name)
    marks = {} if held is None else dict(held.detail["marks"])
    if event.type == "complaint.upheld":
        marks.pop(complaint.case, None)
    elif str(event.detail.get(MARK, "")).lower() == "true":
        marks.setdefault(complaint.case, event.at)
    if held is not None and marks == held.detail["marks"]:
        docket.put(held, work)
        return
    if held is None and not marks:
        return
    # Closed: an erasure takes it with the person's other cases, and nobody need end it.
    newest = sorted(marks.items(), key=lambda one: one[1])[-_KEPT_MAX:]
    row = CaseRow(
        case=name, version=1 if held is None else held.version + 1, kind="event", state="closed",
        tenant=complaint.tenant, user=complaint.user, opened_at=event.at if held is None else held.opened_at,
        cause=event.id, receipt=None, rules=["DSP-12-2"], detail={"type": MARK, "marks": dict(newest)},
    )  # fmt: skip
    docket.put(row, work)


def _name(tenant: str, user: str | None) -> str:
    return f"faith/{tenant}/{user}"
