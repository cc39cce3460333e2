"""Checks of the page for complaints: what it lacks opens a case, and a later check that sees it ends the case.

``page.checked`` says in its detail ``page`` (``complaints``) and ``shows``: which of ``MUST_SHOW`` was
seen (a list, or with commas); what is not named was not. House target: it is
published within the platform's hours for work.
"""

import base64
from typing import TYPE_CHECKING, Any, Final

from synthgate.cases.kinds import PAGE
from synthgate.cases.machine import Happened, heard, next_due
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline
from synthgate.law import Law
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import Work
from synthgate.steps.docket import Docket

if TYPE_CHECKING:
    from synthgate.steps.findings import Found

TYPE: Final = "page.checked"
COMPLAINTS: Final = "complaints"
MUST_SHOW: Final = ("entry", "procedure", "time_limit")
"""Entry, procedure and time limits (DSP 12)."""


def lacks(detail: dict[str, Any]) -> list[str] | None:
    """What the page for complaints was not seen to show; None: another page was checked."""
    if detail.get("page") != COMPLAINTS:
        return None
    told = detail.get("shows")
    seen = told.split(",") if isinstance(told, str) else told if isinstance(told, list) else []
    return [one for one in MUST_SHOW if one not in seen]


def hear(found: "Found", docket: Docket, law: Law, work: Work) -> bool:
    """Whether the check is, or ends, a case of its own; any other is for the record."""
    missing = lacks(found.event.detail)
    case = f"page/{found.event.tenant}/{found.event.case}"
    held = docket.get(case)
    if missing is None or (held is None and not missing):
        return False
    facts = FindingFacts(found.type, shown=not missing)
    owed = [reason.rule for reason in decide(found.event, facts, law, found.at).reasons]
    if held is None and not owed:
        return False
    due = found.at + law.policy.incidents.work_hours * HOUR_MS
    if held is None:
        docket.put(_opened(case, found, owed, missing, due), work)
        return True
    if held.cause == found.id or heard(held, found.id):
        docket.put(held, work)
        return True
    was = held.status == PAGE.start
    kind = "note.added" if was == bool(missing) else "page.lacking" if missing else "page.mended"
    event = Happened(kind, found.id, found.at, detail={"lacks": missing})

    def known(row: CaseRow) -> CaseRow:
        every = row.deadlines
        if kind == "page.lacking":
            every = [*every, _mend(f"mend/{len(every) + 1}", due)]
        detail = {**row.detail, "lacks": missing}
        more = {"detail": detail, "deadlines": every, "due_at": next_due(every)}
        return row.model_copy(update=more)

    docket.advance(PAGE, held, event, work, also=known)
    return True


def _opened(
    case: str, found: "Found", owed: list[str], missing: list[str], due: int
) -> CaseRow:  # fmt: skip
    return CaseRow(
        case=case, version=1, kind="page", state="open", status=PAGE.start, tenant=found.event.tenant,
        user=None, opened_at=found.discovered, due_at=due, cause=found.id, receipt=None,
        key=base64.b64encode(found.key or b"").decode(), rules=owed,
        detail={"type": found.type, "lacks": missing}, deadlines=[_mend("mend", due)],
    )  # fmt: skip


def _mend(name: str, due: int) -> Deadline:
    return Deadline(id=name, due_at=due, rule="DSP-12-1", internal=True)
