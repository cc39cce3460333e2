"""The life of a hold as a case: when it comes back, when it ends, and what its user is told then. Pure.

``hold: retry`` comes back by itself: after 30 s (setting ``retry_s``), after four times that, then after twenty
times that again and again. ``hold: review`` waits for a person. Both expire; expiry is a refusal with notice.
A retry that finds nobody again makes no revision: the hold's decision is said again, and the next try is due.
"""

from typing import Final

from synthgate.events.decision import CaseRow, Decision, WorkRow
from synthgate.events.origin import Origin
from synthgate.law import Law
from synthgate.settings import Settings
from synthgate.steps.quarantine import UNKNOWN_TENANT

RETRY_STEPS: Final = (1, 4, 20)
"""Of ``retry_s``: 30 s, 2 min, then every 10 min."""
HOUR_MS: Final = 3_600_000
EXPIRED: Final = "hold_expired"


def hold_case(
    held: CaseRow | None, decision: Decision, key: str | None, settings: Settings,
    tried_ms: int | None = None,
) -> CaseRow | None:  # fmt: skip
    """The case after a decision; None if there is none to open or close. ``held``: as it was before.

    A revision heard again (or an older one) leaves the case as it is, unless it answers a retry. tried_ms: now,
    if the hold's time was sent and nothing has answered it; without that it is a repeat, which anybody can
    cause by sending the event again. detail: what a desk sorts tasks by; no content. ``closed_by``: desk |
    timer | platform, by the source of the record that ended it.
    """
    if held is not None and int(held.detail["revision"]) >= decision.revision:
        return held if tried_ms is None else _tried(held, decision, settings, tried_ms)
    waits = decision.action == "hold"
    if held is None and not waits:
        return None
    opened = decision.decided_at if held is None else held.opened_at
    expires = opened + settings.hold_hours * HOUR_MS
    due, cause, retries = expires, "expiry", 0
    if decision.hold == "retry":
        due, cause, retries = _next_try(0, decision.decided_at, expires, settings)
    detail = {
        "revision": decision.revision, "root": decision.root, "cause": cause, "retries": retries,
        "expires_at": expires, "type": decision.type, "medium": decision.medium,
    }  # fmt: skip
    if waits:
        wheres = (reason.where or "" for reason in decision.reasons)
        detail |= {
            "hold": decision.hold,
            "codes": list(dict.fromkeys(reason.code for reason in decision.reasons)),
            "risks": sorted({where[5:] for where in wheres if where.startswith("risk:")}),
            "waits_since": decision.decided_at,
        }
    else:
        assert held is not None
        detail |= {name: held.detail[name] for name in _KEPT if name in held.detail}
        detail |= {
            "closed_at": decision.decided_at,
            "closed_by": _SOURCES.get(Origin.parse(decision.origin).topic, "platform"),
            "action": decision.action,
        }
    return CaseRow(
        case=f"hold/{decision.root}", version=1 if held is None else held.version + 1, kind="hold",
        state="open" if waits else "closed", tenant=decision.tenant or UNKNOWN_TENANT,
        user=decision.user, opened_at=opened, due_at=due if waits else None,
        cause=decision.decision, receipt=decision.receipt, key=key, rules=[], detail=detail,
    )  # fmt: skip


def _tried(held: CaseRow, decision: Decision, settings: Settings, now_ms: int) -> CaseRow:
    """The hold after its decision was said again: that answers a retry, and the next is due."""
    answers = (
        held.state == "open"
        and held.detail["cause"] == "retry"
        and held.detail["revision"] == decision.revision
    )
    if not answers:
        return held
    due, cause, retries = _next_try(
        int(held.detail["retries"]), now_ms, int(held.detail["expires_at"]), settings
    )
    detail = held.detail | {"cause": cause, "retries": retries}
    return held.model_copy(update={"version": held.version + 1, "due_at": due, "detail": detail})


def _next_try(retries: int, from_ms: int, expires: int, settings: Settings) -> tuple[int, str, int]:
    """When a ``hold: retry`` comes back next (Unix ms), the cause, the tries by then; at last its end."""
    step = RETRY_STEPS[min(retries, len(RETRY_STEPS) - 1)]
    due = from_ms + step * settings.retry_s * 1000
    if due >= expires:
        return expires, "expiry", retries
    return due, "retry", retries + 1


_KEPT: Final = ("hold", "waits_since")
_SOURCES: Final = {"operator.events": "desk", "timer.events": "timer"}


def ended(held: CaseRow | None, row: CaseRow) -> list[tuple[str, str, str, int]]:
    """(kind, by whom, action, ms waited) if this row ends a hold that was open; at most one."""
    if held is None or held.state != "open" or row.state == "open":
        return []
    waited = int(row.detail["closed_at"]) - row.opened_at
    kind = str(held.detail.get("hold", "review"))
    return [(kind, row.detail["closed_by"], row.detail["action"], waited)]


def expiry_notice(decision: Decision, law: Law) -> WorkRow | None:
    """What the user is told of a hold that nobody answered; None if this is no such decision."""
    if all(reason.code != EXPIRED for reason in decision.reasons):
        return None
    reason = law.reason("HOUSE-hold_expired", EXPIRED)
    return WorkRow(
        id=f"{decision.decision}/incidents/{EXPIRED}", kind="notice.due", case=f"hold/{decision.root}",
        cause=decision.decision, rule=reason.rule, article=reason.article, force=reason.force.value,
        recipient=decision.user,
        text={
            "zh": "您的请求在审核期限内未能完成审核，未予放行。这不是对您的处罚，您可以重新提交或者申诉。",
            "en": "Your request could not be reviewed in time and was not released. This is no penalty:"
            " you may send it again or appeal.",
        },
        due_at=None,
    )  # fmt: skip
