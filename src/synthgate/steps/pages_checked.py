"""Checks of what pages show: what one lacks opens a case, and a later check that sees it ends the case.

``page.checked`` says in its detail ``page`` (of ``MUST_SHOW``) and ``shows``: which of what it must show was
seen (a list, or with commas); what is not named was not. A filing number counts as seen only with
the number itself (``number``), of the form the authority gives. House target: what lacks is
published within the platform's hours for work.
"""

import base64
import re
from collections.abc import Mapping
from types import MappingProxyType
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
MUST_SHOW: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "complaints": ("entry", "procedure", "time_limit"),  # DSP 12
        "service": ("number", "link"),  # DSP 19, ALG 26: filing number, link to the public record
    }
)
"""By page: what it must show."""
_NUMBER: Final = re.compile(r"网信算备[0-9]{21}号")


def lacks(detail: Mapping[str, Any]) -> list[str] | None:
    """What a page was not seen to show; None: a page that need not show anything was checked."""
    must = MUST_SHOW.get(str(detail.get("page")))
    if must is None:
        return None
    told = detail.get("shows")
    seen = told.split(",") if isinstance(told, str) else told if isinstance(told, list) else []
    missing = [one for one in must if one not in seen]
    if "number" in must and "number" not in missing and not _numbered(detail):
        missing.append("number")
    return missing


def _numbered(detail: Mapping[str, Any]) -> bool:
    return _NUMBER.fullmatch(str(detail.get("number"))) is not None


def hear(found: "Found", docket: Docket, law: Law, work: Work) -> bool:
    """Whether the check is, or ends, a case of its own; any other is for the record."""
    missing = lacks(found.event.detail)
    page = str(found.event.detail.get("page"))
    case = f"page/{found.event.tenant}/{found.event.case}"
    if page != "complaints":
        case += f"/{page}"
    held = docket.get(case)
    if missing is None or (held is None and not missing):
        return False
    facts = FindingFacts(found.type, page=page, shown=not missing)
    owed = [reason.rule for reason in decide(found.event, facts, law, found.at).reasons]
    if held is None:
        if not owed:
            return False
        docket.put(_opened(case, found, owed, missing, _due(found, law)), work)
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
            mend = f"mend/{len(every) + 1}"
            every = [*every, _mend(mend, row.rules[0], _due(found, law))]
        detail = {**row.detail, "lacks": missing}
        more = {"detail": detail, "deadlines": every, "due_at": next_due(every)}
        return row.model_copy(update=more)

    docket.advance(PAGE, held, event, work, also=known)
    return True


def _due(found: "Found", law: Law) -> int:
    return found.at + law.policy.incidents.work_hours * HOUR_MS


def _opened(
    case: str, found: "Found", owed: list[str], missing: list[str], due: int
) -> CaseRow:  # fmt: skip
    return CaseRow(
        case=case, version=1, kind="page", state="open", status=PAGE.start, tenant=found.event.tenant,
        user=None, opened_at=found.discovered, due_at=due, cause=found.id, receipt=None,
        key=base64.b64encode(found.key or b"").decode(), rules=owed,
        detail={"type": found.type, "lacks": missing}, deadlines=[_mend("mend", owed[0], due)],
    )  # fmt: skip


def _mend(name: str, rule: str, due: int) -> Deadline:
    return Deadline(id=name, due_at=due, rule=rule, internal=True)
