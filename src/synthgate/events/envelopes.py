"""The shapes that travel without a pydantic model of their own, written down for the schemas.

CloudEvents as a platform sends them, passages as duties hand them on, the label on a quarantined record.
Inside, none of these is validated with pydantic: the door reads strictly and the passage is spliced.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthgate.events.decision import Said
from synthgate.events.models import Moment, Sha256


class CloudEvent(BaseModel):
    """CloudEvents 1.0, structured mode. In binary mode the attributes are ``ce_`` headers."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")

    specversion: Literal["1.0"]
    id: Annotated[str, Field(min_length=1, max_length=256)]
    source: Annotated[str, Field(min_length=1, max_length=512)]
    type: str
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: Annotated[str, Field(max_length=128)] | None = None
    data: dict[str, Any]


class OriginStamp(Said):
    """The source record a passage is: ``at`` its append time (ms), ``hash`` SHA-256 of the event bytes."""

    epoch: int
    topic: str
    partition: int
    offset: int
    at: int
    hash: Sha256


class ReentryStamp(Said):
    """Why a passage came back: the first origin, and the log index of the decision it answers."""

    root: str
    cause: Literal["review", "appeal", "retry", "expiry", "recall", "redrive"]
    answers: int
    revision: int
    evidence: dict[str, Any]


class VerdictReason(Said):
    """One fault found. ``where`` is never content and never a plain identity."""

    rule: str
    article: str
    force: Literal["statute", "mandatory standard", "recommended standard", "house policy"]
    code: str
    where: str | None = None


class VerdictRow(Said):
    """What one duty said, with all it decided on: replay runs ``decide`` on ``facts`` again."""

    obligation: Literal[
        "identity", "consent", "moderation", "labelling", "retention", "incidents"
    ]  # fmt: skip
    outcome: Literal["pass", "refuse", "hold", "not_applicable"]
    hold: Literal["retry", "review"] | None = None
    cell: str | None = None
    reasons: list[VerdictReason]
    facts: dict[str, Any]
    law: str
    library: int | None = None
    as_of: int
    gathered_at: int
    by: str
    read: dict[str, list[int]] = Field(default_factory=dict)
    carried: dict[str, Any] | None = None


class PassageRow(Said):
    """The event as received plus one verdict per duty so far; ``event`` stands last, byte for byte."""

    v: Literal[1]
    origin: OriginStamp
    lane: Literal["fast", "slow"]
    attrs: dict[str, Any]
    reentry: ReentryStamp | None = None
    verdicts: list[VerdictRow]
    event: dict[str, Any]


class QuarantineLabel(Said):
    """Headers of a quarantined record; its value is the received bytes, sealed to the operator.

    The origin is the seal's context too: bytes moved under another label do not open.
    """

    sg_origin: str
    sg_code: str
    sg_sha256: Sha256
    sg_why: Annotated[str, Field(max_length=300)] | None = None
