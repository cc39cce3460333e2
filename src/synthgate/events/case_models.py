"""Event data about cases: findings, complaints and appeals, and what people and platforms answer."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from synthgate.events.models import Moment, Name, Upstream, User, UserEvent


def _case(text: str) -> str:
    if any(char < " " for char in text):
        raise ValueError("a control character")
    return text


CaseId = Annotated[str, Field(min_length=1, max_length=700), AfterValidator(_case)]
"""A case by its whole id (``content/1/generation.events/3/17#1``) or by the name it was opened under."""


class CaseActed(Upstream):
    """case.acted: a person acts on a case; under the case's record key, on the case's partition.

    act: what the case's machine takes (``appeal.upheld``). by: who acts. user: whose case it is, if anyone's.
    detail: small facts the act needs; no content, no identities.
    """

    tenant: Name
    case: CaseId
    act: Name
    by: Name
    reason: str | None = Field(None, min_length=1, max_length=1_000)
    detail: dict[str, Any] = Field(default_factory=dict)
    user: User | None = None


class Complaint(UserEvent):
    """complaint.received: about a file, hash, produce id, URL or words."""

    complaint: Name
    about: dict[str, Any]


class Appealed(UserEvent):
    """penalty.appealed."""

    penalty: Name
    grounds: str | None = None


class CaseEvent(Upstream):
    """A finding without a user: keyed by case or produce id, heard by incidents."""

    tenant: Name
    case: Name
    discovered_at: Moment | None = None
    detail: dict[str, Any] = Field(default_factory=dict)


class CaseAnswer(CaseEvent):
    """What comes back about a case: a receipt, work done or failed. On the partition the case lives on.

    work: id of the work answered. by: who enters a receipt. detail: proof or receipt, by reference and hash.
    """

    case: CaseId
    work: Annotated[str, Field(max_length=1_000)] | None = None
    by: Name | None = None
    reason: str | None = Field(None, max_length=1_000)
