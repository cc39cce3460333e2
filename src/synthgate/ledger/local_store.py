"""A SegmentStore in a folder.

Why each step of ``LocalStore.create`` is there, and in this order: decision 0003; why packing does not
break the fence: decision 0013.
"""

import errno
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from synthgate.ledger.errors import Fenced, StoreFailed, StoreFull
from synthgate.ledger.files import FULL
from synthgate.ledger.local_reads import MARKER, LocalReads, store_errors
from synthgate.ledger.packs import (
    PACK_MAGIC,
    PackIndex,
    encode_pack_tail,
    gone_name,
    pack_name,
    segment_name,
    snapshot_name,
)
from synthgate.ledger.segment import decode_segment

_TEMPORARY = re.compile(r"[0-9]{16}\.[0-9a-f]{16}\.tmp")


class LocalStore(LocalReads):
    """A SegmentStore in a folder of a file system that has hard links and an honest fsync."""

    def claim(self, log: int, start: int = 0) -> list[int]:
        """Sweep leftovers, list, then sync the folder: only now may what was listed be relied on.

        A segment may be linked by an owner that died, or is paused, before it synced the folder.
        Answering from such a segment and then losing the power would leave receipts of nothing.
        """
        folder = self._log_folder(log)
        with store_errors(f"cannot take over log {log} in {folder}", absent_fails=True):
            self._ops.make_folder(folder)
            self._sweep(folder)
            listing = self._listings[log] = self._look(log)
            self._ops.sync_folder(folder)
            self._ops.sync_folder(self.folder)  # whoever made the log's folder may have died since
        return self._firsts(log, listing, start)

    def create(self, log: int, first: int, data: bytes) -> None:
        """Temporary file, fsync, link to the name, fsync the folder, remove the temporary name."""
        final = self._path(log, first)
        temporary = _temporary(final.parent, first)
        try:
            self._ops.write_whole(temporary, data)
        except OSError as error:
            # A file whose fsync failed may look clean afterwards: it is dropped, never synced
            # again.
            self._drop(temporary)
            if error.errno in FULL:
                raise StoreFull(f"no room for {final}: {error.strerror}") from error
            raise StoreFailed(f"cannot write {temporary}: {error.strerror}") from error
        self._link(temporary, final)
        # From here the segment may stand. Removing the temporary name is this owner's last word:
        # whoever claims the log removes it too, and only one of the two succeeds.
        try:
            self._ops.sync_folder(final.parent)
            self._ops.unlink(temporary)
        except FileNotFoundError as error:
            raise Fenced(f"another owner claimed log {log} while {final} was created") from error
        except OSError as error:
            raise StoreFailed(f"cannot be sure of {final}: {error.strerror}") from error
        listing = self._listing(log)
        if listing.pack_of(first) is not None:
            # This owner slept while others went on and packed: the name was free again.
            raise Fenced(f"another owner wrote {final}, and it was packed since")
        if listing.loose[-1:] != [first]:
            listing.loose.append(first)

    def set_aside(self, log: int, first: int) -> str:
        """Rename a segment so that it is no part of the log, and sync the folder."""
        path = self._path(log, first)
        aside = path.with_suffix(f".{secrets.token_hex(4)}.torn")
        with store_errors(f"cannot set {path} aside"):
            path.rename(aside)
            self._ops.sync_folder(path.parent)
        return str(aside)

    def pack(self, log: int, firsts: Sequence[int], end: int) -> None:
        """Write the pack and give it its name; then ``tidy`` checks it and removes the segments."""
        folder = self._log_folder(log)
        path = folder / pack_name(firsts[0], end)
        temporary = _temporary(folder, firsts[0])
        try:
            self._write_pack(temporary, log, firsts)
            with suppress(FileExistsError):
                self._ops.link(temporary, path)
            self._ops.sync_folder(folder)
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot pack {path}: {error.strerror}") from error
        finally:
            self._drop(temporary)
        self.tidy(log)

    def tidy(self, log: int) -> list[str]:
        """Remove segments that a pack holds, and packs that another holds. Their names stay taken:
        the marker moves first, and who creates a segment looks at it behind the creation.
        """
        folder = self._log_folder(log)
        listing = self.listing(log)
        names = [segment_name(first) for first in listing.orphans]
        names += [pack_name(*pack) for pack in (*listing.needless, *listing.packs_too)]
        if not names:
            return []
        for first in listing.orphans:
            if listing.pack_of(first) not in listing.gone:
                self._check_packed(log, first)
        for pack in listing.packs_too:
            self._index(log, pack)  # what is left can be read; SegmentDamaged if not
        marker = _temporary(folder, listing.packs[-1][1])
        try:
            self._ops.write_whole(marker, b"%d\n" % listing.packs[-1][1])
            self._ops.rename(marker, folder / MARKER)
            self._ops.sync_folder(folder)
            for name in names:
                with suppress(FileNotFoundError):
                    self._ops.unlink(folder / name)
        except OSError as error:
            self._drop(marker)
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot tidy {folder}: {error.strerror}") from error
        return [str(folder / name) for name in names]

    def expire(self, log: int, pack: tuple[int, int], left: bytes) -> None:
        """Put what is left of a pack beside it; then ``tidy`` moves the marker and removes the pack."""
        folder = self._log_folder(log)
        self._create_beside(folder / gone_name(*pack), pack[0], left)
        self.tidy(log)

    def create_snapshot(self, log: int, start: int, end: int, data: bytes) -> None:
        """A file beside the segments; what a crash leaves of it is swept with theirs."""
        folder = self._log_folder(log)
        self._create_beside(folder / snapshot_name(start, end), start, data)

    def drop_snapshot(self, log: int, start: int, end: int) -> None:
        """Remove the file."""
        path = self._log_folder(log) / snapshot_name(start, end)
        with store_errors(f"cannot remove {path}"), suppress(FileNotFoundError):
            self._ops.unlink(path)

    def _create_beside(self, path: Path, first: int, data: bytes) -> None:
        """A whole file under a name that means the same bytes whoever makes it; durable."""
        temporary = _temporary(path.parent, first)
        try:
            self._ops.write_whole(temporary, data)
            with suppress(FileExistsError):
                self._ops.link(temporary, path)
            self._ops.sync_folder(path.parent)
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot create {path}: {error.strerror}") from error
        finally:
            self._drop(temporary)

    def _write_pack(self, path: Path, log: int, firsts: Sequence[int]) -> None:
        """Magic, segments, index and trailer, synced."""
        sizes: list[int] = []
        fd = self._ops.create(path)
        try:
            self._write(fd, PACK_MAGIC)
            for first in firsts:
                data = self.read(log, first)
                sizes.append(len(data))
                self._write(fd, data)
            starts = list(accumulate(sizes[:-1], initial=len(PACK_MAGIC)))
            self._write(fd, encode_pack_tail(PackIndex(firsts, starts, sizes)))
            self._ops.sync(fd)
        finally:
            self._ops.close(fd)

    def _check_packed(self, log: int, first: int) -> None:
        """That the pack holds this segment whole, as it would be read. Raises SegmentDamaged."""
        data = self.read(log, first)
        if self._path(log, first).read_bytes() != data:
            # The pack is damaged, or the segment is the late word of a fenced owner.
            decode_segment(data, self.where(log, first))

    def _write(self, fd: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._ops.write(fd, rest) :]

    def _link(self, temporary: Path, final: Path) -> None:
        try:
            self._ops.link(temporary, final)
        except FileNotFoundError as error:
            raise Fenced(f"another owner claimed the log before {final} was created") from error
        except OSError as error:
            # Over a network an answer can be lost and the call repeated: look who has the name.
            if _same_file(temporary, final):
                return
            self._drop(temporary)
            if isinstance(error, FileExistsError):
                raise Fenced(f"another owner wrote {final}") from error
            if error.errno in FULL:
                raise StoreFull(f"no room for {final}: {error.strerror}") from error
            if error.errno in (errno.EPERM, errno.ENOTSUP):
                raise StoreFailed(f"the file system of {final} has no hard links") from error
            raise StoreFailed(f"cannot create {final}: {error.strerror}") from error

    def _sweep(self, folder: Path) -> None:
        for path in list(folder.iterdir()):
            if _TEMPORARY.fullmatch(path.name):
                with suppress(FileNotFoundError):  # its writer was quicker
                    self._ops.unlink(path)

    def _drop(self, temporary: Path) -> None:
        with suppress(OSError):  # what stays is swept when the log is next claimed
            self._ops.unlink(temporary)


def _temporary(folder: Path, first: int) -> Path:
    """A name that the next owner's claim sweeps."""
    return folder / f"{first:016d}.{secrets.token_hex(8)}.tmp"


def _same_file(one: Path, two: Path) -> bool:
    """Whether two names lead to one file. Raises StoreFailed if that cannot be known."""
    try:
        return one.samefile(two)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreFailed(f"cannot look at {two}: {error.strerror}") from error
