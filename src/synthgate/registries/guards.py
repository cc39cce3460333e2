"""What penalties wait for: ``guards``, key partition/subject, written by incidents (house policy)."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from synthgate.events.facts import GuardRow
from synthgate.registries.entries import RocksEntries
from synthgate.registries.table import Table


class Guards(Table[GuardRow]):
    """Surges of refusals, by what they rest on; every incidents worker knows those of all partitions."""

    topic = "guards"
    ours = True

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        super().__init__(store)
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        self._unread: set[str] = set()

    def added(self, key: str) -> None:
        """Index rows by subject."""
        self._of[key.partition("/")[2]].add(key)

    def removed(self, key: str) -> None:
        """Drop a row from the index."""
        self._of[key.partition("/")[2]].discard(key)

    def seen(self, subject: str) -> list[GuardRow]:
        """The last surge of a subject each partition has seen.

        A row nobody can read pauses nothing: the partition that saw the surge says it again (``owed``).
        """
        rows = [self.permitted(key) for key in self._of.get(subject, ())]
        return [row for row in rows if row is not None]

    def apply(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; one without an offset was decided here, and is owed until it is read."""
        super().apply(partition, offset, key, value)
        name = (key or b"").decode(errors="surrogateescape")
        (self._unread.add if offset < 0 else self._unread.discard)(name)

    def owed(self, partition: int) -> Iterator[GuardRow]:
        """Rows of a partition to be said again: not read yet, or behind them stands what nobody can read."""
        for key in sorted(self._unread.union(self.unreadable)):
            entry = self._entries.get(key)
            if entry is None or entry.partition != partition:
                continue
            broken = self._broken.get(key, {}).keys()
            if not broken:
                yield entry.row
            elif broken == {partition}:
                yield entry.row.model_copy(update={"version": entry.row.version + 1})

    def strictness(self, row: GuardRow) -> tuple[Any, ...]:
        """The later surge."""
        return (row.since, row.users)
