"""Event data as the door admits it, one pydantic model per shape.

Strict: a number in a string is refused, not coerced. Tolerant: a field nobody declared is kept and treated as
content. A field that the law requires but a platform may lack (network fields) is optional here and a
reasoned refusal in the duty, so that the answer names everything missing at once.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from synthgate.events.event import time_ms


def _moment(text: str) -> str:
    time_ms(text)
    return text


Moment = Annotated[
    str,
    AfterValidator(_moment),
    Field(max_length=40, json_schema_extra={"format": "date-time"}),
]
"""RFC 3339 with an offset."""

Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f/]+$")]
"""An id: 1-256 characters, no control character, no slash (it joins key parts)."""

UserName = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f/#]+$")]
"""A person's id: a name without ``#``, which joins sub-keys to it."""

Territory = Annotated[str, Field(pattern=r"^([A-Z]{2}(-[A-Z0-9]{1,3})?|worldwide)$")]
"""Where the output may go: ISO 3166 code of a country or its part, or ``worldwide``."""

Token = Annotated[str, Field(min_length=8, max_length=128, pattern=r"^[A-Za-z0-9_.:-]+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
AgeBand = Literal["lt14", "14_17", "adult", "unknown"]
Medium = Literal["text", "image", "audio", "video", "virtual_scene", "other"]
Role = Literal["provider", "tech_support", "user", "propagator", "app_store"]


class Upstream(BaseModel):
    """What others write to us: unknown fields are kept as content."""

    model_config = ConfigDict(strict=True, frozen=True, extra="allow")


class User(Upstream):
    """The person whose act it is, by the platform's own id (never a phone or ID number)."""

    id: UserName


class Net(Upstream):
    """Network fields of the log (2018 assessment rules Art. 5(3))."""

    src_ip: str | None = Field(None, max_length=64)
    src_port: int | None = Field(None, ge=0, le=65535)
    dst_ip: str | None = Field(None, max_length=64)
    dst_port: int | None = Field(None, ge=0, le=65535)
    client_fingerprint: str | None = Field(None, max_length=256)


class Segment(Upstream):
    """Part of a streamed answer, from 0; ``last`` closes it."""

    index: int = Field(ge=0)
    last: bool = False


class News(Upstream):
    """Says that the output is news (DSP 6 ¶2), and whose.

    source: of a reposted item, as listed on facts.news_sources. verified_by: the listed reviewer who checked an
    original item's facts. fabricated: somebody found it to be false.
    """

    kind: Literal["original", "repost"]
    source: Name | None = None
    verified_by: Name | None = None
    fabricated: bool = False


class Generation(Upstream):
    """One generation: what, on which template, for what."""

    id: Name
    medium: Medium
    template: Name
    model: Name | None = None
    purpose: Name | None = None
    publish: bool = False
    territory: Territory | None = None
    segment: Segment | None = None
    news: News | None = None


class SubjectRow(Upstream):
    """An edited person, by keyed token. receipt: the person's consent as a signed JWS (crypto/receipts.py)."""

    token: Token
    age_band: AgeBand = "unknown"
    is_actor: bool = False
    receipt: str | None = Field(None, max_length=8_192)


class ObjectRow(Upstream):
    """Content by reference."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    sha256: Sha256
    media_type: str = Field(max_length=128)
    size_bytes: int = Field(ge=0)


class Content(Upstream):
    """Prompt, output, objects."""

    prompt: str | None = None
    text: str | None = None
    objects: list[ObjectRow] = Field(default_factory=list, max_length=64)


Aspect = Literal["text", "picture", "frames", "transcript", "voice"]
"""What of a file a reviewer looked at: its words, its picture or pictures, frames of a film, what is said in
it, and whether a voice in it is somebody's cloned voice."""


class PlatformReview(Upstream):
    """The platform's own review result. Of files it speaks by hash: one not in ``objects`` was not reviewed.

    covers: what of these files was looked at; house policy says what each medium needs. version: of the model
    or the criteria.
    """

    reviewer: Name
    outcome: Literal["pass", "review", "block"]
    at: Moment
    risks: list[str] = Field(default_factory=list, max_length=31)
    method: Literal["machine", "human"] | None = None
    version: Name | None = None
    objects: list[Sha256] = Field(default_factory=list, max_length=64)
    covers: list[Aspect] = Field(default_factory=list, max_length=8)


class UserEvent(Upstream):
    """What every event of a person carries; a declared member has its shape wherever it stands."""

    tenant: Name
    regimes: list[str] = Field(default_factory=list, max_length=8)
    role: Role = "provider"
    answer_by: Moment | None = None
    keep_days: int | None = Field(None, ge=1, le=36_500)
    user: User
    net: Net | None = None
    generation: Generation | None = None
    subjects: list[SubjectRow] = Field(default_factory=list, max_length=256)
    content: Content | None = None
    pass_: str | None = Field(None, alias="pass", max_length=131_072)
    review: PlatformReview | None = None


class GenerationEvent(UserEvent):
    """An event of one generation."""

    generation: Generation


class Requested(GenerationEvent):
    """generation.requested: the prompt is what is reviewed."""

    content: Content


class Produced(GenerationEvent):
    """generation.completed and .segment: the output is what is reviewed and labelled."""

    content: Content


class SegmentContent(Content):
    """A part of a streamed answer, and the end of what was shown before it."""

    shown: str | None = Field(None, max_length=512)
    """The last 512 characters shown of the answer so far, without labels; absent in the first part."""


class SegmentProduced(Produced):
    """generation.segment: one part of a streamed answer."""

    generation: "SegmentGeneration"
    content: SegmentContent


class SegmentGeneration(Generation):
    """A generation that names the segment."""

    segment: Segment


PlainBasis = Literal["law", "agreed"]
"""What allows a plain identity to be asked of a user of the national network identity: law, or their word."""


class IdentityVerified(UserEvent):
    """identity.verified: the platform's checker vouches for a person.

    result: the checker's answer; left out it is ``match``. identity_token: of the number that was checked.
    guardian: token of the guardian whose real identity stands for a minor's. plain_basis: see PlainBasis.
    """

    method: Literal["mobile", "id_card", "uscc", "nnid"]
    checker: Name
    level: Name | None = None
    verified_at: Moment
    expires_at: Moment | None = None
    evidence_ref: Annotated[str, Field(min_length=1, max_length=512)]
    age_band: AgeBand = "unknown"
    result: Literal["match", "mismatch", "unknown"] = "match"
    identity_token: Token | None = None
    guardian: Token | None = None
    plain_basis: PlainBasis | None = None


class IdentityAsked(UserEvent):
    """identity.asked: the platform is about to ask a person for an identity in plain (phone, document, …)."""

    kinds: list[Name] = Field(min_length=1, max_length=16)
    plain_basis: PlainBasis | None = None


class TermsAccepted(UserEvent):
    """terms.accepted: which text, with the duty notice shown."""

    terms_version: Name
    terms_sha256: Sha256 | None = None
    duty_notice_shown: bool
    accepted_at: Moment


class ConsentPrompted(UserEvent):
    """consent.prompted: the user was told to inform the edited person and ask (DSP 14)."""

    template: Name
    prompted_at: Moment
    notice_version: Name | None = None


class AccountEvent(UserEvent):
    """account.registered and what else names only a person."""


class AccountFlagged(UserEvent):
    """account.flagged: signs of fraud; the person must be verified again."""

    reason: Name | None = None
    evidence_ref: Annotated[str, Field(min_length=1, max_length=512)] | None = None


class Reentered(Upstream):
    """passage.reentered: an answer to a decision, by its receipt."""

    tenant: Name
    root: Annotated[str, Field(max_length=300)]
    cause: Literal["review", "appeal", "retry", "expiry", "recall", "redrive"]
    receipt: "ReceiptRow"
    evidence: dict[str, Any] = Field(default_factory=dict)
    bytes_base64: str | None = None


class ReceiptRow(Upstream):
    """Where a decision stands in the log."""

    log: int = Field(ge=0)
    index: int = Field(ge=0)
    hash: Sha256


SegmentProduced.model_rebuild()
Reentered.model_rebuild()
