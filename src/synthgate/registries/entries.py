"""Where a table keeps its rows: in memory, or in a local RocksDB that outlives the process.

RocksDB is the ``rocksdb`` extra. What is put is seen at once and written with the positions it was read up to,
in one batch: after kill -9 a store holds exactly what its positions say. A store made by another release's row
model, or for another epoch of the topics, is forgotten and built anew.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from synthgate.registries.packed import Entry, Parsed, R

_EXTRA: Final = 'store = "rocksdb" needs the extra: pip install "synthgate[rocksdb]"'
_BLOOM_BITS: Final = 10
"""Bits a key: one in a hundred keys that are not there costs a read of the disk's block."""
_CACHE_BYTES: Final = 128 << 20
_META: Final = b"\x00meta"
"""Before every key: no key begins with a zero byte."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What a store was left with. positions: read up to there, by partition; at: Unix ms of the last saving.

    late: what was to be said again, by partition and key (``late.py``).
    """

    positions: Mapping[int, int]
    at: int
    broken: Mapping[str, Mapping[int, int]]
    late: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


class StoreError(Exception):
    """A local store cannot be opened; the sentence says why and how to mend it."""


class Entries(Protocol[R]):
    """Rows by key; a plain dict will do. A store that lasts also has what ``Lasting`` asks for."""

    def get(self, key: str, /) -> Entry[R] | None:
        """The entry of a key, or None."""

    def __setitem__(self, key: str, entry: Entry[R], /) -> None:
        """Put an entry."""

    def __delitem__(self, key: str, /) -> None:
        """Take an entry out."""

    def __contains__(self, key: object, /) -> bool:
        """Whether a key is there."""

    def __len__(self) -> int:
        """How many there are."""

    def items(self) -> Any:
        """All of them, with their keys."""


class RocksEntries(Parsed[R]):
    """Rows of one topic in a folder of its own; one process at a time."""

    def __init__(self, folder: Path, model: type[R], epoch: int) -> None:
        """Raises StoreError: RocksDB is not installed, the folder is in use or cannot be read."""
        super().__init__(model)
        self._folder = folder
        form = orjson.dumps([1, epoch, model.model_json_schema()], option=orjson.OPT_SORT_KEYS)
        self._form = hashlib.sha256(form).hexdigest()
        self._pending: dict[str, bytes | None] = {}
        self._count = 0
        self._db: Any = None
        self.saved: Saved | None = None
        self._open()

    def _open(self) -> None:
        self._db = _database(self._folder)
        meta = self._db.get(_META)
        row = None if meta is None else json.loads(meta)
        if row is None:
            return
        if row["form"] != self._form:
            self.forget()
            return
        broken = {key: _whole(offsets) for key, offsets in row["broken"].items()}
        late = {int(p): keys for p, keys in row.get("late", {}).items()}
        self.saved = Saved(_whole(row["positions"]), row["at"], broken, late)
        self._count = row["count"]

    def _packed(self, key: str) -> bytes | None:
        if key in self._pending:
            return self._pending[key]
        if not self._count:
            return None
        found: bytes | None = self._db.get(_bytes(key))
        return found

    def __setitem__(self, key: str, entry: Entry[R], /) -> None:
        """Put an entry."""
        if key not in self:
            self._count += 1
        self._pending[key] = entry.pack()
        if key in self._cached:
            self._cached[key] = entry

    def __delitem__(self, key: str, /) -> None:
        """Take an entry out."""
        if key in self:
            self._count -= 1
        self._pending[key] = None
        self._cached.pop(key, None)

    def __contains__(self, key: object, /) -> bool:
        """Whether a key is there."""
        if key in self._pending:
            return self._pending[str(key)] is not None
        return key in self._cached or self._db.get(_bytes(str(key))) is not None

    def __len__(self) -> int:
        return self._count

    def items(self) -> Iterator[tuple[str, Entry[R]]]:
        """All of them, by key."""
        return self.under("")

    def under(self, prefix: str) -> Iterator[tuple[str, Entry[R]]]:
        """Those whose key begins so, by key."""
        start = _bytes(prefix)
        found: dict[str, bytes | None] = {}
        iterator = self._db.iter()
        iterator.seek(start or b"\x01")
        while iterator.valid() and (raw := iterator.key()).startswith(start):
            found[raw.decode(errors="surrogateescape")] = iterator.value()
            iterator.next()
        found |= {key: raw for key, raw in self._pending.items() if key.startswith(prefix)}
        for key in sorted(found):
            raw = found[key]
            if raw is not None:
                yield key, self._cached.get(key) or self._parsed(raw)

    def save(
        self, positions: Mapping[int, int], at: int, broken: Mapping[str, Any],
        late: Mapping[int, Mapping[str, int]],
    ) -> None:  # fmt: skip
        """Write what was put since the last time, with how far was read, in one batch."""
        from rocksdict import WriteBatch

        batch = WriteBatch(raw_mode=True)
        for key, raw in self._pending.items():
            if raw is None:
                batch.delete(_bytes(key))
            else:
                batch.put(_bytes(key), raw)
        meta = {
            "form": self._form, "positions": {str(p): o for p, o in positions.items()}, "at": at,
            "count": self._count,
            "broken": {k: {str(p): o for p, o in places.items()} for k, places in broken.items()},
            "late": {str(p): keys for p, keys in late.items()},
        }  # fmt: skip
        batch.put(_META, json.dumps(meta).encode())  # keys nobody can read need not be Unicode
        self._db.write(batch)
        self._pending.clear()
        places = {key: dict(offsets) for key, offsets in broken.items()}
        self.saved = Saved(dict(positions), at, places, late)

    def forget(self) -> None:
        """Empty the store."""
        self._db.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._pending.clear()
        self._cached.clear()
        self._count, self.saved = 0, None
        self._db = _database(self._folder)

    def close(self) -> None:
        """Let the folder go."""
        self._db.close()


def raw_pairs(folder: Path) -> Iterator[tuple[bytes, bytes]]:
    """Every key and value of a store, as a reader that disturbs no worker.

    Raises:
        StoreError: RocksDB is not installed.
    """
    try:
        from rocksdict import AccessType, Options, Rdict
    except ModuleNotFoundError:
        raise StoreError(_EXTRA) from None
    database = Rdict(str(folder), Options(raw_mode=True), access_type=AccessType.read_only())
    iterator = database.iter()
    iterator.seek_to_first()
    while iterator.valid():
        yield iterator.key(), iterator.value()
        iterator.next()
    database.close()


def _bytes(key: str) -> bytes:
    return key.encode(errors="surrogateescape")


def _whole(places: Mapping[str, int]) -> dict[int, int]:
    return {int(partition): offset for partition, offset in places.items()}


@cache
def _cache() -> Any:
    """One for all stores of the process."""
    from rocksdict import Cache

    return Cache(_CACHE_BYTES)


def _database(folder: Path) -> Any:
    try:
        from rocksdict import BlockBasedOptions, Options, Rdict
    except ModuleNotFoundError:
        raise StoreError(_EXTRA) from None
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003 (the library's setter)
    tables = BlockBasedOptions()
    tables.set_bloom_filter(_BLOOM_BITS, False)  # noqa: FBT003 (against nobody's account no row stands)
    tables.set_block_cache(_cache())
    options.set_block_based_table_factory(tables)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Rdict(str(folder), options)
    except OSError as error:
        raise StoreError(f"store {folder}: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 (the library knows one kind of exception)
        if "lock" in str(error).lower():
            raise StoreError(
                f"store {folder} is in use: give each worker an `instance` of its own"
            ) from None
        raise StoreError(
            f"store {folder} cannot be opened: move the folder away, it is built anew from its topic"
        ) from None
