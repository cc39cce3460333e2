"""The few file operations on which the ledger's promises rest, each one step a crash can fall
after.

A class so that tests can stop, fail or kill at any step; nothing else has reason to replace it.
"""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)


class FileOps:
    """Plain calls to the operating system. Every method raises OSError and retries nothing."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist, and return its descriptor."""
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def open_existing(self, path: Path) -> int:
        """Open a file for writing in place."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of ``data``; return how much."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Return once the file's bytes are on stable storage."""
        os.fsync(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def link(self, source: Path, target: Path) -> None:
        """Give a file a second name; FileExistsError if the name is taken. Atomic: the fence."""
        target.hardlink_to(source)

    def unlink(self, path: Path) -> None:
        """Remove a name; FileNotFoundError if it is gone. Of two callers exactly one succeeds."""
        path.unlink()

    def rename(self, source: Path, target: Path) -> None:
        """Move a file over whatever has the other name. Atomic."""
        source.replace(target)

    def sync_folder(self, path: Path) -> None:
        """Return once the names in a folder are on stable storage."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def write_whole(self, path: Path, data: bytes) -> None:
        """Create a file with these bytes and sync it. After an error part of it may exist."""
        fd = self.create(path)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[self.write(fd, rest) :]
            self.sync(fd)
        finally:
            self.close(fd)

    def write_new(self, path: Path, data: bytes, temporary_folder: Path) -> None:
        """Create a whole file under a name that must be free; durable when this returns.

        FileExistsError if the name is taken. What a crash leaves is a ``.tmp`` in the temporary folder.
        """
        temporary = temporary_folder / f"{secrets.token_hex(8)}.tmp"
        try:
            self.write_whole(temporary, data)
            self.link(temporary, path)
            self.sync_folder(path.parent)
        finally:
            with suppress(OSError):
                self.unlink(temporary)

    def make_folder(self, path: Path) -> None:
        """Create a folder and its parents where missing, each name synced in its parent."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        self.sync_folder(path.parent)
