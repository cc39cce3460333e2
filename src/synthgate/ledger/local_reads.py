"""What lies where in a folder of segments, and its bytes: the reading half of ``LocalStore``."""

import os
import re
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from synthgate.ledger.errors import (
    EntryAbsent,
    EntryExpired,
    SegmentDamaged,
    StoreFailed,
    StoreFull,
)
from synthgate.ledger.files import FULL, FileOps
from synthgate.ledger.packs import (
    PACK_MAGIC,
    PACK_TRAILER_BYTES,
    Listing,
    PackIndex,
    decode_pack_tail,
    gone_name,
    pack_name,
    pack_tail_bytes,
    segment_name,
    snapshot_name,
)

MARKER = "packed"
_INDEXES_KEPT = 64


class Place(NamedTuple):
    """Where a segment's bytes are. ``size``: None to the end of the file."""

    path: Path
    start: int = 0
    size: int | None = None
    gone: bool = False


class LocalReads:
    """Finds segments by themselves and in packs. Looks at the folder again when something was packed."""

    def __init__(self, folder: Path, ops: FileOps | None = None) -> None:
        self.folder = folder
        self._ops = ops or FileOps()
        self._listings: dict[int, Listing] = {}
        self._indexes: OrderedDict[Path, PackIndex] = OrderedDict()

    def logs(self) -> list[int]:
        """The logs there are, in order."""
        if not self.folder.is_dir():
            return []
        with store_errors(f"cannot list {self.folder}"):
            names = [path.name for path in self.folder.iterdir()]
        return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{5,}", name))

    def firsts(self, log: int, start: int = 0) -> list[int]:
        """The first indexes of a log's segments, in order; none if there is no such log."""
        with store_errors(f"cannot list log {log} in {self.folder}"):
            return self._firsts(log, self.listing(log), start)

    def settled(self, log: int, start: int = 0) -> list[int]:
        """List, then sync the folder: a name linked and not yet synced may go with the power."""
        firsts = self.firsts(log, start)
        if firsts:
            with store_errors(f"cannot sync log {log} in {self.folder}"):
                self._ops.sync_folder(self._log_folder(log))
        return firsts

    def holder(self, log: int, index: int, *, fresh: bool) -> int | None:
        """The first index of the segment that may hold ``index``."""
        listing = self.listing(log) if fresh else self._listing(log)
        pack, loose = listing.last_pack(index), listing.loose_of(index)
        if pack is None or (loose is not None and loose >= pack[1]):
            return loose
        firsts = self._index(log, pack).firsts
        return int(firsts[bisect_right(firsts, index) - 1])

    def listing(self, log: int) -> Listing:
        """What lies where now."""
        with store_errors(f"cannot list log {log} in {self.folder}"):
            found = self._listings[log] = self._look(log)
        return found

    def read(self, log: int, first: int) -> bytes:
        """A whole segment."""
        with self._reading(log, first) as (fd, place):
            size = _size(fd, place)
            return os.pread(fd, size, place.start)

    def read_range(self, log: int, first: int, start: int, length: int) -> bytes:
        """Some bytes of a segment; fewer where it ends."""
        with self._reading(log, first) as (fd, place):
            if place.size is not None:
                length = min(length, place.size - start)
            return os.pread(fd, max(length, 0), place.start + start)

    def read_tail(self, log: int, first: int, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes of a segment, or all, and its size."""
        with self._reading(log, first, gone=True) as (fd, place):
            size = _size(fd, place)
            if place.gone:
                data = os.pread(fd, size, place.start)
                return data[8:], int.from_bytes(data[:8], "big")
            start = max(0, size - length)
            return os.pread(fd, size - start, place.start + start), size

    def where(self, log: int, first: int) -> str:
        """The segment's path, and which pack it lies in if it lies in one."""
        place = self._place(log, first)
        if place.size is None:
            return str(place.path)
        return f"{place.path}, bytes {place.start}-{place.start + place.size - 1}"

    def read_snapshot(self, log: int, start: int, end: int) -> bytes:
        """The file's bytes."""
        path = self._log_folder(log) / snapshot_name(start, end)
        with store_errors(f"cannot read {path}"):
            return path.read_bytes()

    def _log_folder(self, log: int) -> Path:
        return self.folder / f"{log:05d}"

    def _path(self, log: int, first: int) -> Path:
        return self._log_folder(log) / segment_name(first)

    def _listing(self, log: int) -> Listing:
        """The last listing, if nothing was packed since."""
        found = self._listings.get(log)
        with store_errors(f"cannot look at log {log} in {self.folder}"):
            marker = _marker(self._log_folder(log))
        return self.listing(log) if found is None or found.marker != marker else found

    def _look(self, log: int) -> Listing:
        folder = self._log_folder(log)
        marker = _marker(folder)  # before the names: what is packed after it is looked for again
        try:
            with os.scandir(folder) as found:
                return Listing([item.name for item in found], marker)
        except FileNotFoundError:
            return Listing([], marker)

    def _firsts(self, log: int, listing: Listing, start: int) -> list[int]:
        found: list[int] = []
        for pack in listing.packs:
            if pack[1] > start:
                found += (n for n in self._index(log, pack).firsts if not found or n > found[-1])
        found += listing.loose
        found.sort()
        return found[max(bisect_right(found, start) - 1, 0) :]

    def _pack_path(self, log: int, pack: tuple[int, int]) -> Path:
        gone = pack in self._listing(log).gone
        return self._log_folder(log) / (gone_name(*pack) if gone else pack_name(*pack))

    def _index(self, log: int, pack: tuple[int, int]) -> PackIndex:
        path = self._pack_path(log, pack)
        found = self._indexes.get(path)
        if found is None:
            with store_errors(f"cannot read {path}"), path.open("rb") as file:
                if file.read(len(PACK_MAGIC)) != PACK_MAGIC:
                    raise SegmentDamaged(f"{path}: does not start as a pack does")
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - PACK_TRAILER_BYTES, 0))
                length = pack_tail_bytes(file.read(), str(path))
                file.seek(max(size - length, 0))
                found = decode_pack_tail(file.read(), size, pack[0], str(path))
            self._indexes[path] = found
            if len(self._indexes) > _INDEXES_KEPT:
                self._indexes.popitem(last=False)
        return found

    def _place(self, log: int, first: int) -> Place:
        """Where a segment lies; by itself if nobody knows better."""
        pack = self._listing(log).pack_of(first)
        if pack is not None:
            path = self._pack_path(log, pack)
            row = self._index(log, pack).place(first)
            if row is None:
                raise SegmentDamaged(f"{path} has no segment that begins with entry {first}")
            return Place(path, *row, gone=path.suffix == ".gone")
        return Place(self._path(log, first))

    @contextmanager
    def _reading(self, log: int, first: int, *, gone: bool = False) -> Iterator[tuple[int, Place]]:
        place = self._place(log, first)
        if place.gone and not gone:
            raise EntryExpired(f"{place.path}: these entries have expired; only hashes are left")
        with store_errors(f"cannot read {place.path}"):
            try:
                fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:  # packed, or its pack removed, since we looked
                self._listings.pop(log, None)
                place = self._place(log, first)
                fd = os.open(place.path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield fd, place
            finally:
                os.close(fd)


def _marker(folder: Path) -> object:
    try:
        found = (folder / MARKER).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


def _size(fd: int, place: Place) -> int:
    return os.fstat(fd).st_size if place.size is None else place.size


@contextmanager
def store_errors(doing: str, *, absent_fails: bool = False) -> Iterator[None]:
    """Errors of the operating system as the store's, with what was being done."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not absent_fails:
            raise EntryAbsent(f"{doing}: it is not there") from error
        if error.errno in FULL:
            raise StoreFull(f"{doing}: {error.strerror}") from error
        raise StoreFailed(f"{doing}: {error.strerror}") from error
