"""The case of one refusal for illegal content: what it is about and rests on, when it is to be reported."""

import base64
from collections.abc import Sequence

from synthgate.cases.kinds import CONTENT
from synthgate.cases.machine import next_due
from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow, Deadline, Decision
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.incidents import IncidentFacts
from synthgate.steps.quarantine import UNKNOWN_TENANT
from synthgate.steps.resting import Weighed


def content_case(
    case: str, key: bytes | None, decision: Decision, facts: IncidentFacts,
    reasons: Sequence[Reason], law: Law, weighed: Weighed,
) -> CaseRow:  # fmt: skip
    """The case as it opens. What waits is not to be reported yet."""
    rests, waits = weighed
    deadlines = [] if waits else report_deadlines(facts.risks, law, decision.decided_at)
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
            ("report.draft", policy.draft_hours), ("report.sent", policy.sent_hours),
        )
    ]  # fmt: skip


def user_case(decision: Decision, key: bytes | None) -> str:
    """Case id of what is held against a user; a sub-key of an account has its own."""
    _, _, sub = (key or b"").decode(errors="replace").partition("#")
    return f"user/{decision.tenant}/{decision.user}" + (f"#{sub}" if sub else "")
