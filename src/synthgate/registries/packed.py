"""Rows in memory as the bytes they came in; those asked for last are kept parsed.

A parsed row takes some 4 KB, its bytes a tenth of that, and reading it again costs a few microseconds. So a
copy with a row for each person is kept packed, in memory as on disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from synthgate.events.rows import Row

R = TypeVar("R", bound=Row)
CACHED_MAX: Final = 50_000
"""Rows of one table kept parsed."""


@dataclass(slots=True)
class Entry(Generic[R]):
    """The best row of a key, and where it was last seen. raw: its bytes, if it stands as it came."""

    row: R
    partition: int
    offset: int
    raw: bytes | None = None
    seen: Any = None
    """What a table made of the row, to be asked for again."""

    def pack(self) -> bytes:
        """Place and row as they are kept; the bytes it came in are let go."""
        raw, self.raw = self.raw, None
        if raw is None:
            raw = self.row.model_dump_json(exclude_defaults=True).encode()
        return b"%d %d %b" % (self.partition, self.offset, raw)


class Parsed(Generic[R]):
    """Entries out of packed ones, by key. Whoever keeps them packed says where a key's bytes are."""

    def __init__(self, model: type[R]) -> None:
        self._model = model
        self._cached: dict[str, Entry[R]] = {}

    def get(self, key: str, /) -> Entry[R] | None:
        """The entry of a key, or None."""
        found = self._cached.get(key)
        if found is None:
            packed = self._packed(key)
            if packed is None:
                return None
            found = self._parsed(packed)
            self._keep(key, found)
        return found

    def _packed(self, key: str) -> bytes | None:
        raise NotImplementedError

    def _parsed(self, packed: bytes) -> Entry[R]:
        partition, offset, text = packed.split(b" ", 2)
        return Entry(self._model.model_validate_json(text), int(partition), int(offset))

    def _keep(self, key: str, entry: Entry[R]) -> None:
        if len(self._cached) >= CACHED_MAX:
            for old in list(self._cached)[: CACHED_MAX // 10]:
                del self._cached[old]
        self._cached[key] = entry


class PackedEntries(Parsed[R]):
    """Rows of one topic in memory."""

    def __init__(self, model: type[R]) -> None:
        super().__init__(model)
        self._rows: dict[str, bytes] = {}

    def _packed(self, key: str) -> bytes | None:
        return self._rows.get(key)

    def __setitem__(self, key: str, entry: Entry[R], /) -> None:
        """Put an entry."""
        self._rows[key] = entry.pack()
        if key in self._cached:
            self._cached[key] = entry

    def __delitem__(self, key: str, /) -> None:
        """Take an entry out."""
        del self._rows[key]
        self._cached.pop(key, None)

    def __contains__(self, key: object, /) -> bool:
        """Whether a key is there."""
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def items(self) -> Iterator[tuple[str, Entry[R]]]:
        """All of them, with their keys."""
        for key, packed in self._rows.items():
            yield key, self._cached.get(key) or self._parsed(packed)
