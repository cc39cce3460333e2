"""What a finding owes besides its case: clocks and work for the platform, by the rules the duty named."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from synthgate.cases.details import named
from synthgate.cases.machine import next_due
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.case_models import CaseEvent
from synthgate.events.decision import CaseRow, Deadline, WorkRow
from synthgate.events.event import time_ms
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.events.verdicts import Reason
from synthgate.law import notices
from synthgate.law.levels import Graded, Operator, load_levels
from synthgate.law.policy import IncidentsPolicy

DAY_MS: Final = 24 * HOUR_MS
_RECIPIENTS_MAX: Final = 1_000
_BATCH: Final = re.compile(r"[0-9a-f]{1,64}")
_TOKEN: Final = re.compile(r"[0-9a-f]{32,64}")
Kind = Literal[
    "takedown.due", "recall.due", "notice.due", "restriction.due", "rebuttal.due",
    "template_deletion.due",
]  # fmt: skip
_WORK: Final[tuple[tuple[str, Kind, str], ...]] = (
    ("DSP-11-1", "takedown.due", "stop_spread"), ("DSP-11-1", "recall.due", "take_down"),
    ("DSP-11-1", "rebuttal.due", "rebut"), ("CSL-49-1", "takedown.due", "stop_spread"),
    ("CSL-49-1", "recall.due", "take_down"), ("PIPL-57-1", "notice.due", "notify_leak"),
)  # fmt: skip
"""Rule to what the platform owes: kind and text."""
_PROMPTLY: Final = ("DSP-11-2", "CSL-49-1", "PIPL-57-1")
"""Rules that say promptly and name no hours: their clocks are our own targets."""


def clocks(
    owed: Mapping[str, Reason], found_at: int, policy: IncidentsPolicy, operator: Operator
) -> list[Deadline]:
    """Deadlines of a finding, from discovery (Unix ms)."""
    rows = []
    if "INC-4-2" in owed:
        hours = load_levels().clocks.hours(operator)
        rows.append(("report.sent", found_at + hours * HOUR_MS, "INC-4-2", False))
    if "NDR-10-1" in owed:
        rows.append(("report.sent", found_at + DAY_MS, "NDR-10-1", False))
    for rule in _PROMPTLY:
        if rule in owed:
            rows.append(("report.draft", found_at + policy.draft_hours * HOUR_MS, rule, True))
            rows.append(("report.sent", found_at + policy.sent_hours * HOUR_MS, rule, True))
    return [
        Deadline(id=name, due_at=at, rule=rule, internal=internal)
        for name, at, rule, internal in rows
    ]


def ordered(row: CaseRow, event: CaseEvent) -> list[Deadline]:
    """The clock of an order, as ordered (DSP 21): ``answer_by`` of its detail; unreadable, it is due now."""
    told = event.detail.get("answer_by")
    if row.kind != "order" or "DSP-21-1" not in row.rules or told is None:
        return []
    try:
        due_at = time_ms(str(told))
    except ValueError:
        due_at = row.opened_at
    return [Deadline(id="answer", due_at=due_at, rule="DSP-21-1", internal=False)]


def works(
    held: CaseRow, owed: Mapping[str, Reason], event: CaseEvent, due_at: int
) -> list[WorkRow]:
    """What the platform owes; ids derive from the case, so it is owed once."""
    return [
        WorkRow(
            id=f"{held.case}/incidents/{kind}", kind=kind, case=held.case, cause=held.cause, rule=rule,
            article=owed[rule].article, force=owed[rule].force.value, recipient=None,
            text=notices.said(code), due_at=due_at, about=named(event.detail),
        )
        for rule, kind, code in _WORK
        if rule in owed
    ]  # fmt: skip


def measures(event: CaseEvent) -> dict[str, Any]:
    """Measures of an incident that the table of levels knows."""
    known = {row.measure for row in load_levels().threshold}
    given = event.detail.get("measures")
    return {k: v for k, v in given.items() if k in known} if isinstance(given, dict) else {}


def graded(before: CaseRow | None, event: CaseEvent) -> tuple[dict[str, Any], Graded]:
    """All measures known by now, and the level they give."""
    held = before.detail.get("measures", {}) if before else {}
    every = {**held, **measures(event)}
    return every, load_levels().grade(every)


def reached(detail: Mapping[str, Any]) -> dict[str, Any] | None:
    """Batch and recipients of a finding of reach; None if it is none. Tokens alone, a thousand at most."""
    batch, recipients = detail.get("batch"), detail.get("recipients")
    if not isinstance(batch, str) or not _BATCH.fullmatch(batch):
        return None
    if not isinstance(recipients, list) or len(recipients) > _RECIPIENTS_MAX:
        return None
    if not all(isinstance(one, str) and _TOKEN.fullmatch(one) for one in recipients):
        return None
    return {"batch": batch, "recipients": sorted(set(recipients))}


def notice_of(held: CaseRow, reason: Reason, told: Mapping[str, Any], due_at: int) -> WorkRow:
    """The notice to a batch of those a rumour reached."""
    return WorkRow(
        id=f"{held.case}/incidents/reach/{told['batch']}", kind="notice.due", case=held.case,
        cause=held.cause, rule=reason.rule, article=reason.article, force=reason.force.value,
        recipient=None, text=notices.said("tell_reached"), due_at=due_at,
        about={"batch": told["batch"], "recipients": told["recipients"]},
    )  # fmt: skip


def links_of(detail: Mapping[str, Any], held: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Generators, generations and copies a finding of reach names, added to those known."""
    found = {}
    for name in ("generators", "generations", "copies"):
        given = detail.get(name)
        if isinstance(given, list):
            texts = [one[:300] for one in given if isinstance(one, str)]
            clean = [one for one in texts if not holds_plain_identity(one)]
            found[name] = list(dict.fromkeys([*held.get(name, ()), *clean]))[:_RECIPIENTS_MAX]
    return found


def run_on(row: CaseRow, ended_at: int | None) -> CaseRow:
    """End the incident's clock when all is known and nothing serious; run it on if that turns out wrong."""
    if row.status != "found":
        return row
    rows = [
        d.model_copy(update={"met_at": ended_at}) if d.rule == "INC-4-2" else d
        for d in row.deadlines
    ]
    return row.model_copy(update={"deadlines": rows, "due_at": next_due(rows)})


def with_clocks(row: CaseRow, deadlines: list[Deadline]) -> CaseRow:
    """The row with deadlines it did not have: the first clock stands."""
    held = {d.id for d in row.deadlines}
    every = [*row.deadlines, *(d for d in deadlines if d.id not in held)]
    return row.model_copy(update={"deadlines": every, "due_at": next_due(every)})
