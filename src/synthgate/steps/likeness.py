"""Released pictures by what they look like: from a re-encoded screenshot back to the object that was released.

SQLite, made from the object store and made again when it is gone. A picture is known by its PDQ hash; what is
near is shown with its distance and for a person to judge: likeness proves nothing.
"""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from synthgate.effects.objects import Objects
from synthgate.library.pictures import FLIPS, PictureError, hashes_of

NEAR_MAX: Final = 31
"""Bits of 256 that may differ: PDQ's own bound for the same picture."""
DISTANCE_MAX: Final = 60
"""One with a frame lies beyond that bound; so may another picture."""
SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_NAMED: Final = re.compile(r"-([0-9a-f]{64})\.[a-z0-9.]+$")
_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS picture(name TEXT PRIMARY KEY, sha256 TEXT, pdq BLOB) WITHOUT ROWID"
)
_BATCH: Final = 200


class Like(NamedTuple):
    """A released object a picture looks like. flip: how the asked picture was turned."""

    distance: int
    sha256: str
    name: str
    flip: str


class Likeness:
    """An index file. Not for two processes at once: the second waits."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60, isolation_level=None)
        path.chmod(0o600)
        self._db.execute(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def update(self, objects: Objects) -> int:
        """Take in the pictures the store has that the index has not; drop those that are gone. How many new."""
        there = dict(_pictures(objects))
        known = {name for (name,) in self._db.execute("SELECT name FROM picture")}
        gone = [(name,) for name in known - there.keys()]
        self._db.executemany("DELETE FROM picture WHERE name = ?", gone)
        new = sorted(there.keys() - known)
        for at in range(0, len(new), _BATCH):
            rows = [(name, there[name], _pdq(objects.get(name))) for name in new[at : at + _BATCH]]
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO picture VALUES (?, ?, ?)", rows)
            self._db.execute("COMMIT")
        return len(new)

    def count(self) -> int:
        """Pictures there are to compare with."""
        (found,) = self._db.execute("SELECT count(*) FROM picture WHERE pdq IS NOT NULL").fetchone()
        return int(found)

    def near(self, data: bytes, distance_max: int = DISTANCE_MAX) -> list[Like]:
        """Released pictures that look like these bytes, the nearest first.

        Raises:
            PictureError: no picture, too large, cut off, or without features.
        """
        asked = [int.from_bytes(one) for one in hashes_of(data)]
        found = []
        for name, sha256, pdq in self._db.execute("SELECT * FROM picture WHERE pdq IS NOT NULL"):
            held = int.from_bytes(pdq)
            bits, flip = min(((one ^ held).bit_count(), number) for number, one in enumerate(asked))
            if bits <= distance_max:
                found.append(Like(bits, sha256, name, FLIPS[flip]))
        return sorted(found)


def _pictures(objects: Objects) -> Iterator[tuple[str, str]]:
    """Name and hash of every picture released; the hash stands in the name."""
    for name in objects.every():
        named = _NAMED.search(name)
        if named and name.endswith(SUFFIXES):
            yield name, named[1]


def _pdq(data: bytes | None) -> bytes | None:
    """None: nothing that can be told from anything else."""
    try:
        return None if data is None else hashes_of(data)[0]
    except PictureError:
        return None
