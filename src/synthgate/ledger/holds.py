"""Legal holds: what they cover is neither expired nor erased until they are released.

One JSON file, a list of rows, replaced whole. A file that cannot be read holds everything.
"""

import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthgate.ledger.errors import LedgerError
from synthgate.ledger.expiry import Hold
from synthgate.ledger.files import FileOps


class HoldsUnreadable(LedgerError):
    """The file of holds is damaged: nothing may go until it is mended."""


class Holds:
    """The holds of an installation. Raises HoldsUnreadable, OSError."""

    def __init__(self, path: Path, ops: FileOps | None = None) -> None:
        self.path = path
        self._ops = ops or FileOps()

    def rows(self) -> list[dict[str, Any]]:
        """Holds as they were placed: name, user (token) or None, log or None, by, reason, at (ms)."""
        try:
            found = json.loads(self.path.read_bytes())
            for row in found:
                Hold(str(row["name"]), row["user"], row["log"])
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, KeyError) as error:
            raise HoldsUnreadable(
                f"{self.path} is no list of holds: mend it; nothing goes"
            ) from error
        return list(found)

    def all(self) -> list[Hold]:
        """The holds that stand."""
        return [Hold(row["name"], row["user"], row["log"]) for row in self.rows()]

    def place(self, row: dict[str, Any]) -> None:
        """Add one, durably. ValueError if the name is taken."""
        rows = self.rows()
        if any(known["name"] == row["name"] for known in rows):
            raise ValueError(f"a hold {row['name']} stands already")
        self._replace([*rows, row])

    def release(self, name: str) -> None:
        """Take one away. ValueError if there is none of this name."""
        rows = self.rows()
        left = [row for row in rows if row["name"] != name]
        if len(left) == len(rows):
            raise ValueError(f"there is no hold {name}")
        self._replace(left)

    def _replace(self, rows: Sequence[dict[str, Any]]) -> None:
        self._ops.make_folder(self.path.parent)
        temporary = self.path.with_suffix(f".{secrets.token_hex(4)}.tmp")
        try:
            self._ops.write_whole(
                temporary, json.dumps(rows, ensure_ascii=False, indent=1).encode()
            )
            self._ops.rename(temporary, self.path)
            self._ops.sync_folder(self.path.parent)
        finally:
            temporary.unlink(missing_ok=True)
