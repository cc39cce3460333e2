"""Labelled objects in a bucket: what ``LocalObjects`` is in a folder, under the same names."""

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

from synthgate.bucket import Absent, Bucket
from synthgate.effects.objects import WrongName, is_name

AT_ONCE: Final = 16
"""Objects of a batch that are put, read or asked for at once."""
AHEAD_S: Final = 5.0


class BucketObjects:
    """Immutable names below a prefix. Several processes may share it. Raises Waiting as Objects says."""

    far = True

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._read: dict[str, tuple[float, bytes | None]] = {}
        self._asked: dict[str, tuple[float, bool]] = {}
        self._lock = Lock()

    def ahead(self, read: Collection[str] = (), ask: Collection[str] = ()) -> None:
        """Many at once. What is answered from it is no older than a batch is under way anyhow."""
        if not read and not ask:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(read) + len(ask))) as pool:
            data, there = pool.map(self._get, read), pool.map(self._exists, ask)
            found, known = dict(zip(read, data, strict=True)), dict(zip(ask, there, strict=True))
        now = time.monotonic()
        with self._lock:
            self._read = {name: held for name, held in self._read.items() if held[0] > now}
            self._asked = {name: held for name, held in self._asked.items() if held[0] > now}
            self._read |= {name: (now + AHEAD_S, value) for name, value in found.items()}
            self._asked |= {name: (now + AHEAD_S, value) for name, value in known.items()}

    def put_all(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Create objects, all durable on return; names that stand for other bytes are returned."""
        for name in objects:
            if not is_name(name):
                raise WrongName(f"not a name of this store: {name[:80]!r}")
        try:
            if len(objects) < 2:
                made = [self._bucket.create(name, data) for name, data in objects.items()]
            else:
                with ThreadPoolExecutor(min(AT_ONCE, len(objects))) as pool:
                    made = list(pool.map(self._bucket.create, objects, objects.values()))
        finally:
            self._changed(objects)
        return frozenset(name for name, ours in zip(objects, made, strict=True) if not ours)

    def _changed(self, names: Iterable[str]) -> None:
        """What was answered of these ahead does not hold any more."""
        with self._lock:
            for name in names:
                self._read.pop(name, None)
                self._asked.pop(name, None)

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, or None if there is none of that name."""
        until, data = self._read.get(name, (0.0, None))
        return data if until > time.monotonic() else self._get(name)

    def _get(self, name: str) -> bytes | None:
        try:
            return self._bucket.get(name) if is_name(name) else None
        except Absent:
            return None

    def remove(self, name: str) -> bool:
        """Remove an object for good; whether it was there."""
        there = self._exists(name)
        if there:
            try:
                self._bucket.remove(name)
            finally:
                self._changed((name,))
        return there

    def names(self, log: int) -> Iterator[tuple[str, int]]:
        """Every name among the objects of a log, with its size in bytes."""
        for one in self._bucket.names(f"{log}/"):
            yield f"{log}/{one.name}", one.size

    def every(self) -> Iterator[str]:
        """Every name there is."""
        return (one.name for one in self._bucket.names() if is_name(one.name))

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there."""
        until, there = self._asked.get(name, (0.0, False))
        return there if until > time.monotonic() else self._exists(name)

    def _exists(self, name: str) -> bool:
        return is_name(name) and self._bucket.size(name) is not None
