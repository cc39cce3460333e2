"""What a refusal for illegal content rests on: entries of the library, or a scorer's or a person's word."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from synthgate.events.decision import CaseRow, Decision
from synthgate.events.passage import Passage
from synthgate.law import LawBook
from synthgate.obligations.incidents import ILLEGAL
from synthgate.obligations.moderation import NAME, ModerationFacts
from synthgate.steps.lookup import Lookup


@dataclass(frozen=True, slots=True)
class Resting:
    """What a refusal rests on. rules: under which it was given. library: version that was searched.

    entries: those each of which is grave enough by itself. came: the version each of them came with.
    alone: nothing else carries it; without them there would have been no such refusal.
    """

    rules: tuple[str, ...] = ()
    library: int | None = None
    entries: tuple[str, ...] = ()
    came: tuple[int, ...] = ()
    alone: bool = False

    @property
    def since(self) -> int:
        """The version the oldest entry came with."""
        return min(self.came, default=0)

    def row(self) -> dict[str, Any]:
        """As kept in a case."""
        return {
            "rules": list(self.rules), "library": self.library, "entries": list(self.entries),
            "since": self.since, "came": list(self.came), "alone": self.alone,
        }  # fmt: skip

    @classmethod
    def of(cls, case: CaseRow) -> Self | None:
        """Of a case; None: it does not say."""
        row: Mapping[str, Any] | None = case.detail.get("rests")
        if row is None:
            return None
        entries = tuple(row["entries"])
        came = tuple(row.get("came", [row["since"]] * len(entries)))
        return cls(tuple(row["rules"]), row["library"], entries, came, row["alone"])

    def subjects(self) -> tuple[str, ...]:
        """What is counted when refusals surge."""
        version = (f"library/{self.library}",) if self.entries else ()
        rules = (f"rule/{rule}" for rule in self.rules)
        return (*(f"entry/{entry}" for entry in self.entries), *version, *rules)


class Weighed(NamedTuple):
    """What a refusal rests on, and why it does not count against anybody, or not yet (None: it does)."""

    rests: Resting = Resting()
    waits: str | None = None


def resting(decision: Decision, lookup: Lookup, book: LawBook) -> Resting:
    """Read it off what moderation recorded. What was erased since rests on nobody knows what.

    Raises:
        Waiting: the log cannot be read now.
    """
    rules = tuple(sorted({r.rule for r in decision.reasons if r.code == ILLEGAL}))
    try:
        passage = lookup.fetch(decision.receipt.log, decision.receipt.index).passage
    except KeyError:
        return Resting(rules)
    return _of(passage, rules, book)


def _of(passage: Passage, rules: tuple[str, ...], book: LawBook) -> Resting:
    verdict = passage.verdict(NAME)
    if verdict is None:
        return Resting(rules)
    facts = ModerationFacts.from_row(verdict["facts"])
    policy = book.at(verdict["as_of"]).policy.moderation

    def grave(risk: str, severity: int) -> bool:
        threshold = policy.threshold(risk, passage.event.type)
        return (
            threshold is not None and threshold.refuse is not None and severity >= threshold.refuse
        )

    carrying = [hit for hit in facts.hits if grave(hit.risk, hit.severity)]
    # Of more hits than are told one of each entry is told first (``hits.gravest``).
    told = len({hit.entry for hit in facts.hits})
    whole = facts.found == len(facts.hits) or told < len(facts.hits)
    scored = any(grave(*risk) for score in facts.scores for risk in score.risks.items())
    judged = facts.answer == "refuse" or facts.platform == "block"
    came = {hit.entry: hit.since for hit in carrying}
    entries = tuple(sorted(came))
    return Resting(
        rules, facts.library, entries, tuple(came[entry] for entry in entries),
        alone=bool(carrying) and whole and not scored and not judged,
    )  # fmt: skip
