"""Rows on registry topics: one model per topic, with its key.

A row is a status, never a tombstone (tombstones serve erasure alone). Readers keep the highest ``version``
and the stricter row on a tie. A forbidding row whose body cannot be read forbids its key until mended.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthgate.events.models import AgeBand, Moment, Name, Sha256, Territory, Token
from synthgate.events.rows import COUNT_MAX, DsClass, Reference, Row
from synthgate.events.template_row import TemplateRow

__all__ = [
    "COUNT_MAX", "PROOFS", "ROWS", "STANDING_ORDER", "AccountRow", "ConsentRow", "ControlRow", "FeatureRow",
    "GuardRow", "NewsSourceRow", "RecallRow", "RevocationRow", "Row", "Standing", "StandingRow", "SwitchRow",
    "TemplateRow", "UserFact", "UserRow", "key_of",
]  # fmt: skip


class ConsentRow(Row):
    """facts.consents, key tenant/subject/grant: one person's answer when asked for separate consent.

    PIPL 14, 17, 23, 29-31, 55. What is None limits nothing. answer: ``refused`` permits nothing and starts the
    cool-down, ``granted_at`` is then the time of the refusal. recipients: processors the person was told of.
    necessity_shown: necessity and effect on the person's rights were explained. by_subject: the person came
    by themselves, nobody asked. supersedes: grants of the same person this one takes the place of.
    """

    tenant: Name
    subject: Token
    grant: Name
    grantor: Literal["subject", "guardian", "near_relative"]
    guardian: Token | None = None
    age_band: AgeBand
    biometric: list[Literal["style", "face", "voice"]]
    purposes: list[Name]
    templates: list[Name] | None = None
    publish: bool = False
    granted_to: Name | None = None
    separate: Literal[True]
    notice_sha256: Sha256
    granted_at: Moment
    expires_at: Moment | None = None
    answer: Literal["granted", "refused"] = "granted"
    relation: Name | None = None
    models: list[Name] | None = None
    classes: list[DsClass] | None = None
    territories: list[Territory] | None = None
    recipients: list[Name] = Field(default_factory=list)
    notice_version: Name | None = None
    necessity_shown: bool = False
    channel: Name | None = None
    proof_ref: Reference | None = None
    evidence_sha256: Sha256 | None = None
    impact_assessment: Name | None = None
    prompt_event: Reference | None = None
    obtained_by: Token | None = None
    by_subject: bool = False
    supersedes: list[Name] = Field(default_factory=list, max_length=64)


PROOFS: tuple[str, ...] = (
    "channel", "proof_ref", "necessity_shown", "evidence_sha256", "impact_assessment", "prompt_event",
)  # fmt: skip
"""Members of a consent's row that show how it came about; house policy says which must be there."""


class RevocationRow(Row):
    """facts.revocations, same key: the person took the consent back (PIPL 15).

    biometric: what the consent was for; None: nobody says, so a face or voice may be left to delete.
    deleted_at, deletion_sha256: when face and voice templates were deleted, and the hash of the proof.
    """

    tenant: Name
    subject: Token
    grant: Name
    revoked_at: Moment
    channel: Name | None = None
    biometric: list[Literal["style", "face", "voice"]] | None = None
    deleted_at: Moment | None = None
    deletion_sha256: Sha256 | None = None


Standing = Literal["ok", "warned", "limited", "suspended", "closed"]
STANDING_ORDER: tuple[Standing, ...] = ("ok", "warned", "limited", "suspended", "closed")
"""From mild to strict."""


class AccountRow(Row):
    """facts.accounts, key tenant/user: what forbids a user, by the platform."""

    tenant: Name
    user: Name
    standing: Standing
    reason: Name
    since: Moment
    until: Moment | None = None
    restricted: list[Name] = Field(default_factory=list, max_length=64)


class StandingRow(Row):
    """standings, key tenant/user: what forbids a user, by incidents (DSP 10)."""

    tenant: Name
    user: Name
    standing: Standing
    causes: list[str]
    """Decision ids it rests on, oldest first; each counts once."""
    since: Moment


class FeatureRow(Row):
    """facts.features, key entry/from_version: one entry of the feature library (DSP 10 para 2).

    In force in library versions ``from_version`` <= V < ``to_version``, until a later row of the entry; nothing
    else puts it in or out of force, so that a replay needs no clock. Moments are for people and for the lint.
    """

    entry: Name
    kind: Literal["keyword", "allow", "phrase", "regex", "url", "domain", "pdq", "list"]
    """``list`` says which disguises entries of that list are seen through (names, apart by commas)."""
    value: Annotated[str, Field(min_length=1, max_length=256)]
    """A phrase: its parts with ``…`` between them. pdq: 64 hexadecimal digits."""
    risk: Annotated[str, Field(pattern=r"^A\.[1-5][a-i]$")] | None = None
    severity: int = Field(0, ge=0, le=100)
    from_version: int = Field(ge=1, le=COUNT_MAX)
    to_version: int | None = Field(None, ge=2, le=COUNT_MAX)
    criteria: Name
    """Version of the written criteria it was taken in by (入库标准)."""
    proposed_by: Name
    approved_by: Name
    """Another person than ``proposed_by``: what holds an entry of one person alone is held for review."""
    list: Name = "default"
    gap: int = Field(8, ge=0, le=64)
    """Characters that may stand between two parts of a phrase."""
    state: Literal["on", "off", "shadow", "percent"] = "on"
    """``shadow``: found and told, counted for nothing. ``percent``: counts for that share of users."""
    percent: int = Field(100, ge=0, le=100)
    distance: int = Field(31, ge=0, le=63)
    """pdq: bits that may differ."""
    source: Name | None = None
    legal_basis: Name | None = None
    rule: Name | None = None
    """The rule of procedure it was taken in under (入库规则)."""
    procedure_step: Name | None = None
    effective_from: Moment | None = None
    expires_at: Moment | None = None
    review_due: Moment | None = None
    withdrawn_reason: Name | None = None


class NewsSourceRow(Row):
    """facts.news_sources, key source: a unit news may be reposted from (DSP 6 ¶2; the regulator's source list).

    Listed from ``listed_from`` until ``listed_until``; ``listed`` false: struck off, at once.
    """

    source: Name
    list_version: Name
    listed: bool
    listed_from: Moment
    listed_until: Moment | None = None


class SwitchRow(Row):
    """facts.switches, key tenant/function: a function off by order (DSP 21). tenant ``*``: all."""

    tenant: Name
    function: Name
    off: bool
    order: Name
    since: Moment


class RecallRow(Row):
    """facts.recalls, key tenant/generation: must not be served any more."""

    tenant: Name
    generation: Name
    recalled: bool
    reason: Name
    since: Moment


class UserFact(BaseModel):
    """One permitting fact folded from an event: (source, event id, hash, event time, body)."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    source: str
    id: str
    hash: Sha256
    at: int = Field(ge=-COUNT_MAX, le=COUNT_MAX)
    type: Literal["identity.verified", "terms.accepted", "consent.prompted", "account.flagged"]
    expires_at: int | None = Field(None, ge=-COUNT_MAX, le=COUNT_MAX)
    age_band: AgeBand = "unknown"
    value: str | None = None
    """Method of verification, terms version or template, by type."""
    checker: str | None = None
    level: str | None = None
    evidence_ref: str | None = None
    guardian: str | None = None
    """Of a verification: who checked, how strongly, where the proof lies, who stands for a minor."""
    sha256: str | None = None
    """Of accepted terms: hash of the text."""


class UserRow(Row):
    """registry.users, key tenant/user: permits folded by identity; an insert-only set of facts."""

    tenant: Name
    user: Name
    facts: list[UserFact]


class GuardRow(Row):
    """guards, key partition/subject: what a surge of refusals rests on, as one partition has seen it.

    subject: ``entry/<id>``, ``library/<version>`` or ``rule/<id>``. Until two people let it go (``control``),
    penalties that rest on it alone wait, on every partition. Times are Unix ms.
    """

    partition: int = Field(ge=0, le=COUNT_MAX)
    subject: Annotated[str, Field(min_length=1, max_length=300)]
    since: int = Field(ge=0, le=COUNT_MAX)
    users: int = Field(ge=0, le=COUNT_MAX)
    """People refused within the hour, and how many are usual in one."""
    usual: int = Field(ge=0, le=COUNT_MAX)
    came: int | None = Field(None, ge=0, le=COUNT_MAX)
    """The library version an entry came with: once that is withdrawn, nothing waits for the entry any more."""


class ControlRow(Row):
    """control, key name: what the operator activates. ``name`` says what; ``body`` by name:

    ``terms/<tenant>/<version>``: {"sha256", "url", "published_at", "notified_at", "effective_at"}, and of its
    clauses "labels_sha256", "duty_sha256": service terms, told before they take effect (registries/terms.py).
    ``interface/<tenant>/<surface>/<version>``: {"wording", "screenshot_sha256", "tested_at", "valid_until"};
    besides "shows", "height_percent": what a surface shows, as tested (registries/interfaces.py).
    ``observe/<tenant>``: {"duties": [..], "percent": int, "reason": str}.
    ``library``: {"version": int, "agreed_by": str}: put in force by two people. ``law``: {"hash": hex}.
    With "before": int and "counts_from": moment, what is not in that version is only watched until then.
    "seal", "sealed_before": {"sha256", "ends"}: what they hold. ``seal/<version>``: the same, to stay.
    ``import/<version>/<lists>``: {"from_version", "entries", "lists", "sha256", "done": bool}: lists sent;
    until that is done the command puts no version from there on in force.
    ``reviewers/<tenant>``: {"reviewers": [..]},
    and "media": {reviewer: [medium, ..]} for those who may speak of these media alone.
    ``loss/<topic>/<partition>/<from>``: {"to": int, "by": str, "reason": str}.
    ``pause/<duty>/<partition>``: {"paused": bool, "reason": str}.
    ``penalties/<tenant>``: {"paused": bool, "reason": str}; tenant ``*``: all.
    ``guard/<subject>``: {"let_go": true, "agreed_by", "reason"}: the surge was right, penalties resume.
    ``rollback/<version>``: {"to": int, "agreed_by", "reason"}: versions after "to", up to this, are withdrawn
    for good, and with them what rested on nothing but their new entries.
    """

    name: Annotated[str, Field(min_length=1, max_length=320)]
    body: dict[str, object]
    by: Name
    at: Moment


ROWS: dict[str, type[Row]] = {
    "facts.consents": ConsentRow,
    "facts.revocations": RevocationRow,
    "facts.accounts": AccountRow,
    "facts.templates": TemplateRow,
    "facts.features": FeatureRow,
    "facts.news_sources": NewsSourceRow,
    "facts.switches": SwitchRow,
    "facts.recalls": RecallRow,
    "registry.users": UserRow,
    "standings": StandingRow,
    "control": ControlRow,
    "guards": GuardRow,
}


def key_of(topic: str, row: Row) -> str:
    """The record key of a row on its topic."""
    match row:
        case ConsentRow() | RevocationRow():
            return f"{row.tenant}/{row.subject}/{row.grant}"
        case AccountRow() | StandingRow() | UserRow():
            return f"{row.tenant}/{row.user}"
        case TemplateRow():
            return f"{row.tenant}/{row.template}"
        case FeatureRow():
            return f"{row.entry}/{row.from_version}"
        case NewsSourceRow():
            return row.source
        case SwitchRow():
            return f"{row.tenant}/{row.function}"
        case RecallRow():
            return f"{row.tenant}/{row.generation}"
        case ControlRow():
            return row.name
        case GuardRow():
            return f"{row.partition}/{row.subject}"
        case _:
            raise TypeError(f"no key is defined for {type(row).__name__} on {topic}")
