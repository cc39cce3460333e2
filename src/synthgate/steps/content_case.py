"""The case of one refusal for illegal content: what it is about and rests on, when it is to be reported."""

import base64
from collections.abc import Sequence

from synthgate.cases.kinds import CONTENT
from synthgate.cases.machine import next_due
from synthgate.cases.penalties import HOUR_MS, WAITS
from synthgate.events.decision import CaseRow, Deadline, Decision
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.incidents import IncidentFacts
from synthgate.steps.quarantine import UNKNOWN_TENANT
from synthgate.steps.resting import Weighed

DRAFT, SENT = "report.draft", "report.sent"


def content_case(
    case: str, key: bytes | None, decision: Decision, facts: IncidentFacts,
    reasons: Sequence[Reason], law: Law, weighed: Weighed,
) -> CaseRow:  # fmt: skip
    """The case as it opens. Of what a guard makes wait, a report is due all the same (ADR 0033)."""
    rests, waits = weighed
    deadlines = report_deadlines(facts.risks, law, decision.decided_at)
    if waits is not None:
        deadlines = [d for d in deadlines if waits == WAITS and d.id == SENT]
    detail = {"risks": list(facts.risks), "type": decision.type, "rests": rests.row()}
    return CaseRow(
        case=case, version=1, kind="content", state="open", status=CONTENT.start,
        tenant=decision.tenant or UNKNOWN_TENANT, user=decision.user,
        opened_at=decision.decided_at, due_at=next_due(deadlines), cause=decision.decision,
        receipt=decision.receipt, key=None if key is None else base64.b64encode(key).decode(),
        rules=list(dict.fromkeys(reason.rule for reason in reasons)), deadlines=deadlines,
        detail=detail | ({"waits": waits} if waits else {}),
        links={
            name: [value]
            for name, value in (
                ("decisions", decision.decision), ("generations", decision.generation),
                ("users", user_case(decision, key) if decision.user else None),
            )
            if value
        },
    )  # fmt: skip


def report_deadlines(risks: Sequence[str], law: Law, at: int) -> list[Deadline]:
    """When grave content is to be drafted and reported (DSP 10 ¶3), from a time, Unix ms; both are ours."""
    policy = law.policy.incidents
    if law.rule("DSP-10-6") is None or set(risks).isdisjoint(policy.report_risks):
        return []
    return [
        Deadline(id=name, due_at=at + hours * HOUR_MS, rule="DSP-10-6", internal=True)
        for name, hours in (
            (DRAFT, policy.draft_hours), (SENT, policy.sent_hours),
        )
    ]  # fmt: skip


def resumed_deadlines(row: CaseRow, law: Law, at: int) -> list[Deadline]:
    """Those of a case that waited, from when its guard was let go, Unix ms: a clock that runs goes on."""
    held = {deadline.id: deadline for deadline in row.deadlines}
    if row.status != CONTENT.start:
        return row.deadlines
    every = [held.get(d.id, d) for d in report_deadlines(row.detail["risks"], law, at)]
    last = min((d.due_at for d in every), default=at)
    return [d if d.id in held else d.model_copy(update={"due_at": last}) for d in every]


def in_time(row: CaseRow, law: Law) -> CaseRow | None:
    """A case a guard makes wait, with the report's time it lacks; None if it has one or owes none.

    Before ADR 0033 such a case had none. law: of when it was opened.
    """
    if (row.state, row.status, row.detail.get("waits")) != ("open", CONTENT.start, WAITS):
        return None
    if row.deadlines:
        return None
    every = report_deadlines(row.detail["risks"], law, row.opened_at)
    owed = [one for one in every if one.id == SENT]
    changed = {"version": row.version + 1, "deadlines": owed, "due_at": next_due(owed)}
    return row.model_copy(update=changed) if owed else None


def user_case(decision: Decision, key: bytes | None) -> str:
    """Case id of what is held against a user; a sub-key of an account has its own."""
    _, _, sub = (key or b"").decode(errors="replace").partition("#")
    return f"user/{decision.tenant}/{decision.user}" + (f"#{sub}" if sub else "")
