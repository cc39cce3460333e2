"""A register: one JSON line an act, each naming the hash of the line before: a change or a gap is seen.

Lines cut off at the end are not: the last line's hash, kept elsewhere, tells. Durable when ``note`` returns.
Whoever gives evidence away notes it here first.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthgate.ledger.errors import LedgerError

_FIRST = "0" * 64


class RegisterDamaged(LedgerError):
    """A line was changed, or one is missing before it; the sentence names it."""


def rows(path: Path) -> list[dict[str, Any]]:
    """Every line, in order, the chain checked; none if there is no such file. Raises RegisterDamaged."""
    try:
        return _checked(_whole_lines(path.read_bytes()), path)[0]
    except FileNotFoundError:
        return []


def note(path: Path, row: Mapping[str, Any]) -> None:
    """Add a line, synced. Raises RegisterDamaged (nothing was added), OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            data = _whole_lines(file.read())
        _, last = _checked(data, path)
        os.ftruncate(fd, len(data))
        rest = memoryview(json.dumps({**row, "prev": last}, ensure_ascii=False).encode() + b"\n")
        while rest:
            rest = rest[os.write(fd, rest) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _whole_lines(data: bytes) -> bytes:
    """Without what a crash left of a line: ``note`` had not returned, so nothing followed from it."""
    return data[: data.rfind(b"\n") + 1]


def _checked(data: bytes, path: Path) -> tuple[list[dict[str, Any]], str]:
    """The lines and the hash that the next one names."""
    found, last = [], _FIRST
    for number, line in enumerate(data.splitlines(keepends=True), 1):
        try:
            row = json.loads(line)
            fits = row["prev"] == last
        except (ValueError, KeyError, TypeError):
            fits = False
        if not fits:
            raise RegisterDamaged(
                f"{path}, line {number}: changed, or a line before it is missing:"
                " restore it from a copy; nothing is given away until then"
            )
        last = hashlib.sha256(line).hexdigest()
        found.append(row)
    return found, last
