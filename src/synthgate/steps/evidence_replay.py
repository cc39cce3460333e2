"""Replay at evidence depth: the facts a verdict rests on are gathered anew and held against those recorded.

Consent and moderation are asked again on the stored event, and identity and retention what they have of the
registries (``asked_again.py``): registries as they stood at the recorded positions, made of the topics' records
as they are logged (``kept_facts.py``), and the library of that time. So a registry that answered wrongly and a
match that was missed are found, which decision depth (``replay.py``) cannot.

What is not there any more, or not logged yet, is not checkable and never counts as equal: content erased, a
fact compacted away, files. Nor does it count as different: where a row and the tombstone that removed it may
both be gone, what is missing proves nothing. What an outside scorer said is quoted as it was. Labelling is not
asked: its facts are on files it made.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import orjson

from synthgate.crypto.receipts import ReceiptKeys
from synthgate.effects.objects import Objects
from synthgate.events import topics
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Verdict
from synthgate.law import Law, LawBook
from synthgate.ledger import LogReader
from synthgate.obligations import consent, identity, moderation, retention
from synthgate.registries import Registries
from synthgate.step import Waiting, Work
from synthgate.steps.answers import unpack
from synthgate.steps.asked_again import IDENTITY_ASKS, ahead, identity_again, retention_again
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.kept_facts import LIBRARY, Facts, places
from synthgate.steps.moderation import ModerationDuty
from synthgate.steps.receipts import Receipts
from synthgate.steps.replay_range import of_indexes
from synthgate.steps.reviewed import is_text
from synthgate.steps.trace_index import passage_of

_DECIDE: Final[Mapping[str, Callable[..., Verdict]]] = {
    "identity": identity.decide,
    "consent": consent.decide,
    "moderation": moderation.decide,
    "retention": retention.decide,
}
DUTIES: Final = tuple(_DECIDE)
_ASKS: Final[Mapping[str, tuple[str, ...]]] = {
    "identity": IDENTITY_ASKS,
    "consent": topics.COPIES["consent"],
    "moderation": topics.COPIES["moderation"],
    "retention": topics.FORBIDDING,
}
"""Registry topics that are built again for each; of others it read nothing is asked."""
TOPICS: Final = tuple(dict.fromkeys(topic for asked in _ASKS.values() for topic in asked))
EXAMPLES_MAX: Final = 5


class _AsOf:
    """Registries brought from one set of positions to the next, and the duty that asks them."""

    def __init__(self, duty: str, facts: Facts, objects: Objects, keys: ReceiptKeys | None) -> None:
        self._duty, self._facts, self._objects = duty, facts, objects
        self._receipts = Receipts(keys)
        self._read: dict[str, list[int]] = {}

    def gather(
        self, passage: Passage, row: Mapping[str, Any], read: Mapping[str, Sequence[int]], law: Law
    ) -> Any:
        """The facts on a passage as they would be gathered at these positions."""
        self._bring(read)
        now_ms = row["gathered_at"]
        if self._duty == "identity":
            held = identity.IdentityFacts.from_row(row["facts"])
            return identity_again(held, passage, self._registries, now_ms)
        if self._duty == "retention":
            kept = retention.RetentionFacts.from_row(row["facts"])
            return retention_again(kept, passage, self._registries, law, now_ms)
        work = Work(passage.origin.partition, now_ms)
        (facts,) = asyncio.run(self._step.gather([passage], work)).facts
        return facts

    def positions(self, wanted: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """What was read to: the recorded positions."""
        return {topic: self._read[topic] for topic in wanted}

    async def fresh(self, wanted: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """The same: nobody is asked."""
        return self.positions(wanted)

    def _bring(self, read: Mapping[str, Sequence[int]]) -> None:
        back = any(
            position < self._at(topic, partition) for topic, partition, position in places(read)
        )
        if back or self._read.keys() != read.keys():
            self._registries = Registries(read)
            self._read = {topic: [0] * len(positions) for topic, positions in read.items()}
            self._make()
        for topic, partition, position in places(read):
            for row in self._facts.between(topic, partition, self._at(topic, partition), position):
                self._registries.apply(topic, partition, *row)
        if any(self._read[topic] != list(read[topic]) for topic in LIBRARY if topic in read):
            self._make()  # a library is built anew and not behind the stream
        self._read = {topic: list(positions) for topic, positions in read.items()}

    def _at(self, topic: str, partition: int) -> int:
        positions = self._read.get(topic, ())
        return positions[partition] if partition < len(positions) else 0

    def _make(self) -> None:
        self._step: ConsentDuty | ModerationDuty = (
            ConsentDuty(self._registries, self, self._receipts)
            if self._duty == "consent"
            else ModerationDuty(self._registries, self, self._objects)
        )


@dataclass(slots=True)
class Rechecked:
    """What came of it. ``not_checkable``: why to how many verdicts."""

    entries: int = 0
    equal: int = 0
    different: int = 0
    not_checkable: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "depth": "evidence", "duties": list(DUTIES), "entries": self.entries,
            "verdicts": self.equal + self.different + self.not_checkable.total(),
            "equal": self.equal, "different": self.different,
            "not_checkable": dict(self.not_checkable), "examples": self.examples,
        }  # fmt: skip


class EvidenceReplay:
    """Gathers anew, entry by entry. ``keys``: of whoever signs consents that travel in events."""

    def __init__(
        self, book: LawBook, facts: Facts, objects: Objects, keys: ReceiptKeys | None = None
    ) -> None:
        self._book = book
        self._facts = facts
        self._objects = objects
        self._as_of = {duty: _AsOf(duty, facts, objects, keys) for duty in DUTIES}
        self._doubtful: dict[bytes, bool] = {}
        self.found = Rechecked()

    def run(self, reader: LogReader, start: int, end: int) -> None:
        """The entries from ``start`` up to, not including, ``end``. Raises LedgerError."""
        for where, content in of_indexes(reader, start, end):
            self.take(where, content)

    def take(self, where: str, content: bytes | str) -> None:
        """One entry, at ``where``: its content, or why that is not there."""
        self.found.entries += 1
        if isinstance(content, str):
            self.found.not_checkable[content] += len(DUTIES)
            return
        passage = passage_of(unpack(content))
        if passage is None or passage.event.stub is not None:
            self.found.not_checkable["no event"] += len(DUTIES)
            return
        for duty in DUTIES:
            self._one(passage, duty, where)

    def _one(self, passage: Passage, duty: str, where: str) -> None:
        row = passage.verdict(duty)
        why = self._shut(row, duty, passage.origin.epoch) or self._unread(passage, row)
        if row is None or why is not None:
            self.found.not_checkable[why or "no verdict"] += 1
            return
        read, law = _asked(row, duty), self._book.at(row["as_of"])
        try:
            again = self._as_of[duty].gather(passage, row, read, law)
        except Waiting:  # it went on with a library built before an entry of it was overwritten
            self.found.not_checkable["library overwritten"] += 1
            return
        if duty == "moderation":  # outside scorers are quoted
            again = replace(again, scores=moderation.ModerationFacts.from_row(row["facts"]).scores)
        decided = _DECIDE[duty](passage.event, again, law, row["as_of"])
        found = orjson.loads(orjson.dumps(decided.facts))  # some facts only deciding tells
        if found == row["facts"]:
            self.found.equal += 1
            return
        names = sorted(n for n in {*found, *row["facts"]} if found.get(n) != row["facts"].get(n))
        if self._facts.thinned(read, names):
            self.found.not_checkable["compacted"] += 1
            return
        if names in (["standing"], ["stale"]):
            later = self._facts.later("standings", read.get("standings", ()), _key_of(passage))
            if ahead(row["facts"], found, later):
                self.found.not_checkable["known before its topic"] += 1
                return
        self.found.different += 1
        if len(self.found.examples) < EXAMPLES_MAX:
            self.found.examples.append({"entry": where, "duty": duty, "facts": names})

    def _unread(self, passage: Passage, row: Mapping[str, Any] | None) -> str | None:
        """Whether words that were searched then lie in a text of ours that is not here any more."""
        parts = () if row is None else row["facts"].get("parts", ())
        if not any(part.startswith("object/") for part in parts):
            return None
        named = filter(is_text, passage.event.content.get("objects", ()))
        gone = any(self._objects.get(one["name"]) is None for one in named)
        return "words gone" if gone else None

    def _shut(self, row: Mapping[str, Any] | None, duty: str, epoch: int) -> str | None:
        """Why a verdict cannot be checked; None if it can."""
        if row is None:
            return "no verdict"
        if self._facts.epoch not in (None, epoch):
            return "another epoch"
        if row["facts"].get("files"):
            return "files"
        if row["law"] != self._book.hash:
            return "another law"
        read = _asked(row, duty)
        if not read or set(row["read"]) - set(topics.COPIES[duty]):
            return "no positions"
        if self._facts.short(read):
            return "not logged yet"
        if self._facts.lacks(read):
            return "not in the bundle"
        key = orjson.dumps(read)
        if key not in self._doubtful:
            self._doubtful = {key: self._facts.doubtful(read)}
        return "compacted" if self._doubtful[key] else None


def _key_of(passage: Passage) -> bytes:
    return f"{passage.event.tenant}/{passage.event.user}".encode()


def _asked(row: Mapping[str, Any], duty: str) -> dict[str, Sequence[int]]:
    """The positions of the topics that are asked again."""
    return {topic: at for topic, at in row.get("read", {}).items() if topic in _ASKS[duty]}
