"""Cases nothing more is due on, out of memory: found again when somebody asks, or when the case goes on.

SQLite in a file without a name, made from the ``cases`` topic like the rest of the view and gone with the
process. In memory is left what a miss is told by: about 100 bytes a case, where a row takes kilobytes.
"""

import os
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from synthgate.events.decision import CaseRow

_ONCE: Final = ("journal_mode=MEMORY", "synchronous=OFF", "locking_mode=EXCLUSIVE")
"""Nothing of it outlives the process, so nothing need survive a crash; a row without room harms no other."""

_RESTING: Final = """id >= 'content/' AND id < 'content0' AND (instr(row, '"waits":')
 OR instr(row, '"case.resumed"') OR json_extract(row, '$.detail.rests.library') > ?)"""


class Settled:
    """Rows by case. folder: where the file is made, once the first row comes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._at: dict[int, int] = {}
        self._made: set[int] = set()
        self._open: sqlite3.Connection | None = None

    def put(self, partition: int, row: CaseRow) -> bool:
        """Keep a row in place of any older one; False if there was no room: then nothing has changed."""
        values = (row.case, row.version, row.model_dump_json())
        try:
            self._table(partition).execute(
                f"INSERT OR REPLACE INTO p{partition} VALUES (?, ?, ?)", values
            )
        except (OSError, sqlite3.OperationalError):
            return False
        self._at[hash(row.case)] = partition
        return True

    def get(self, case: str) -> CaseRow | None:
        """A row, or None."""
        held = self._found("row", case)
        return None if held is None else CaseRow.model_validate_json(str(held))

    def version(self, case: str) -> int | None:
        """The version of a row, or None: cheaper than the row."""
        held = self._found("version", case)
        return None if held is None else int(held)

    def where(self, case: str) -> int | None:
        """The partition a row lives on, or None."""
        return None if self.version(case) is None else self._at[hash(case)]

    def resting(
        self, partition: int, after: int | None, besides: Collection[str] = ()
    ) -> Iterator[CaseRow]:
        """Content cases of a partition that wait or waited, or rest on a library after this version.

        Of years of others none is read; nor is one of ``besides``, by its id.
        """
        if partition not in self._made:
            return
        asked = f"SELECT id, row FROM p{partition} WHERE {_RESTING}"
        for case, row in self._table(partition).execute(asked, (after,)):
            if case not in besides:
                yield CaseRow.model_validate_json(row)

    def take(self, case: str) -> None:
        """Keep it no longer: it goes on."""
        partition = self._at.pop(hash(case), None)
        if partition is not None:
            self._table(partition).execute(f"DELETE FROM p{partition} WHERE id = ?", (case,))

    def drop(self, partition: int) -> None:
        """Forget all of a partition."""
        if partition in self._made:
            self._made.discard(partition)
            self._table().execute(f"DROP TABLE p{partition}")
            self._at = {name: at for name, at in self._at.items() if at != partition}

    def _found(self, column: str, case: str) -> str | int | None:
        partition = self._at.get(hash(case))
        if partition is None:
            return None
        asked = f"SELECT {column} FROM p{partition} WHERE id = ?"
        found = self._table(partition).execute(asked, (case,)).fetchone()
        return None if found is None else found[0]

    def _table(self, partition: int | None = None) -> sqlite3.Connection:
        if self._open is None:
            self._open = _unnamed(self._folder)
        if partition is not None and partition not in self._made:
            # With rowids: without them a row of this length takes twice as long and a page more.
            self._open.execute(
                f"CREATE TABLE p{partition}(id TEXT PRIMARY KEY, version INTEGER, row TEXT)"
            )
            self._made.add(partition)
        return self._open


def _unnamed(folder: Path) -> sqlite3.Connection:
    """A database whose file has lost its name already: kill -9 leaves nothing behind."""
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix="cases-", dir=folder)
    os.close(handle)
    opened = sqlite3.connect(name, isolation_level=None)
    for setting in _ONCE:
        opened.execute(f"PRAGMA {setting}")
    Path(name).unlink()
    return opened
