"""The decision: the product's contract, what an app obeys.

Highest revision wins; revisions belong to the root origin. No decision in time means not released.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Action = Literal["release", "refuse", "hold", "recall"]


class Said(BaseModel):
    """What we say: closed and frozen."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="forbid", use_attribute_docstrings=True
    )


class Receipt(Said):
    """Where an entry stands in the log: log id (the partition), dense index, hex leaf hash."""

    log: int
    index: int
    hash: str


class DecisionReason(Said):
    """One reason, with the duty that gave it."""

    obligation: str
    rule: str
    article: str
    force: str
    code: str
    where: str | None = None


class ReleasedObject(Said):
    """A labelled object that may be served: immutable name and SHA-256 of its bytes."""

    name: str
    sha256: str
    media_type: str
    size_bytes: int


class DecisionVerdict(Said):
    """One line of the chain: which duty said what."""

    obligation: str
    outcome: Literal["pass", "refuse", "hold", "not_applicable"]
    hold: Literal["retry", "review"] | None = None
    risks: list[str] = Field(default_factory=list)


class Decision(Said):
    """One decision. Times are Unix ms; ``label`` holds the seven fields of GB 45438 Annex E."""

    v: Literal[1] = 1
    decision: str
    """Id, from origin and revision: the same record always gets the same id."""
    root: str
    origin: str
    tenant: str | None
    user: str | None
    """Keyed token, not the platform's id."""
    source: str | None
    event_id: str | None
    type: str
    event_hash: str
    generation: str | None
    medium: str
    revision: int
    supersedes: int | None
    """Log index of the decision this one replaces."""
    repeat_of: int | None = None
    """Log index of the first entry, if the platform sent the same event again."""
    action: Action
    hold: Literal["retry", "review"] | None = None
    reasons: list[DecisionReason]
    verdicts: list[DecisionVerdict]
    objects: list[ReleasedObject]
    label: dict[str, str] | None
    regimes: list[str]
    enforced: bool
    decided_at: int
    """Clock of the append."""
    receipt: Receipt
    pass_: str | None = Field(None, alias="pass")


class DoorRow(Said):
    """records.door: offsets of one source batch taken, absent (transaction markers) and lost by accord."""

    v: Literal[1] = 1
    epoch: int
    topic: str
    partition: int
    from_offset: int
    to_offset: int
    """One past the last offset accounted for in this row."""
    absent: list[int]
    lost: bool = False
    at: int
    """Append time of the first record in the batch, ms."""


class Noted(Said):
    """One entry of a case's timeline: what happened, when (Unix ms), by whom, and what came of it."""

    id: str
    """Of the record it came by, or made of it: heard again it is not noted again."""
    type: str
    at: int
    by: str | None = None
    """A person's name at the desk; None: the machine."""
    reason: str | None = None
    was: str
    status: str
    refused: str | None = None
    """Why it changed nothing."""
    detail: dict[str, Any] = Field(default_factory=dict)


class Deadline(Said):
    """Something due on a case. Times are Unix ms."""

    id: str
    due_at: int
    rule: str
    internal: bool
    """A target of our own: the law says promptly and names no time."""
    reached_at: int | None = None
    """When it was found to have passed unmet."""
    met_at: int | None = None


class CheckpointRow(Said):
    """checkpoints, key origin/hour: what a log was signed to be, told to whoever keeps it elsewhere.

    The last of every hour stays, by the worker's clock, and the newest. A note proves itself: nothing here is
    believed without its signature.
    """

    v: Literal[1] = 1
    origin: str
    """Name of the installation's logs and number of this one, as in the note."""
    size: int = Field(ge=0)
    """Entries of the log."""
    note: str
    """The signed note (C2SP tlog-checkpoint), as it stands in ``proofs``."""


class CaseRow(Said):
    """cases: a case as it is now. ``version`` grows by one with each change."""

    v: Literal[1] = 1
    case: str
    version: int
    kind: Literal[
        "content", "hold", "event", "user", "appeal", "complaint", "incident", "rumour", "order",
        "bypass", "deletion", "erasure", "page", "filing", "upkeep", "work",
    ]  # fmt: skip
    state: Literal["open", "closed"]
    tenant: str
    user: str | None
    opened_at: int
    due_at: int | None = None
    """When a hold expires or the next deadline comes, ms."""
    cause: str
    """Decision id or case event id."""
    receipt: Receipt | None
    key: str | None = None
    """Record key of the original, base64, so that a timer can answer it."""
    rules: list[str]
    detail: dict[str, Any] = Field(default_factory=dict)
    status: str = ""
    """Where the case stands in its machine; empty on holds and records."""
    timeline: list[Noted] = Field(default_factory=list)
    deadlines: list[Deadline] = Field(default_factory=list)
    links: dict[str, list[str]] = Field(default_factory=dict)
    """What the case is about and led to: decisions, penalties, cases, reports, subjects, objects."""


class WorkRow(Said):
    """work: something the platform owes, once per id (from origin and duty)."""

    v: Literal[1] = 1
    id: str
    kind: Literal[
        "takedown.due", "recall.due", "notice.due", "restriction.due",
        "rebuttal.due", "template_deletion.due",
    ]  # fmt: skip
    case: str
    cause: str
    rule: str
    article: str
    force: str
    recipient: str | None
    text: dict[str, str]
    """Language (zh, en) to sentence."""
    due_at: int | None
    tenant: str | None = None
    """Whose platform owes it."""
    penalty: str | None = None
    """The penalty a notice is about: what ``penalty.appealed`` names."""
    about: dict[str, Any] = Field(default_factory=dict)
    """What is to be taken down, recalled, restricted or rebutted: ids and hashes."""
