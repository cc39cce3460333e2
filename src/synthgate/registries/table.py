"""A full copy of one registry topic, in memory or in a local store: what is known by key, read in any order.

Highest version wins, the stricter row on a tie, so rows may be applied again and in any order. A tombstone
erases what stood before it in its partition (a key lives in one partition; a copy is read in offset order).

A row that cannot be read makes its key unreadable until a readable row follows it that is no older than the
best one known. ``held`` then answers ``UNREADABLE``: deciding code forbids on a topic that forbids, and gets
nothing from one that permits (the typed look-ups of permitting registries answer None).
"""

import math
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, Final, Generic, Self, TypeAlias, TypeVar

from synthgate.events.event import time_ms
from synthgate.events.facts import ROWS, Row, key_of
from synthgate.registries.entries import Entries, RocksEntries, Saved
from synthgate.registries.late import Late
from synthgate.registries.packed import Entry, PackedEntries

R = TypeVar("R", bound=Row)


class Unreadable(Enum):
    """The one marker for "something stands here and nobody can read it"."""

    UNREADABLE = "unreadable"


UNREADABLE: Final = Unreadable.UNREADABLE
Held: TypeAlias = R | Unreadable | None


class Table(Generic[R]):
    """Rows of one topic by record key. Subclasses give one registry its typed look-ups.

    unkeyed: records that neither key nor body could place; they forbid nobody and are counted.
    """

    topic: str
    grows: bool = False
    """Whether there is a row for each person or user, so that it is kept packed or in a local store."""
    ours: bool = False
    """Whether a worker writes it, so that a late word of one taken for dead is to be said over (``late``)."""

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        self.unkeyed = 0
        self.late = Late({} if store is None or store.saved is None else store.saved.late)
        self._model: type[Row] = ROWS[self.topic]
        self._store = store
        self._entries: Entries[R] = store if store is not None else self._in_memory()
        self._broken: dict[str, dict[int, int]] = {}
        if store is not None and store.saved is not None:
            self._broken = {key: dict(places) for key, places in store.saved.broken.items()}

    @property
    def saved(self) -> Saved | None:
        """What the local store was left with; None in memory, or if it is empty."""
        return None if self._store is None else self._store.saved

    def save(self, positions: Mapping[int, int], at: int) -> None:
        """Keep what was applied, read up to these positions at this time (Unix ms); in memory nothing."""
        if self._store is not None:
            self._store.save(positions, at, self._broken, self.late.every())

    def close(self) -> None:
        """Let a local store go."""
        if self._store is not None:
            self._store.close()

    def forgotten(self) -> Self:
        """The same table with nothing in it."""
        if self._store is not None:
            self._store.forget()
        return type(self)(self._store)

    def apply(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record of the topic. Never raises: what cannot be read is remembered as such."""
        name = None if key is None else key.decode(errors="surrogateescape")
        if value is None:
            if name is not None:
                self._erase(name, partition, offset)
            return
        row = self._read(name, value)
        if row is None and name is None:
            self.unkeyed += 1
        elif row is None:
            self._mark_broken(str(name), partition, offset)
        else:
            place = Entry(row, partition, offset, value)
            self._take(key_of(self.topic, row) if name is None else name, place)

    def held(self, key: str) -> Held[R]:
        """The row of a key, UNREADABLE, or None if nothing stands there."""
        if self._broken and self._is_broken(key):
            return UNREADABLE
        entry = self._entries.get(key)
        return None if entry is None else entry.row

    def permitted(self, key: str) -> R | None:
        """The row of a key on a topic that permits: what cannot be read gives nothing."""
        row = self.held(key)
        return None if row is UNREADABLE else row

    def read_back(self, key: str) -> bool:
        """Whether the row of a key came from the topic: what was decided here alone may never get there."""
        entry = self._entries.get(key)
        return entry is not None and entry.offset >= 0

    def overspoken(self, partition: int) -> Iterator[R]:
        """Rows of a partition behind which another owner's late word stands, to be said again.

        Each until it was read again: what a batch says is thrown away if the batch must wait. Of rows of one
        version with different contents the next version is said.
        """
        for key, version in self.late.of(partition).items():
            row = self.permitted(key)
            if row is not None:
                yield row.model_copy(update={"version": max(row.version, version + 1)})

    def rows(self) -> Iterator[R]:
        """Every readable row."""
        return (row for _, row in self.pairs())

    def pairs(self) -> Iterator[tuple[str, R]]:
        """Every readable row with its key."""
        for key, entry in self._entries.items():
            if not (self._broken and self._is_broken(key)):
                yield key, entry.row

    @property
    def unreadable(self) -> tuple[str, ...]:
        """Keys that cannot be read now, for the alert."""
        return tuple(sorted(key for key in self._broken if self._is_broken(key)))

    def __len__(self) -> int:
        return len(self._entries)

    def strictness(self, row: R) -> tuple[Any, ...]:
        """How strict a row is, for a tie of versions: the greater is kept."""
        raise NotImplementedError

    def readable(self, row: R) -> bool:
        """Whether a well-formed row also makes sense on this topic."""
        return True

    def fits(self, name: str, row: R) -> bool:
        """Whether a row may stand under this key."""
        return key_of(self.topic, row) == name

    def merge(self, held: R, new: R) -> R:
        """What stands after two rows of one key: commutative, associative, the same twice over."""
        return max(held, new, key=self._rank) if held != new else held

    def added(self, key: str) -> None:
        """A key is known for the first time (readable or not)."""

    def removed(self, key: str) -> None:
        """A key was erased."""

    def _rank(self, row: R) -> tuple[Any, ...]:
        return (row.version, self.strictness(row), row.model_dump_json())

    def _read(self, name: str | None, value: bytes) -> R | None:
        """The row, or None if it cannot be read or stands under another row's key."""
        try:
            row: Any = self._model.model_validate_json(value)
        except (ValueError, OverflowError):
            return None
        if name is not None and not self.fits(name, row):
            return None
        return row if self.readable(row) else None

    def _in_memory(self) -> Entries[R]:
        model: Any = self._model
        return PackedEntries(model) if self.grows else {}

    def _take(self, key: str, came: Entry[R]) -> None:
        entry = self._entries.get(key)
        merged = came.row if entry is None else self.merge(entry.row, came.row)
        if self.ours and came.offset >= 0:
            # What was decided here and is not on the topic yet has no offset.
            holds = merged is came.row or merged == came.row
            self.late.noted(came.partition, key, came.row.version, holds=holds)
        if entry is None:
            self._entries[key] = came
            self.added(key)
            return
        if merged == came.row and came.row != entry.row:
            self._entries[key] = came
        elif merged != entry.row or came.row == entry.row:
            offset = came.offset
            if came.partition == entry.partition:
                offset = max(offset, entry.offset)
            self._entries[key] = Entry(merged, came.partition, offset)

    def _erase(self, key: str, partition: int, offset: int) -> None:
        entry = self._entries.get(key)
        if entry is not None and entry.partition == partition and entry.offset <= offset:
            del self._entries[key]
        broken = self._broken.get(key)
        if broken is not None and broken.get(partition, offset + 1) <= offset:
            del broken[partition]
            if not broken:
                del self._broken[key]
        if key not in self._entries and key not in self._broken:
            self.removed(key)

    def _mark_broken(self, key: str, partition: int, offset: int) -> None:
        broken = self._broken.setdefault(key, {})
        broken[partition] = max(offset, broken.get(partition, -1))
        if key not in self._entries:
            self.added(key)

    def _is_broken(self, key: str) -> bool:
        """Not mended: no best row behind the last unreadable one, in the same partition."""
        broken = self._broken.get(key)
        if not broken:
            return False
        entry = self._entries.get(key)
        if entry is None or set(broken) != {entry.partition}:
            return True
        return entry.offset < broken[entry.partition]


def until_ms(moment: str | None) -> float:
    """An end as Unix ms; none stated means for ever."""
    return math.inf if moment is None else time_ms(moment)
