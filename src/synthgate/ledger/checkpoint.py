"""Checkpoints (C2SP tlog-checkpoint): what a log of so many entries hashes to, signed.

A folder per log keeps them: ``published/<size>``, each created once and never changed, and
``checkpoint``, a copy of the newest for C2SP clients. Of those published the newest stays, and the
last one of every hour; each was proved to continue the one before it when it was signed, so what is
thinned out cannot contradict what stays.
"""

import base64
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from synthgate.crypto.notes import NoteError, Verifier, open_note, sign
from synthgate.ledger.errors import (
    CheckpointConflict,
    CheckpointDamaged,
    StoreFailed,
    StoreFull,
)
from synthgate.ledger.files import FULL, FileOps
from synthgate.ledger.merkle import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]*")
_NAME = re.compile(r"[0-9]{16}")
_HOUR_S = 3600


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``origin`` names the log; ``root`` is the Merkle root of its first ``size`` entries."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed text: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(log_name: str, log: int) -> str:
    """A log's origin line, which is also its key name."""
    return f"{log_name}/{log:05d}"


def parse_checkpoint(note: str, verifier: Verifier, where: str) -> Checkpoint:
    """The checkpoint in a note signed by ``verifier``, whose name is the origin expected.

    Raises CheckpointDamaged.
    """
    try:
        text = open_note(note, verifier, where)
    except NoteError as error:
        raise CheckpointDamaged(str(error)) from error
    lines = text.split("\n")
    try:
        origin, size, encoded = lines[:3]
        root = base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise CheckpointDamaged(f"{where}: not a checkpoint") from error
    if _SIZE.fullmatch(size) is None or len(root) != HASH_BYTES or origin != verifier.name:
        raise CheckpointDamaged(f"{where}: not a checkpoint of {verifier.name}")
    return Checkpoint(origin, int(size), root)


class Published:
    """The checkpoints of one log on disk. Raises StoreFailed, CheckpointDamaged."""

    def __init__(self, folder: Path, verifier: Verifier, ops: FileOps | None = None) -> None:
        self.folder = folder
        self.verifier = verifier
        self._ops = ops or FileOps()

    def sizes(self) -> list[int]:
        """The sizes of the checkpoints kept, in order."""
        try:
            names = [path.name for path in (self.folder / "published").iterdir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreFailed(f"cannot list {self.folder}: {error.strerror}") from error
        return sorted(int(name) for name in names if _NAME.fullmatch(name))

    def read(self, size: int) -> Checkpoint:
        """The checkpoint of this size, its signature checked."""
        found = self._parse(self.path(size))
        if found.size != size:
            raise CheckpointDamaged(f"{self.path(size)} speaks of {found.size} entries")
        return found

    def note(self, size: int) -> str:
        """The signed note of this size, as published."""
        return _read(self.path(size))

    def current(self) -> Checkpoint | None:
        """What C2SP clients are told is the newest, None if nothing is."""
        path = self.folder / "checkpoint"
        return self._parse(path) if path.exists() else None

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint, None before the first."""
        sizes = self.sizes()
        return self.read(sizes[-1]) if sizes else None

    def publish(self, checkpoint: Checkpoint, private: bytes) -> None:
        """Sign and keep a checkpoint; durable when this returns. The caller has proved that it
        continues the newest. Raises CheckpointConflict if this size was published with another root.
        """
        note = sign(checkpoint.text(), checkpoint.origin, private).encode()
        path = self.path(checkpoint.size)
        try:
            self._ops.make_folder(path.parent)
            with suppress(FileExistsError):
                self._ops.write_new(path, note, self.folder)
            if self.read(checkpoint.size) != checkpoint:
                raise CheckpointConflict(f"{path} was published with another root")
            self._show(note)
            self._thin()
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot publish {path}: {error.strerror}") from error

    def tidy(self) -> None:
        """Finish what an interrupted process left: temporary files, a copy that is behind."""
        try:
            for path in self.folder.glob("*.tmp"):
                path.unlink(missing_ok=True)
            sizes = self.sizes()
            copy = self.folder / "checkpoint"
            if sizes and (
                not copy.exists() or copy.read_bytes() != self.path(sizes[-1]).read_bytes()
            ):
                self._show(self.path(sizes[-1]).read_bytes())
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot tidy {self.folder}: {error.strerror}") from error

    def _show(self, note: bytes) -> None:
        """Replace the copy that C2SP clients ask for."""
        temporary = self.folder / f"{secrets.token_hex(8)}.tmp"
        try:
            self._ops.write_whole(temporary, note)
            self._ops.rename(temporary, self.folder / "checkpoint")
        finally:
            temporary.unlink(missing_ok=True)

    def path(self, size: int) -> Path:
        """Where the checkpoint of this size lies."""
        return self.folder / "published" / f"{size:016d}"

    def _thin(self) -> None:
        """Of the newest but one and the one before it, in one hour, drop the older."""
        sizes = self.sizes()[-3:]
        if len(sizes) == 3:
            older, newer = (int(self.path(size).stat().st_mtime) // _HOUR_S for size in sizes[:2])
            if older == newer:
                self._ops.unlink(self.path(sizes[0]))

    def _parse(self, path: Path) -> Checkpoint:
        return parse_checkpoint(_read(path), self.verifier, str(path))


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointDamaged(f"{path}: not a signed note") from error
    except OSError as error:
        raise StoreFailed(f"cannot read {path}: {error.strerror}") from error
