"""Incidents: every decision is answered; a violation becomes a case, a warning and a notice.

Law        DSP Art. 10 ¶3; CSL Art. 49; GenAI Measures Art. 14
Rules      DSP-10-6 dispose, keep the record, report   DSP-10-7 at least a warning, with notice and appeal
           DSP-10-8 three illegal inputs in a row or five in a day suspend
           GAI-14-1 an illegal output is stopped, removed and fed to retraining
Hears      every decision
Facts      which duty refused, for which risks, attributed to whom; the user's illegal inputs before
Remembers  open cases and standings, rebuilt from their topics
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from synthgate.events import canary
from synthgate.events.decision import Decision
from synthgate.events.verdicts import Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.step import Obligation

ILLEGAL = "risk_refuse"
"""Reason code of moderation for content with an illegal category."""


INPUTS: Final = frozenset({"generation.requested"})
"""What a user puts in."""
OUTPUTS: Final = frozenset({"generation.completed", "generation.segment", "scene.started"})
"""What the service made of it."""
STRAY = frozenset({"wrong_key", "missing_key", "wrong_partition"})
"""Reason codes of a record whose key does not say whose act it is."""


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What a decision says about a violation.

    risks: illegal categories found. attributed: a person's own act, known by token, under their own key.
    counted: the act counts against the person (first entries that were answered in time do; canaries do not).
    found_in: input, output or other. in_a_row, in_a_day: the user's illegal inputs, this one among them.
    """

    action: str
    risks: tuple[str, ...] = ()
    attributed: bool = False
    counted: bool = True
    found_in: str = "other"
    in_a_row: int = 0
    in_a_day: int = 0

    def with_inputs(self, in_a_row: int, in_a_day: int) -> Self:
        """The same with the user's illegal inputs counted."""
        return replace(self, in_a_row=in_a_row, in_a_day=in_a_day)

    def row(self) -> dict[str, Any]:
        """As recorded."""
        return {name: getattr(self, name) for name in _FACTS}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the record."""
        return cls(**{**row, "risks": tuple(row["risks"])})


_FACTS: Final = tuple(field.name for field in fields(IncidentFacts))


def facts_of(decision: Decision) -> IncidentFacts:
    """Read the facts off a decision: the same decision always gives the same facts."""
    risks = {
        (reason.where or "").removeprefix("risk:")
        for reason in decision.reasons
        if reason.code == ILLEGAL and reason.obligation == "moderation"
    }
    codes = {reason.code for reason in decision.reasons}
    ours = canary.REFUSED in codes and canary.FORGED not in codes
    kind = decision.type
    found_in = "input" if kind in INPUTS else "output" if kind in OUTPUTS else "other"
    late = {"expired", "superseded", "clock"} & codes
    return IncidentFacts(
        action=decision.action,
        risks=tuple(sorted(risks)),
        attributed=decision.user is not None and STRAY.isdisjoint(codes),
        counted=not late and not ours and decision.repeat_of is None and decision.enforced,
        found_in=found_in,
    )


def decide(event: Decision, facts: IncidentFacts, law: Law, as_of: int) -> Verdict:
    """Pass if nothing is owed; refuse names what a case, a warning and a notice rest on. Pure and total."""
    reasons: list[Reason] = []
    if facts.action == "refuse" and facts.risks and facts.counted:
        for risk in facts.risks:
            reasons.extend(law.fault("DSP-10-6", "illegal_content", f"risk:{risk}"))
        if facts.found_in == "output":
            reasons.extend(law.fault("GAI-14-1", "illegal_output"))
        if facts.attributed:
            reasons.extend(law.fault("DSP-10-7", "violation_by_user"))
            reasons.extend(_inputs(facts, law, as_of))
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict("incidents", outcome, tuple(reasons), facts.row())


def _inputs(facts: IncidentFacts, law: Law, as_of: int) -> Iterator[Reason]:
    """Each number that is reached is a fault of its own."""
    if facts.found_in != "input":
        return
    ladder = law.policy.incidents.ladder_at(as_of)
    if facts.in_a_row >= ladder.inputs_in_a_row:
        yield from law.fault("DSP-10-8", "inputs_in_a_row")
    if facts.in_a_day >= ladder.inputs_in_a_day:
        yield from law.fault("DSP-10-8", "inputs_in_a_day")


OBLIGATION = Obligation(
    name="incidents",
    articles=("DSP 10", "CSL 49", "GAI 14"),
    rules=("DSP-10-6", "DSP-10-7", "DSP-10-8", "GAI-14-1"),
    hears=("decisions",),
    decide=decide,
)
