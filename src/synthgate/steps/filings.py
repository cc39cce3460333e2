"""What a provider files with an authority or has assessed (DSP 19, 20): a case with its clock, until a receipt.

``service.started``, ``service.ended``, ``feature.released`` and ``growth.surged`` say in their detail
``public_opinion``: whether the service can shape public opinion or mobilise (Security Assessment Provisions
Art. 2); where nobody says, it may. ``feature.released`` names the receipt of its assessment (``assessment``),
which comes before the release. The case is ``filing/TENANT/NAME/WHAT``; ``report.receipted`` with the
authority's reference ends it.
"""

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from synthgate.cases.calendar import after_working_days
from synthgate.cases.kinds import FILING
from synthgate.cases.machine import Happened, heard, next_due
from synthgate.events.decision import CaseRow, Deadline
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.law import Law
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import Work
from synthgate.steps.docket import Docket

if TYPE_CHECKING:
    from synthgate.steps.findings import Found

WHAT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "service.started": "start", "filing.changed": "change", "service.ended": "end",
        "feature.released": "feature", "growth.surged": "growth",
    }
)  # fmt: skip
"""Event type to the last part of its case's id."""
_DAYS: Final = MappingProxyType(
    {"DSP-19-1": 10, "DSP-19-2": 10, "DSP-19-3": 20, "DSP-20-1": 0, "DSP-20-2": 30}
)
"""Working days from the day it happened (ALG 24; SA 7). Before a release (SA 7) means none are left."""
_REFERENCE_MAX: Final = 300


def hear(found: "Found", docket: Docket, law: Law, work: Work) -> bool:
    """Whether something is owed for it, or was under this name before; else it is for the record."""
    detail = found.event.detail
    public = detail.get("public_opinion")
    facts = FindingFacts(
        found.type,
        public=public if isinstance(public, bool) else None,
        shown=_assessment(detail) is not None,
    )
    owed = [reason.rule for reason in decide(found.event, facts, law, found.at).reasons]
    rules = [rule for rule in owed if rule in _DAYS]
    case = f"filing/{found.event.tenant}/{found.event.case}/{WHAT[found.type]}"
    held = docket.get(case)
    if held is not None and (held.cause == found.id or heard(held, found.id)):
        docket.put(held, work)
        return True
    if not rules:
        return False
    if held is None:
        docket.put(_opened(case, found, rules), work)
        return True

    def again(row: CaseRow) -> CaseRow:
        every = [*row.deadlines, *_clocks(found, rules, f"/{len(row.deadlines) + 1}")]
        return row.model_copy(update={"deadlines": every, "due_at": next_due(every)})

    docket.advance(FILING, held, Happened("filing.owed", found.id, found.at), work, also=again)
    return True


def _opened(case: str, found: "Found", rules: list[str]) -> CaseRow:
    clocks = _clocks(found, rules)
    detail: dict[str, Any] = {"type": found.type}
    if (assessment := _assessment(found.event.detail)) is not None:
        detail["assessment"] = assessment
    return CaseRow(
        case=case, version=1, kind="filing", state="open", status=FILING.start, tenant=found.event.tenant,
        user=None, opened_at=found.discovered, due_at=next_due(clocks), cause=found.id, receipt=None,
        key=base64.b64encode(found.key or b"").decode(), rules=rules, detail=detail, deadlines=clocks,
    )  # fmt: skip


def _clocks(found: "Found", rules: list[str], suffix: str = "") -> list[Deadline]:
    return [
        Deadline(id=f"file{suffix}", due_at=_due(found.discovered, rule), rule=rule, internal=False)
        for rule in rules
    ]


def _due(at: int, rule: str) -> int:
    days = _DAYS[rule]
    return after_working_days(at, days) if days else at


def _assessment(detail: Mapping[str, Any]) -> str | None:
    """The reference of a receipt that is no person's number; anything else is none."""
    said = detail.get("assessment")
    if not isinstance(said, str) or not 0 < len(said) <= _REFERENCE_MAX:
        return None
    return None if holds_plain_identity(said) else said
