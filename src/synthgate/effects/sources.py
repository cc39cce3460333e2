"""Where generated files are taken from: one folder or prefix of a bucket a tenant, and nothing outside it.

An event names a file by its path below its tenant's folder, its size and its hash. It is opened step by step
from that folder, never through a symbolic link; in a bucket it is the object of just that name below the
prefix, never one the store sends us on to. What is read must be what was named.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from synthgate.bucket import Absent, Bucket, BucketAway
from synthgate.step import Waiting

WAITED_FOR: Final = "media root"
_DEPTH_MAX: Final = 16
_SEGMENT_BYTES_MAX: Final = 255
_READ_BYTES: Final = 1 << 20
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe would be waited for without O_NONBLOCK.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SourceError(Exception):
    """A file that cannot be had as it was named. ``code`` is a reason code (law/reasons.toml)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Sources:
    """Folders and buckets by tenant. bytes_max: of one file."""

    folders: Mapping[str, Path | Bucket]
    bytes_max: int

    def check(self, tenant: str, row: Mapping[str, Any]) -> None:
        """Whether a file is there, of the size that was named; its bytes are not looked at.

        Raises:
            SourceError: it is not, or it may not be taken.
            Waiting: the tenant's folder or bucket is away.
        """
        folder, segments = self._place(tenant, row)
        if isinstance(folder, Bucket):
            with _of_the_object(folder):
                size = folder.size("/".join(segments))
            if size is None:
                raise SourceError("source_missing")
            if size != row["size_bytes"]:
                raise SourceError("source_differs")
        else:
            os.close(_opened(folder, segments, row))

    def read(self, tenant: str, row: Mapping[str, Any]) -> bytes:
        """The bytes of a file, which hash to what was named. Raises as ``check``."""
        folder, segments = self._place(tenant, row)
        # One byte more than was named: a file that has grown since is another.
        at_most = row["size_bytes"] + 1
        if isinstance(folder, Bucket):
            with _of_the_object(folder):
                data = folder.get("/".join(segments), 0, at_most)
        else:
            data = _read(_opened(folder, segments, row), at_most)
        if len(data) != row["size_bytes"] or hashlib.sha256(data).hexdigest() != row["sha256"]:
            raise SourceError("source_differs")
        return data

    def _place(self, tenant: str, row: Mapping[str, Any]) -> tuple[Path | Bucket, list[str]]:
        folder = self.folders.get(tenant)
        if folder is None:
            raise SourceError("source_unlisted")
        segments = _segments(row["name"])
        if row["size_bytes"] > self.bytes_max:
            raise SourceError("source_too_large")
        if isinstance(folder, Bucket) and not folder.takes(row["name"]):
            raise SourceError("source_name")
        return folder, segments


def _opened(folder: Path, segments: list[str], row: Mapping[str, Any]) -> int:
    try:
        # The folder itself is the operator's word, and may be a link.
        at = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
    except OSError as error:
        raise Waiting(WAITED_FOR, error.strerror or type(error).__name__) from error
    found = _walk(at, segments)
    about = os.fstat(found)
    if stat.S_ISREG(about.st_mode) and about.st_size == row["size_bytes"]:
        return found
    os.close(found)
    raise SourceError("source_differs" if stat.S_ISREG(about.st_mode) else "source_not_a_file")


def _read(descriptor: int, at_most: int) -> bytes:
    """Read a file from its start and close it."""
    try:
        pieces, left = [], at_most
        while piece := os.read(descriptor, min(_READ_BYTES, left)):
            pieces.append(piece)
            left -= len(piece)
    except OSError as error:
        raise Waiting(WAITED_FOR, error.strerror or type(error).__name__) from error
    finally:
        os.close(descriptor)
    return b"".join(pieces)


@contextmanager
def _of_the_object(bucket: Bucket) -> Iterator[None]:
    """What the store refuses of one object, while it lets us into the bucket, is that object's fault."""
    try:
        yield
    except Absent:
        raise SourceError("source_missing") from None
    except BucketAway as error:
        if error.refused and bucket.lets_in():
            raise SourceError("source_unreadable") from None
        raise


def _segments(name: str) -> list[str]:
    """The steps of a path.

    Raises:
        SourceError: it does not lead down, step by step, from the tenant's folder.
    """
    segments = name.split("/")
    if len(segments) > _DEPTH_MAX or not all(map(_is_step, segments)):
        raise SourceError("source_name")
    return segments


def _is_step(segment: str) -> bool:
    return (
        segment not in ("", ".", "..")
        and segment.isprintable()
        and len(segment.encode("utf-8", "replace")) <= _SEGMENT_BYTES_MAX
    )


def _walk(at: int, segments: list[str]) -> int:
    """Open the last of the steps; ``at`` is closed."""
    try:
        for number, segment in enumerate(segments):
            flags = _FILE if number == len(segments) - 1 else _FOLDER
            before, at = at, os.open(segment, flags, dir_fd=at)
            os.close(before)
    except OSError as error:
        os.close(at)
        code = _FAULTS.get(error.errno or 0)
        if code is None:
            raise Waiting(WAITED_FOR, error.strerror or type(error).__name__) from error
        raise SourceError(code) from None
    return at


_FAULTS: Final = {
    errno.ENOENT: "source_missing",
    errno.ENOTDIR: "source_missing",
    errno.ELOOP: "source_link",
    errno.ENXIO: "source_not_a_file",
    errno.EACCES: "source_unreadable",
    errno.EPERM: "source_unreadable",
}
"""What is a fault of the name or the file; anything else is a fault of the folder, and is waited for."""
