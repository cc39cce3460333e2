"""The trace index: from a content number, a person, an edited person, an object or a time to log entries.

SQLite, made from the logs and made again when it is gone. It holds ids, tokens and times, no words; what was
erased is in it with what the clear header says.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.events.passage import Passage, PassageError
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.steps.answers import Content, unpack
from synthgate.steps.entry import NO_USER
from synthgate.steps.record_entry import RECORDED

_VERSION: Final = 2
_SCHEMA: Final = """
CREATE TABLE entry(
  log INTEGER, idx INTEGER, at INTEGER, event_time INTEGER, tenant TEXT, event_id TEXT, action TEXT,
  root TEXT, produce_id TEXT, user TEXT, generation TEXT, parent_log INTEGER, parent INTEGER,
  PRIMARY KEY(log, idx)) WITHOUT ROWID;
CREATE INDEX by_produce_id ON entry(produce_id) WHERE produce_id IS NOT NULL;
CREATE INDEX by_user ON entry(user, event_time);
CREATE INDEX by_time ON entry(event_time);
CREATE INDEX by_root ON entry(root);
CREATE INDEX by_record ON entry(event_id) WHERE action = 'recorded';
CREATE INDEX by_parent ON entry(parent_log, parent) WHERE parent IS NOT NULL;
CREATE TABLE subject(token TEXT, log INTEGER, idx INTEGER, PRIMARY KEY(token, log, idx)) WITHOUT ROWID;
CREATE TABLE object(sha256 TEXT, log INTEGER, idx INTEGER, PRIMARY KEY(sha256, log, idx)) WITHOUT ROWID;
CREATE TABLE done(log INTEGER PRIMARY KEY, next INTEGER, hash TEXT);
"""
_BATCH: Final = 5_000


class Traced(NamedTuple):
    """Where an entry stands and what the index knows of it."""

    log: int
    place: int
    event_time: int
    tenant: str | None
    event_id: str | None
    action: str
    root: str
    produce_id: str | None
    user: str | None
    generation: str | None
    parent: tuple[int, int] | None


class Taken(NamedTuple):
    """Of an entry: its row as the table has it, who is edited in it, hashes of what it let out."""

    entry: tuple[Any, ...]
    subjects: Sequence[str] = ()
    objects: Sequence[str] = ()


class TraceIndex:
    """An index file. Not for two processes at once: the second waits."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        path.chmod(0o600)
        for setting in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
            self._db.execute(f"PRAGMA {setting}")
        if self._db.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            self._remake()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def update(self, store: SegmentStore, ring: KeyRing) -> int:
        """Take in what the logs have that the index has not; how many entries that was.

        A log that is not the one the index was made from is taken in anew. Raises LedgerError.
        """
        return sum(self._update(LogReader(store, ring, log), log, store) for log in store.logs())

    def by_produce_id(self, produce_id: str) -> list[Traced]:
        """Entries whose decision names this content number, in order."""
        return self._found("e.produce_id = ?", (produce_id,))

    def by_user(self, token: str) -> list[Traced]:
        """Entries of a person's acts, and logged records about them."""
        return self._found("e.user = ?", (token,))

    def by_subject(self, token: str) -> list[Traced]:
        """Entries in which this person is edited, and logged records about them."""
        return self._found(
            "(e.log, e.idx) IN (SELECT log, idx FROM subject WHERE token = ?)", (token,)
        )

    def by_object(self, sha256: str) -> list[Traced]:
        """Entries that released an object of these bytes."""
        return self._found(
            "(e.log, e.idx) IN (SELECT log, idx FROM object WHERE sha256 = ?)", (sha256,)
        )

    def by_time(self, start_ms: int, end_ms: int) -> list[Traced]:
        """Entries of events of this time, the end not included; no records, of which there may be millions."""
        return self._found(
            "e.event_time >= ? AND e.event_time < ? AND e.action NOT IN ('recorded', 'absent')",
            (start_ms, end_ms),
        )

    def children(self, log: int, index: int) -> list[Traced]:
        """Entries that followed a pass of this one."""
        return self._found("e.parent_log = ? AND e.parent = ?", (log, index))

    def revisions(self, root: str) -> list[Traced]:
        """All entries on one act."""
        return self._found("e.root = ?", (root,))

    def named(self, key: str) -> list[Traced]:
        """Records of rules under this key, of whatever topic."""
        return self._found("e.event_id = ? AND e.action = 'recorded'", (key,))

    def at(self, log: int, index: int) -> Traced | None:
        """One entry."""
        return next(iter(self._found("e.log = ? AND e.idx = ?", (log, index))), None)

    def put(self, rows: Iterable[Taken]) -> None:
        """Write rows, all or none; ``update`` takes them from the logs."""
        with self._at_once():
            self._write(rows)

    def forget(self, user: str) -> None:
        """Take a person's token out, wherever it stands, and what led from their files and subjects to them.

        What is left is what an index has that is made anew: an entry's clear header.
        """
        self._db.execute("BEGIN IMMEDIATE")
        for table in ("subject", "object"):
            self._db.execute(
                f"DELETE FROM {table} WHERE (log, idx) IN (SELECT log, idx FROM entry WHERE user = ?)",
                (user,),
            )
        self._db.execute("DELETE FROM subject WHERE token = ?", (user,))
        self._db.execute("UPDATE entry SET user = NULL, generation = NULL WHERE user = ?", (user,))
        self._db.execute("COMMIT")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _found(self, where: str, values: Sequence[Any]) -> list[Traced]:
        rows = self._db.execute(
            "SELECT e.log, e.idx, e.event_time, e.tenant, e.event_id, e.action, e.root, e.produce_id,"
            f" e.user, e.generation, e.parent_log, e.parent FROM entry e WHERE {where} ORDER BY 3, 1, 2",
            values,
        )
        return [
            Traced._make((*row[:10], None if row[11] is None else (row[10], row[11])))
            for row in rows
        ]

    def _remake(self) -> None:
        for (name,) in self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            self._db.execute(f"DROP TABLE {name}")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    def _update(self, reader: LogReader, log: int, store: SegmentStore) -> int:
        head = reader.find_head()
        at, known = self._db.execute(
            "SELECT next, hash FROM done WHERE log = ?", (log,)
        ).fetchone() or (0, None)
        if at > head or (at and reader.receipt(at - 1).hash != known):
            self._drop(log)
            at = 0
        begun = at
        while at < head:
            end = min(head, at + _BATCH)
            # Read once it is ours alone: an erasure in between would be undone by what was read before it.
            with self._at_once():
                taken = (self._take(reader, index) for index in range(at, end))
                self._write(one for one in taken if one is not None)
                self._db.execute(
                    "INSERT OR REPLACE INTO done VALUES (?, ?, ?)",
                    (log, end, reader.receipt(end - 1).hash),
                )
            at = end
        return head - begun

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """All that is written in it, or nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    def _write(self, rows: Iterable[Taken]) -> None:
        taken = list(rows)
        for name, of in (("subject", 1), ("object", 2)):
            self._db.executemany(
                f"INSERT OR IGNORE INTO {name} VALUES (?, ?, ?)",
                [(known, *row.entry[:2]) for row in taken for known in row[of]],
            )
        self._db.executemany(
            "INSERT OR REPLACE INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            [row.entry for row in taken],
        )

    def _drop(self, log: int) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for table in ("entry", "subject", "object", "done"):
            self._db.execute(f"DELETE FROM {table} WHERE log = ?", (log,))
        self._db.execute("COMMIT")

    def _take(self, reader: LogReader, index: int) -> Taken | None:
        log = reader.log_id
        try:
            entry = reader.read(index)
            header, content = entry.header, unpack(entry.content)
        except KeyErased:
            header, content = reader.header(index), None
        except EntryExpired:
            return None  # what the index knew of it stays
        passage = None if content is None else passage_of(content)
        decision = (content and content.decision) or {}
        cites, subjects = None, []
        if passage is not None:
            identity = passage.verdict("identity") or {}
            cites = identity.get("facts", {}).get("cites")
            subjects = [] if passage.event.stub else [one.token for one in passage.event.subjects]
        user = decision.get("user")
        if content is not None and header.get("action") == RECORDED:
            # Whom a record is about may be a user or an edited person: found as either.
            person = reader.person(index, header["kid"])
            user = None if person == NO_USER else person
            subjects = [] if user is None else [user]
        parent = (cites[0], cites[1]) if cites else (None, None)
        row = (
            log, index, header["recorded_at"], header.get("event_time"), header.get("tenant"),
            header.get("event_id"), header.get("action"), header["root"], header.get("produce_id"),
            user, decision.get("generation"), *parent,
        )  # fmt: skip
        return Taken(row, subjects, [one["sha256"] for one in decision.get("objects", ())])


def passage_of(content: Content) -> Passage | None:
    """The passage an entry holds; None for one that holds none (a range never read)."""
    try:
        return Passage.parse(content.passage, content.key)
    except PassageError:
        return None
