"""What a duty answers: one verdict per passage, with reasons that cite their article."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple


class Outcome(StrEnum):
    """The four answers a duty can give. Unknown is never a pass."""

    PASS = "pass"
    REFUSE = "refuse"
    HOLD = "hold"
    NOT_APPLICABLE = "not_applicable"


_PASS: Final = Outcome.PASS


class Hold(StrEnum):
    """Why a passage waits: an item's fault that may mend, or a person who must judge."""

    RETRY = "retry"
    REVIEW = "review"


class Force(StrEnum):
    """How binding a row of law is. House policy never reads as law."""

    STATUTE = "statute"
    MANDATORY_STANDARD = "mandatory standard"
    RECOMMENDED_STANDARD = "recommended standard"
    HOUSE_POLICY = "house policy"


@dataclass(frozen=True, slots=True)
class Reason:
    """One fault found.

    rule: rule id of the law rows (``DSP-14-2``) or a house rule (``HOUSE-clock``).
    code: stable machine code; texts in Chinese and English hang on it (law/reasons.toml).
    where: what it concerns, never content or a plain identity: ``subject:<token>``, ``/net/src_ip``.
    """

    rule: str
    article: str
    force: Force
    code: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What ``decide`` returns: pure and total, the same four arguments give the same verdict.

    facts: the values decided on, JSON-able, without content; replay runs ``decide`` on them again.
    cell: the applicability cell cited; required for not_applicable.
    """

    obligation: str
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    hold: Hold | None = None
    cell: str | None = None

    def __post_init__(self) -> None:
        if self.outcome is _PASS and self.hold is None:
            return  # most are; looking members of an enum up is not free
        if self.outcome is Outcome.NOT_APPLICABLE and not self.cell:
            raise ValueError(f"{self.obligation}: not_applicable must cite its cell")
        if (self.outcome is Outcome.HOLD) != (self.hold is not None):
            raise ValueError(f"{self.obligation}: hold and its kind come together")
        if self.outcome in (Outcome.REFUSE, Outcome.HOLD) and not self.reasons:
            raise ValueError(f"{self.obligation}: {self.outcome} needs a reason")


_NOTHING_READ: Mapping[str, Sequence[int]] = MappingProxyType({})


class Judged(NamedTuple):
    """Under what a verdict was given: recorded with it, so that it can be replayed.

    law: hash of the law rows in force; library: feature library version or None;
    as_of: the event's own time, ms (a re-entry's append time); gathered_at: worker clock, ms, as data;
    read: registry topic -> end offsets by partition the copies had read to; by: producer version.
    """

    law: str
    as_of: int
    gathered_at: int
    by: str
    library: int | None = None
    read: Mapping[str, Sequence[int]] = _NOTHING_READ


def record(
    verdict: Verdict, judged: Judged, carried: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The verdict as it travels in a passage. ``carried``: read-back results of what was carried out."""
    row: dict[str, Any] = {"obligation": verdict.obligation, "outcome": verdict.outcome.value}
    if verdict.hold is not None:
        row["hold"] = verdict.hold.value
    row["reasons"] = [reason_row(reason) for reason in verdict.reasons]
    # What later duties ask for stands before the facts (see ``Passage.said``).
    row["facts"] = verdict.facts
    row["law"] = judged.law
    row["as_of"] = judged.as_of
    row["gathered_at"] = judged.gathered_at
    row["by"] = judged.by
    if verdict.cell is not None:
        row["cell"] = verdict.cell
    if judged.library is not None:
        row["library"] = judged.library
    if judged.read:
        row["read"] = judged.read
    if carried is not None:
        row["carried"] = carried
    return row


def reason_row(reason: Reason) -> dict[str, str]:
    """A reason as it travels."""
    row = {
        "rule": reason.rule,
        "article": reason.article,
        "force": reason.force.value,
        "code": reason.code,
    }
    if reason.where is not None:
        row["where"] = reason.where
    return row
