"""What stands in the clear on a log entry, and what a verdict means for the app."""

import hmac
from collections.abc import Mapping
from typing import Any, Final

from synthgate.crypto.tokens import user_token
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.events.topics import DAY_MS
from synthgate.events.verdicts import Outcome, Verdict
from synthgate.law import Law
from synthgate.ledger import Receipt
from synthgate.obligations.retention import RetentionFacts

NO_USER: Final = "_none"
"""Key scope of entries without a known user (stubs, lost ranges)."""


def action_of(facts: RetentionFacts, verdict: Verdict) -> str:
    """release | refuse | hold | recall."""
    if facts.cause == "recall" and facts.superseded_by is None:
        return "recall"  # whatever the duties say of it by now
    if verdict.outcome is Outcome.HOLD:
        return "hold"
    return "release" if verdict.outcome is Outcome.PASS else "refuse"


def header_row(passage: Passage, body: Mapping[str, Any] | None, action: str) -> dict[str, Any]:
    """Clear header: ids, outcomes and times; no content, no name, no event hash."""
    event = passage.event
    label = (body or {}).get("label") or {}
    return {
        "tenant": event.tenant,
        "source": event.source,
        "event_id": event.id,
        "type": event.type,
        "action": action,
        "outcomes": {row["obligation"]: row["outcome"] for row in passage.said},
        "event_time": event.time_ms,
        "appended_at": passage.at,
        "cause": passage.reentry.cause if passage.reentry else None,
        "produce_id": label.get("ProduceID"),
    }


def mac_of(token_key: bytes, event_hash: str) -> str:
    """The event hash lies inside the ciphertext; outside stands only its MAC."""
    return hmac.digest(token_key, b"event " + event_hash.encode(), "sha256").hex()


def keep_until(event: Event, law: Law, now_ms: int) -> int:
    """Later of event time and recorded time, plus the floor or what the platform asked beyond it, ms."""
    later = max(now_ms, event.time_ms)
    return later + max(law.policy.retention.keep_days, event.keep_days or 0) * DAY_MS


def receipt_row(receipt: Receipt) -> dict[str, Any]:
    """A receipt as it travels."""
    return {"log": receipt.log, "index": receipt.index, "hash": receipt.hash}


def user_of(token_key: bytes, passage: Passage) -> str | None:
    """The user's token; the door has made it already, if it is in the same process."""
    event = passage.event
    if event.user is None:
        return None
    return passage.user_token or user_token(token_key, event.tenant, event.user)


def scope_of(token_key: bytes, key: bytes | None) -> str:
    """Whose content key closes an entry without a known user: the user its record key names, if any.

    A stub's content holds the record key, so it must go when that user's content is erased.
    """
    tenant, found, user = (key or b"").decode(errors="replace").partition("/")
    if not found or not user or tenant == "_stub":
        return NO_USER
    return user_token(token_key, tenant, user.split("#", 1)[0])
