"""Retention: nothing is released that is not logged, and nothing is released that has gone stale.

Law        DSP Art. 10 ¶1, 16; CSL Art. 23(3) (Art. 21(3) before 2026); Labelling Measures Art. 9
Rules      CSL-23-1 kept six months at least   LBL-9-2 and so is who got a copy without the explicit label
           (DSP-10-10, completeness, is judged at the door by identity)
Hears      every passage with four verdicts
Facts      the outcomes so far, what forbids right now, whether this was logged or answered before
Remembers  the log: origins, answered entries, event ids
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Self

from synthgate.events import canary
from synthgate.events.event import Event
from synthgate.events.verdicts import Hold, Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.step import Obligation

HOUSE_STALE = "HOUSE-stale"
UNLABELLED: Final = "export.unlabelled_requested"


@dataclass(frozen=True, slots=True)
class RetentionFacts:
    """What the release rests on. All of it is recorded; none of it is content.

    upstream: outcome of each duty before. hold: the kind of wait one of them asked for.
    stale: (code, where) of what forbids now.
    superseded_by: log index that already answered the entry this one answers.
    repeat_of: log index of the first event under this id; repeat_differs: other bytes under it.
    """

    upstream: Mapping[str, str]
    hold: str | None = None
    cause: str | None = None
    stale: tuple[tuple[str, str], ...] = ()
    missing_objects: tuple[str, ...] = ()
    superseded_by: int | None = None
    repeat_of: int | None = None
    repeat_differs: bool = False
    origin_conflict: bool = False

    def row(self) -> dict[str, Any]:
        """As recorded in the verdict."""
        return {name: getattr(self, name) for name in _FACTS}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the verdict, for replay."""
        values = dict(row)
        values["stale"] = tuple((code, where) for code, where in row["stale"])
        values["missing_objects"] = tuple(row["missing_objects"])
        return cls(**values)


_FACTS: Final = tuple(field.name for field in fields(RetentionFacts))


def decide(event: Event, facts: RetentionFacts, law: Law, as_of: int) -> Verdict:
    """Pass if everything before passed and nothing forbids now; else say everything that stands against it.

    Pure and total. ``as_of`` picks the law; what forbids is in ``facts`` as known at the append.
    """
    reasons = [*_before(event, facts, law), *_log(event, facts, law), *_now(facts, law)]
    if reasons:
        return Verdict("retention", Outcome.REFUSE, tuple(reasons), facts.row())
    held = [duty for duty, outcome in facts.upstream.items() if outcome == Outcome.HOLD.value]
    if held:
        reason = law.reason("HOUSE-upstream", "upstream_held", f"duty:{held[0]}")
        kind = Hold(facts.hold) if facts.hold else Hold.REVIEW
        return Verdict("retention", Outcome.HOLD, (reason,), facts.row(), hold=kind)
    return Verdict("retention", Outcome.PASS, (), facts.row())


def _before(event: Event, facts: RetentionFacts, law: Law) -> Iterator[Reason]:
    """Five verdicts precede a release: a missing one is a refusal, like a refusing one."""
    for duty in ("identity", "consent", "moderation", "labelling"):
        outcome = facts.upstream.get(duty)
        if outcome is None:
            yield law.reason("HOUSE-upstream", "upstream_missing", f"duty:{duty}")
        elif outcome == Outcome.REFUSE.value:
            yield law.reason("HOUSE-upstream", "upstream_refused", f"duty:{duty}")
    if event.stub is not None and event.stub.code == "bug":
        yield law.reason("HOUSE-bug", "bug", "stub")
    elif event.stub is not None:
        yield law.reason("HOUSE-upstream", "upstream_refused", "stub")
    if event.tenant == canary.TENANT and event.stub is None:
        # Alone, it says that everything else would have let it out.
        yield law.reason("HOUSE-canary", canary.REFUSED)
    if facts.cause == "expiry":
        yield law.reason("HOUSE-hold_expired", "hold_expired")


def _log(event: Event, facts: RetentionFacts, law: Law) -> Iterator[Reason]:
    """What the log itself demands: complete rows, long enough, each act once."""
    keep_days = event.keep_days
    if keep_days is not None and keep_days < law.policy.retention.keep_days:
        yield from law.fault("CSL-23-1", "keep_too_short", "/keep_days")
        if event.type == UNLABELLED:
            yield from law.fault("LBL-9-2", "recipient_log_short", "/keep_days")
    if facts.superseded_by is not None:
        yield law.reason("HOUSE-superseded", "superseded", f"index:{facts.superseded_by}")
    if facts.repeat_differs:
        yield law.reason("HOUSE-repeat", "repeat_differs", f"index:{facts.repeat_of}")
    if facts.origin_conflict:
        yield law.reason("HOUSE-origin_conflict", "origin_conflict")
    for name in facts.missing_objects:
        yield law.reason(HOUSE_STALE, "object_missing", name)


def _now(facts: RetentionFacts, law: Law) -> Iterator[Reason]:
    """What forbids counts as soon as it is known, even after the duty before let it pass."""
    for code, where in facts.stale:
        yield law.reason(HOUSE_STALE, code, where)


OBLIGATION = Obligation(
    name="retention",
    articles=("DSP 10", "DSP 16", "CSL 23", "LBL 9"),
    rules=("CSL-23-1", "LBL-9-2"),
    hears=("every passage",),
    decide=decide,
)
