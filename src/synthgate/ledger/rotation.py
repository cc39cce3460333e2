"""Rotation: every key file under the current master key, so that an older one can go.

Off the hot path, beside running owners. Each file is one step and a file is never between two states: its
``.wrap`` is replaced whole; one of version 1 is made new under the lock that erasure takes, so no erased
row comes back. Stopped anywhere, with both masters at hand nothing is lost, and the next run goes on.
"""

import secrets
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.crypto.masters import Masters
from synthgate.ledger import keyfile
from synthgate.ledger.errors import KeyLost, StoreFailed, StoreFull
from synthgate.ledger.files import FULL, FileOps


@dataclass(slots=True)
class Rotated:
    """What was done. ``under``: master id to how many files it holds now. ``lost``: why a file stays shut."""

    wrapped: int = 0
    made_new: int = 0
    under: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)


def rotate(
    folder: Path, masters: Masters, ops: FileOps | None = None, *, dry: bool = False
) -> Rotated:
    """Bring every file under the current master. ``dry``: only say what is under which.

    Raises WrongMasterKey where a master is not at hand, StoreFull, StoreFailed: run it again.
    """
    ops = ops or FileOps()
    done = Rotated()
    if not dry:
        for left in folder.glob("*.tmp"):
            with suppress(OSError):
                ops.unlink(left)
    for path in sorted(folder.glob("*.keys")):
        if keyfile.FILE.fullmatch(path.stem) is None:
            continue
        try:
            found = keyfile.file_key(path, masters)
            if not dry and (found.version == 1 or found.master != masters.current):
                _one(path, found, masters, ops, done)
                found = keyfile.file_key(path, masters)
            done.under[found.master] += 1
        except KeyLost as error:
            done.lost.append(str(error))
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot rotate {path}: {error.strerror}") from error
    return done


def _one(path: Path, found: keyfile.FileKey, masters: Masters, ops: FileOps, done: Rotated) -> None:
    if found.version == 2:
        keyfile.replace(
            path.with_suffix(".wrap"), keyfile.encode_wrap(path, found.key, masters), ops
        )
        done.wrapped += 1
        return
    fresh = secrets.token_bytes(keyfile.KEY_BYTES)
    wrap = keyfile.encode_wrap(path, fresh, masters)
    with keyfile.locked(path.parent):
        if not keyfile.is_of(path, found):
            return  # another rotation was first
        rows = _rows_again(path, AESGCM(found.key), AESGCM(fresh))
        keyfile.replace(
            path.with_suffix(".wrap"), wrap, ops
        )  # a file of version 1 does not look at it
        keyfile.replace(path, keyfile.encode_keys(path.stem, fresh, rows), ops)
    done.made_new += 1


def _rows_again(path: Path, old: AESGCM, new: AESGCM) -> list[bytes]:
    """Every row under another key; what was erased stays erased. Raises KeyLost."""
    rows = []
    for row in range(keyfile.ROWS):
        stored = keyfile.read(path, keyfile.row_start(row), keyfile.ROW_BYTES)
        if stored != keyfile.ERASED:
            kid = f"{path.stem}:{row}"
            stored = keyfile.wrap_row(
                new, kid, keyfile.unwrap_row(old, kid, stored, f"row {row} of {path}")
            )
        rows.append(stored)
    return rows
