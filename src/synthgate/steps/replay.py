"""Replay at decision depth: ``decide`` on the recorded facts gives the recorded verdict, byte for byte.

Whether the facts were right is not asked: a registry that answered wrongly, or a match that was missed, is
not found here. Text that is gone is not re-checkable, and never counts as equal.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import orjson

from synthgate.events.passage import Passage
from synthgate.events.verdicts import Hold, Judged, Outcome, Verdict, record
from synthgate.law import LawBook
from synthgate.ledger import LogReader
from synthgate.obligations import consent, identity, labelling, moderation, retention
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.steps.answers import unpack
from synthgate.steps.replay_range import of_indexes
from synthgate.steps.trace_index import passage_of

EXAMPLES_MAX: Final = 5
_DUTIES: Final[Mapping[str, tuple[Any, Callable[..., Verdict]]]] = {
    "identity": (identity.IdentityFacts, identity.decide),
    "consent": (consent.ConsentFacts, consent.decide),
    "moderation": (moderation.ModerationFacts, moderation.decide),
    "labelling": (LabellingFacts, labelling.decide),
    "retention": (retention.RetentionFacts, retention.decide),
}
_STUBBED_LATE: Final = ("bug", "origin_conflict")
"""Stubs made after some duty had decided on bytes that are sealed away now."""


@dataclass(slots=True)
class Flip:
    """A rule that is given as a reason in one and not in the other. ``outcomes``: (before, after), counted."""

    rule: str
    now_given: bool
    verdicts: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Replayed:
    """What came of a range. ``not_checkable``: why to how many verdicts (or entries, for those without)."""

    entries: int = 0
    verdicts: int = 0
    equal: int = 0
    different: int = 0
    not_checkable: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)
    flips: dict[tuple[str, bool], Flip] = field(default_factory=dict)
    laws: Counter[str] = field(default_factory=Counter)

    def row(self) -> dict[str, Any]:
        """As JSON-able data, the rule with the most flips first."""
        flips = sorted(self.flips.values(), key=lambda flip: (-flip.verdicts, flip.rule))
        return {
            "depth": "decision",
            "entries": self.entries,
            "verdicts": self.verdicts,
            "equal": self.equal,
            "different": self.different,
            "not_checkable": dict(self.not_checkable),
            "laws": dict(self.laws),
            "examples": self.examples,
            "flips": [
                {
                    "rule": flip.rule,
                    "now": "given" if flip.now_given else "no longer given",
                    "verdicts": flip.verdicts,
                    "outcomes": {f"{a} to {b}": n for (a, b), n in sorted(flip.outcomes.items())},
                    "examples": flip.examples,
                }
                for flip in flips
            ],
        }


class Searched(Protocol):
    """Another feature library."""

    def facts(self, passage: Passage, row: Mapping[str, Any]) -> moderation.ModerationFacts | str:
        """What moderation would decide on, its verdict as recorded; or why nobody can say."""


class Replay:
    """Replays entries.

    candidate: another law, whose verdicts are held against those recorded. library: another feature library;
    without a candidate law those of other law sets are not checkable.
    """

    def __init__(
        self, book: LawBook, candidate: LawBook | None = None, library: Searched | None = None
    ) -> None:
        self._book = book
        self._candidate = candidate
        self._library = library
        self.found = Replayed()

    def run(self, reader: LogReader, start: int, end: int) -> None:
        """The entries from ``start`` up to, not including, ``end``. Raises LedgerError."""
        for where, content in of_indexes(reader, start, end):
            self.take(where, content)

    def take(self, where: str, content: bytes | str) -> None:
        """One entry, at ``where``: its content, or why that is not there."""
        self.found.entries += 1
        if isinstance(content, str):
            self.found.not_checkable[content] += 1
            return
        passage = passage_of(unpack(content))
        if passage is None:
            self.found.not_checkable["never read"] += 1
        else:
            self._passage(passage, where)

    def _passage(self, passage: Passage, where: str) -> None:
        found = self.found
        rows = passage.verdicts
        stub = passage.event.stub
        for row in rows:
            found.verdicts += 1
            found.laws[row["law"]] += 1
        if stub is not None and stub.code in _STUBBED_LATE:
            found.not_checkable[f"stub {stub.code}"] += len(rows)
            return
        if self._candidate is not None or self._library is not None:
            self._against(passage, rows, self._candidate or self._book, where)
            return
        for row in rows:
            if row["law"] != self._book.hash:
                found.not_checkable["another law"] += 1
                continue
            again = _again(passage, row, _facts(row), self._book)
            written = orjson.dumps(again)
            if written == orjson.dumps(row):
                found.equal += 1
                continue
            found.different += 1
            if len(found.examples) < EXAMPLES_MAX:
                changed = _changed(row, orjson.loads(written))
                found.examples.append(
                    {"entry": where, "duty": row["obligation"], "fields": changed}
                )

    def _against(
        self, passage: Passage, rows: list[dict[str, Any]], book: LawBook, where: str
    ) -> None:
        """Under another law or library; what an earlier duty says now, the later ones hear.

        Once one of them cannot be told, none after it can.
        """
        if self._candidate is None and any(row["law"] != book.hash for row in rows):
            self.found.not_checkable["another law"] += len(rows)
            return
        before: list[dict[str, Any]] = []
        for at, row in enumerate(rows):
            again = self._other(passage, row, before, book)
            if isinstance(again, str):
                self.found.not_checkable[again] += len(rows) - at
                return
            before.append(again)
            same = (again["outcome"], again["reasons"]) == (row["outcome"], row["reasons"])
            self.found.equal += same
            self.found.different += not same
            if not same:
                for rule, now_given in _rules(row, again):
                    self._flip(rule, row, again, where, now_given=now_given)

    def _other(
        self, passage: Passage, row: Mapping[str, Any], before: list[dict[str, Any]], book: LawBook
    ) -> dict[str, Any] | str:
        """The verdict there would be; or why nobody can say."""
        facts = _told(row, before)
        if self._library is not None and row["obligation"] == "moderation":
            facts = self._library.facts(passage, row)
            if isinstance(facts, str):
                return facts
        again = _again(passage, row, facts, book)
        return "not labelled then" if _freed(row, facts, again) else again

    def _flip(
        self,
        rule: str,
        row: Mapping[str, Any],
        again: Mapping[str, Any],
        where: str,
        *,
        now_given: bool,
    ) -> None:
        flip = self.found.flips.setdefault((rule, now_given), Flip(rule, now_given))
        flip.verdicts += 1
        flip.outcomes[row["outcome"], again["outcome"]] += 1
        if len(flip.examples) < EXAMPLES_MAX:
            flip.examples.append(
                {
                    "entry": where, "duty": row["obligation"],
                    "before": [row["outcome"], *(reason["code"] for reason in row["reasons"])],
                    "after": [again["outcome"], *(reason["code"] for reason in again["reasons"])],
                }
            )  # fmt: skip


def _facts(row: Mapping[str, Any]) -> Any:
    return _DUTIES[row["obligation"]][0].from_row(row["facts"])


def _told(row: Mapping[str, Any], before: list[dict[str, Any]]) -> Any:
    """The recorded facts, but for what the duties before say now."""
    facts = _facts(row)
    holds = [said["hold"] for said in before if said.get("hold")]
    held = None if not holds else Hold.REVIEW.value if Hold.REVIEW.value in holds else holds[0]
    if row["obligation"] == "retention":
        outcomes = {said["obligation"]: said["outcome"] for said in before}
        return replace(facts, upstream=outcomes, hold=held)
    if row["obligation"] == "labelling":
        outcomes_before = {said["outcome"] for said in before}
        upstream = next((o for o in ("refuse", "hold") if o in outcomes_before), None)
        return replace(facts, upstream=upstream, held=held if upstream == "hold" else None)
    return facts


def _freed(row: Mapping[str, Any], facts: Any, again: Mapping[str, Any]) -> bool:
    """Whether it would be labelled now and was refused or held then: no label was made to be read back."""
    return (
        row["obligation"] == "labelling"
        and row["facts"].get("upstream") is not None
        and facts.upstream is None
        and again["outcome"] != Outcome.NOT_APPLICABLE.value
    )


def _again(passage: Passage, row: Mapping[str, Any], facts: Any, book: LawBook) -> dict[str, Any]:
    """The verdict as it would be recorded now, with what was carried out as it was recorded."""
    as_of = row["as_of"]
    verdict = _DUTIES[row["obligation"]][1](passage.event, facts, book.at(as_of), as_of)
    judged = Judged(
        row["law"], as_of, row["gathered_at"], row["by"], row.get("library"), row.get("read", {})
    )
    return record(verdict, judged, row.get("carried"))


def _changed(row: Mapping[str, Any], again: Mapping[str, Any]) -> list[str]:
    """Names of the members that differ: no values, they may hold what a person wrote."""
    return sorted(name for name in {*row, *again} if row.get(name) != again.get(name))


def _rules(row: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Rules given in one and not in the other; that an earlier duty refused is no rule's doing."""
    old = {reason["rule"] for reason in row["reasons"]}
    new = {reason["rule"] for reason in again["reasons"]}
    for rule in sorted(old ^ new):
        if rule != "HOUSE-upstream" or old ^ new == {rule}:
            yield rule, rule in new
    if old == new:
        for rule in sorted(old):
            yield rule, True
