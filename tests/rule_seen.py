"""What the chain left behind after a rule story: decisions, entries, objects, cases."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from synthgate.cli.found import headers
from synthgate.crypto.keys import KeyFolder
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import LocalObjects
from synthgate.events.passage import Passage
from synthgate.ledger import Entry, KeyRing, LocalStore, LogReader
from synthgate.settings import Settings
from synthgate.steps.answers import unpack

Row = Mapping[str, Any]


@dataclass
class Seen:
    """One story afterwards. said: decision row by act. rows: of the topics cases, standings, work."""

    settings: Settings
    user: str
    said: Mapping[str, Row]
    rows: Mapping[str, Sequence[Row]]

    @property
    def last(self) -> Row:
        """The decision the story is about."""
        return list(self.said.values())[-1]

    @cached_property
    def keys(self) -> KeyFolder:
        return KeyFolder(self.settings.keys_dir)

    @cached_property
    def store(self) -> LocalStore:
        return LocalStore(self.settings.ledger_dir)

    @cached_property
    def objects(self) -> LocalObjects:
        return LocalObjects(self.settings.objects_dir)

    def act(self, name: str) -> Row:
        """The decision on an act of this story, by the end of the act's id."""
        return self.said[f"{self.user}-{name}"]

    def entry(self, decision: Row | None = None) -> Entry:
        """The log entry a decision's receipt names, its content opened."""
        receipt = (decision or self.last)["receipt"]
        ring = KeyRing.open(self.settings.ledger_dir / "userkeys", self.keys.master_key)
        return LogReader(self.store, ring, receipt["log"]).read(receipt["index"])

    def passage(self, decision: Row | None = None) -> Passage:
        """What the entry holds: the event as received, and five verdicts."""
        return Passage.parse(unpack(self.entry(decision).content).passage, None)

    def verdict(self, duty: str, decision: Row | None = None) -> Row:
        found = self.passage(decision).verdict(duty)
        assert found is not None, f"the entry holds no verdict of {duty}"
        return found

    def facts(self, duty: str, decision: Row | None = None) -> Row:
        facts: Row = self.verdict(duty, decision)["facts"]
        return facts

    def segment(self) -> bytes:
        """The segment file the last decision's entry lies in."""
        receipt = self.last["receipt"]
        firsts = self.store.firsts(receipt["log"])
        first = max(first for first in firsts if first <= receipt["index"])
        return self.store.read(receipt["log"], first)

    def numbered(self, number: str) -> list[Row]:
        """Clear headers of all logs with this produce id."""
        return [
            header
            for log in self.store.logs()
            for header in headers(self.store, log)
            if header.get("produce_id") == number
        ]

    def served(self, decision: Row | None = None) -> LabelledText:
        """The one object a release names, as it lies in the store."""
        (row,) = (decision or self.last)["objects"]
        found = LabelledText.read(self.objects, row["name"])
        assert found is not None, "the object released is not in the store"
        assert hashlib.sha256(found.data).hexdigest() == row["sha256"]
        return found

    def held_against(self, topic: str) -> list[Row]:
        """Rows on ``standings`` about this story's user."""
        return [row for row in self.rows[topic] if row.get("user") == self.user]

    def case(self, decision: Row | None = None) -> Row | None:
        """The content case a decision opened."""
        name = f"content/{(decision or self.last)['decision']}"
        rows = [row for row in self.rows["cases"] if row["case"] == name]
        assert len({orjson.dumps(row) for row in rows}) <= 1, "a case was opened twice"
        return rows[0] if rows else None

    def notices(self) -> list[Row]:
        """Notices owed because of the last decision."""
        return [row for row in self.rows["work"] if row["cause"] == self.last["decision"]]
