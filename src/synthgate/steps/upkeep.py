"""What a provider keeps up: eight management systems (DSP 7) and the review of its algorithm (DSP 15).

A service has two cases, ``upkeep/TENANT/NAME/policies`` and ``…/algorithm``, opened when it starts or when one
is first stated, and ended when it ends. ``policy.reviewed`` and ``algorithm.reviewed`` say in their detail
``reviewed``: by name (of ``POLICIES``; ``algorithm``) its ``owner``, ``version``, ``sha256`` and ``review_by``
(RFC 3339). What was not stated whole is lacking, and due within the platform's hours for work; what was is due
for review on its day, in a year at the latest: our choice, the law says regularly.
"""

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from synthgate.cases.kinds import UPKEEP
from synthgate.cases.machine import Happened, heard, next_due
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline
from synthgate.events.event import time_ms
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.law import Law
from synthgate.obligations.findings import FindingFacts, decide
from synthgate.step import Work
from synthgate.steps.docket import Docket

if TYPE_CHECKING:
    from synthgate.steps.findings import Found

POLICIES: Final = (
    "registration", "algorithm_review", "ethics_review", "publication_review", "data_security",
    "personal_information", "anti_fraud", "emergency",
)  # fmt: skip
"""The management systems of DSP 7, in its order."""
_ENDED: Final = "service.ended"
_YEAR_MS: Final = 365 * 24 * HOUR_MS
_TEXT_MAX: Final = 100
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class _Side(NamedTuple):
    """One of a service's two cases. event: what states. names: what is kept up."""

    name: str
    event: str
    rule: str
    names: tuple[str, ...]


_SIDES: Final = (
    _Side("policies", "policy.reviewed", "DSP-7-1", POLICIES),
    _Side("algorithm", "algorithm.reviewed", "DSP-15-1", ("algorithm",)),
)
HEARS: Final = (*(side.event for side in _SIDES), "service.started", _ENDED)


def hear(found: "Found", docket: Docket, law: Law, work: Work) -> bool:
    """Whether the event says something of what is kept up."""
    sides = [side for side in _SIDES if found.type in (side.event, "service.started", _ENDED)]
    took = [_heard(side, found, docket, law, work) for side in sides]
    return any(took)


def _heard(side: _Side, found: "Found", docket: Docket, law: Law, work: Work) -> bool:
    case = f"upkeep/{found.event.tenant}/{found.event.case}/{side.name}"
    held = docket.get(case)
    if held is not None and (held.cause == found.id or heard(held, found.id)):
        docket.put(held, work)
        return True
    if held is None and (found.type == _ENDED or law.rule(side.rule) is None):
        return False
    if held is not None and found.type == _ENDED:
        docket.advance(UPKEEP, held, Happened("upkeep.ended", found.id, found.at), work)
        return True
    soon = found.at + law.policy.incidents.work_hours * HOUR_MS
    kept = _kept(side, held.detail["kept"] if held else {}, found, soon)
    lacks = [name for name, one in kept.items() if one["sha256"] is None]
    facts = FindingFacts(found.type, shown=not lacks)
    owed = [one.rule for one in decide(found.event, facts, law, found.at).reasons]
    rules = [rule for rule in owed if rule == side.rule]
    clocks = [
        Deadline(id=f"review/{name}/{one['times']}", due_at=one["due"], rule=side.rule, internal=True)
        for name, one in kept.items()
    ]  # fmt: skip
    detail = {"type": found.type, "kept": kept, "lacks": lacks}
    status = "lacking" if lacks else "kept"
    if held is None:
        row = CaseRow(
            case=case, version=1, kind="upkeep", state="open", status=status, tenant=found.event.tenant,
            user=None, opened_at=found.discovered, due_at=next_due(clocks), cause=found.id, receipt=None,
            key=base64.b64encode(found.key or b"").decode(), rules=rules, detail=detail, deadlines=clocks,
        )  # fmt: skip
        docket.put(row, work)
        return True

    def stated(row: CaseRow) -> CaseRow:
        before = {one.id: one for one in row.deadlines}
        every = [before.get(one.id, one) for one in clocks]
        more = {"detail": detail, "deadlines": every, "due_at": next_due(every)}
        return row.model_copy(update=more | {"rules": list(dict.fromkeys([*row.rules, *rules]))})

    event = Happened(f"upkeep.{status}", found.id, found.at, detail={"lacks": lacks})
    docket.advance(UPKEEP, held, event, work, also=stated)
    return True


def _kept(side: _Side, before: Mapping[str, Any], found: "Found", soon: int) -> dict[str, Any]:
    """By name, after the event: as stated now or before. times: how often it was stated; numbers its clock."""
    given = found.event.detail.get("reviewed")
    said = given if isinstance(given, dict) else {}
    kept = {}
    for name in side.names:
        old = before.get(name)
        if name in said:
            one = _stated(said[name], found.at, soon)
            again = {"times": old["times"] + 1 if old else 1}
            if old and old["sha256"] is None and one["sha256"] is None:
                # Lacking is due when it first was.
                again = {"times": old["times"], "due": old["due"]}
            kept[name] = one | again
        else:
            kept[name] = old or _stated(None, found.at, soon) | {"times": 0}
    return kept


def _stated(given: object, at: int, soon: int) -> dict[str, Any]:
    """One system as stated; whatever is not stated whole is lacking, and its hash None."""
    one = given if isinstance(given, dict) else {}
    texts = {name: _text(one.get(name)) for name in ("owner", "version")}
    sha256 = one.get("sha256")
    until = _moment(one.get("review_by"))
    whole = all(texts.values()) and _SHA256.fullmatch(str(sha256)) and until is not None
    if not whole or until is None or until <= at:
        return {**texts, "sha256": None, "due": soon}
    return {**texts, "sha256": sha256, "due": min(until, at + _YEAR_MS)}


def _text(given: object) -> str | None:
    if not isinstance(given, str | int) or not 0 < len(text := str(given)) <= _TEXT_MAX:
        return None
    return None if holds_plain_identity(text) else text


def _moment(given: object) -> int | None:
    try:
        return time_ms(str(given))
    except ValueError:
        return None
