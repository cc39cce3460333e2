"""Erasure beyond the log: which rows of state topics are a person's, and which the law lets go (PIPL 47).

A row goes by a tombstone for its key. What permits a person (``registry.users``) goes once the log keeps
nothing of them; a closed case once its record is as old as a log entry must get (DSP 10 ¶3, 11: the record is
kept). What is open, or forbids them still, stays: nobody sheds a penalty by asking to be forgotten.
``facts.accounts`` is the platform's word, and only counted.
"""

import base64
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from pydantic import ValidationError

from synthgate.cases.kinds import ERASURE
from synthgate.events.decision import CaseRow
from synthgate.events.facts import StandingRow
from synthgate.events.topics import ERASED

READ: Final = (*ERASED, "facts.accounts")
DAY_MS: Final = 86_400_000


class Person(NamedTuple):
    """Whose rows are meant: as keys name them, and the token by which cases do."""

    tenant: str
    user: str
    token: str

    def owns(self, key: bytes) -> bool:
        """Whether a record key is theirs, sub-keys (``user#n``) among them."""
        name = f"{self.tenant}/{self.user}".encode()
        return key == name or key.startswith(name + b"#")

    def in_case(self, row: CaseRow) -> bool:
        """Whether a case is about them or came by their key."""
        if row.tenant == self.tenant and row.user == self.token:
            return True
        return row.key is not None and self.owns(base64.b64decode(row.key))


class Place(NamedTuple):
    """One key of one topic, and the partition it lies on."""

    topic: str
    partition: int
    key: bytes


@dataclass(slots=True)
class Reach:
    """What may go now, what stays and why, and until when the law keeps the last of it (ms; None: nothing)."""

    due: list[Place] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    pending_until: int | None = None


class Rows:
    """The person's rows as the topics have them now, fed record by record in the order of each partition."""

    def __init__(self, person: Person) -> None:
        self._person = person
        self._held: dict[Place, list[bytes]] = {}
        self._work: defaultdict[str, dict[Place, CaseRow]] = defaultdict(dict)
        self._cases: dict[Place, CaseRow] = {}

    def put(self, topic: str, partition: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; a tombstone ends what stood before it."""
        if key is None:
            return
        place = Place(topic, partition, key)
        if value is None:
            self._held.pop(place, None)
            self._cases.pop(place, None)
            for works in self._work.values():
                works.pop(place, None)
        elif topic == "cases":
            self._case(place, value)
        elif self._person.owns(key):
            self._held.setdefault(place, []).append(value)

    def _case(self, place: Place, value: bytes) -> None:
        try:
            row = CaseRow.model_validate_json(value)
        except ValidationError:
            return
        if self._person.in_case(row):
            held = self._cases.get(place)
            if held is None or row.version > held.version:
                self._cases[place] = row
        elif row.kind == "work":  # a piece of work names its case alone
            self._work[row.cause][place] = row

    def reach(self, now_ms: int, keep_days: int) -> Reach:
        """What of it may go at this time. Cases are kept so many days from their last change."""
        found = Reach()
        standing = {
            place: values for place, values in self._held.items() if place.topic == "standings"
        }
        penalised = any(map(_forbid, standing.values()))
        mine = dict(self._cases)
        for case in self._cases.values():
            mine |= self._work.get(case.case, {})
        asked = {
            row.case for row in mine.values() if row.kind == ERASURE.kind and row.state == "open"
        }
        remembered = False
        for place, row in mine.items():
            if row.case in asked or row.cause in asked:
                continue  # the request itself: what is done here is what it waits for
            until = _last(row) + keep_days * DAY_MS
            if row.state == "open" and (row.kind != "user" or penalised):
                found.kept["cases: open"] += 1
            elif now_ms <= until:
                found.kept["cases: the record is kept"] += 1
                found.pending_until = max(found.pending_until or 0, until)
            else:
                found.due.append(place)
                continue
            remembered |= row.kind == "user"
        for place in self._held:
            if place.topic == "facts.accounts":
                found.kept["facts.accounts: the platform's to remove"] += 1
            elif place in standing and (penalised or remembered):
                why = "a penalty stands" if penalised else "the record is kept"
                found.kept[f"standings: {why}"] += 1
            else:
                found.due.append(place)
        found.due.sort()
        return found


def _forbid(values: list[bytes]) -> bool:
    """Whether the newest row forbids the person anything; one that cannot be read does. A warning does not."""
    try:
        rows = [StandingRow.model_validate_json(value) for value in values]
    except ValidationError:
        return True
    newest = max(row.version for row in rows)
    harmless = ("ok", "warned")
    return any(row.standing not in harmless for row in rows if row.version == newest)


def _last(row: CaseRow) -> int:
    """When a case last changed, ms."""
    return max([row.opened_at, *(noted.at for noted in row.timeline)])
