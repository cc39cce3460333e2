"""House numbers: what we chose where the law leaves room. Frozen, and part of the law hash."""

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated, Final, Self, get_args

from pydantic import Field, model_validator

from synthgate.events.facts import PROOFS, STANDING_ORDER, Standing
from synthgate.events.models import AgeBand, Aspect, IdentityVerified, Medium, Net
from synthgate.events.types import TYPES
from synthgate.law.toml_file import LawModel, build, read_toml

RISKS: Final[tuple[str, ...]] = tuple(
    f"A.{group}{letter}"
    for group, letters in (
        (1, "abcdefgh"),
        (2, "abcdefghi"),
        (3, "abcde"),
        (4, "abcdefg"),
        (5, "ab"),
    )
    for letter in letters
)
"""The 31 safety risks of GB/T 45654 Annex A."""

CAUSES_MAX: Final = 100
"""Violations a user's standing can rest on."""
_SHANGHAI: Final = timezone(timedelta(hours=8))

Names = Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
Standings = Annotated[tuple[Standing, ...], Field(strict=False)]
Severity = Annotated[int, Field(ge=1, le=100)]
Count = Annotated[int, Field(ge=1)]
Days = Annotated[int, Field(ge=1)]
Hours = Annotated[int, Field(ge=1)]


class Threshold(LawModel):
    """Severity from which a risk is held for review, and from which it is refused (None: never by machine)."""

    review: Severity
    refuse: Severity | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.refuse is not None and self.refuse < self.review:
            raise ValueError("refuse must not lie below review")
        return self


class IdentityPolicy(LawModel):
    """Accepted methods, needed network fields, standings that end or limit service.

    minor_methods: ways of verification that show a minor's own identity to the bands of minor_bands.

    limited_functions: event types a limited account lacks when nobody listed its functions.
    """

    methods: Names
    net_required: Names
    standings_denied: Standings
    standings_restricted: Standings
    limited_functions: Names
    minor_bands: Annotated[tuple[AgeBand, ...], Field(strict=False)]
    minor_methods: Names

    @model_validator(mode="after")
    def _known(self) -> Self:
        _subset("limited_functions", self.limited_functions, tuple(TYPES))
        _subset("methods", self.methods, _methods())
        _subset("minor_methods", self.minor_methods, self.methods)
        _subset("net_required", self.net_required, tuple(Net.model_fields))
        return self


class ConsentPolicy(LawModel):
    """Age bands for which a guardian decides; kinds of edit that need the person.

    grant_proofs: members of a consent's row without which it does not show that it was free and informed.
    cool_down_days: for so long nobody is asked again who refused.
    """

    guardian_bands: Annotated[tuple[AgeBand, ...], Field(strict=False)]
    edits: Names
    grant_proofs: Annotated[tuple[str, ...], Field(strict=False)]
    cool_down_days: Days

    @model_validator(mode="after")
    def _known(self) -> Self:
        _subset("grant_proofs", self.grant_proofs, PROOFS)
        return self


class LabellingPolicy(LawModel):
    """Words of which each group must give one; how far from an edge it may stand, in non-blank characters."""

    elements: Annotated[tuple[Names, ...], Field(min_length=1, strict=False)]
    edge_characters: Count


class RetentionPolicy(LawModel):
    """How long log entries and proofs are kept, in days."""

    keep_days: Annotated[int, Field(ge=184)]
    proof_keep_days: Annotated[int, Field(ge=1096)]


class Ladder(LawModel):
    """One edition of the ladder of DSP 10 ¶3: violations from which each step is taken, and for how long.

    A violation counts for decay_days. severe_risks: the step is severe_step at least, at once. For a minor the
    machine goes no further than minor_step_max; more is for a person. inputs_*: GB/T 45654, illegal inputs in
    a row and in one day of Asia/Shanghai, and hours of suspension then.
    """

    effective_from: date
    warned_from: Count
    limited_from: Count
    suspended_from: Count
    closed_from: Count
    decay_days: Days
    limited_days: Days
    suspended_days: Days
    severe_risks: Annotated[tuple[str, ...], Field(strict=False)]
    severe_step: Standing
    minor_step_max: Standing
    inputs_in_a_row: Count
    inputs_in_a_day: Count
    inputs_hours: Hours

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        steps = [self.warned_from, self.limited_from, self.suspended_from, self.closed_from]
        if steps != sorted(steps):
            raise ValueError("the ladder's counts must not fall")
        if self.closed_from > CAUSES_MAX:
            raise ValueError(f"closed_from must not lie above {CAUSES_MAX}")
        _subset("severe_risks", self.severe_risks, RISKS)
        return self

    def standing_for(self, violations: int) -> Standing:
        """The step of the ladder a user with so many violations stands on."""
        steps = (self.warned_from, self.limited_from, self.suspended_from, self.closed_from)
        return STANDING_ORDER[sum(violations >= step for step in steps)]


class IncidentsPolicy(LawModel):
    """Clocks in hours and working days, risks that are reported, and the ladder with its editions.

    work_hours: the platform answers what it owes within so long, else it is told again.
    """

    draft_hours: Hours
    sent_hours: Hours
    report_risks: Names
    work_hours: Hours
    complaint_ack_hours: Hours
    complaint_fast_hours: Hours
    complaint_days: Days
    bad_faith_times: Count
    bad_faith_days: Days
    appeal_days: Days
    ladder: Annotated[tuple[Ladder, ...], Field(min_length=1, strict=False)]

    @model_validator(mode="after")
    def _known(self) -> Self:
        starts = [one.effective_from for one in self.ladder]
        if starts != sorted(set(starts)):
            raise ValueError("editions of the ladder must stand in the order of their dates")
        _subset("report_risks", self.report_risks, RISKS)
        return self

    def ladder_at(self, at_ms: int) -> Ladder:
        """The ladder in force at a time (days of Asia/Shanghai); before the first edition, the first."""
        if len(self.ladder) == 1:
            return self.ladder[0]
        day = datetime.fromtimestamp(at_ms / 1000, _SHANGHAI).date()
        held = [one for one in self.ladder if one.effective_from <= day]
        return held[-1] if held else self.ladder[0]


Aspects = Annotated[tuple[Aspect, ...], Field(min_length=1, strict=False)]


class ModerationPolicy(LawModel):
    """Thresholds of each of the 31 risks; what of a file of each medium must have been looked at.

    by_type: thresholds of single risks that are others for an event type.
    """

    thresholds: dict[str, Threshold]
    by_type: dict[str, dict[str, Threshold]]
    needs: dict[str, Aspects]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if media := (set(get_args(Medium)) - {"text"}) ^ set(self.needs):
            raise ValueError(f"needs missing or unknown: {', '.join(sorted(media))}")
        for name, others in self.by_type.items():
            _subset("by_type", (name,), tuple(TYPES))
            _subset(f"by_type.{name}", tuple(others), RISKS)
        missing = set(RISKS) ^ set(self.thresholds)
        if missing:
            raise ValueError(f"thresholds missing or unknown: {', '.join(sorted(missing))}")
        return self

    def threshold(self, risk: str, event_type: str) -> Threshold | None:
        """The threshold of a risk for an event type; None: nobody set one."""
        others = self.by_type.get(event_type)
        return (others and others.get(risk)) or self.thresholds.get(risk)


class Policy(LawModel):
    """All house numbers."""

    identity: IdentityPolicy
    consent: ConsentPolicy
    moderation: ModerationPolicy
    labelling: LabellingPolicy
    retention: RetentionPolicy
    incidents: IncidentsPolicy


def load_policy(path: Path) -> Policy:
    """Read the file.

    Raises:
        LawError: an unknown, missing or wrong number.
    """
    return build(Policy, read_toml(path), path.name)


def _methods() -> tuple[str, ...]:
    return get_args(IdentityVerified.model_fields["method"].annotation)


def _subset(name: str, values: tuple[str, ...], known: tuple[str, ...]) -> None:
    unknown = [value for value in values if value not in known]
    if unknown:
        raise ValueError(f"{name}: {', '.join(unknown)} not among {', '.join(known)}")
