"""A SegmentStore in a folder.

Why each step of ``LocalStore.create`` is there, and in this order: decision 0003; why packing does not
break the fence: decision 0013.
"""

import errno
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from synthgate.ledger.errors import Fenced, StoreFailed, StoreFull
from synthgate.ledger.files import FULL
from synthgate.ledger.local_reads import LocalReads, store_errors
from synthgate.ledger.packed_store import MARKER
from synthgate.ledger.packs import segment_name

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
            listing = self.listing(log)
            self._ops.sync_folder(folder)
            self._ops.sync_folder(self.folder)  # whoever made the log's folder may have died since
        return self._firsts(log, listing, start)

    def create(self, log: int, first: int, data: bytes) -> None:
        """Temporary file, fsync, link to the name, fsync the folder, remove the temporary name."""
        final = self._log_folder(log) / segment_name(first)
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
        path = self._log_folder(log) / segment_name(first)
        aside = path.with_suffix(f".{secrets.token_hex(4)}.torn")
        with store_errors(f"cannot set {path} aside"):
            path.rename(aside)
            self._ops.sync_folder(path.parent)
        return str(aside)

    def _beside(self, log: int, name: str, pieces: Iterator[bytes]) -> None:
        """A whole file; what a crash leaves of it is swept with the segments' temporary files."""
        path = self._log_folder(log) / name
        temporary = _temporary(path.parent, int(name[:16]))
        try:
            self._write_pieces(temporary, pieces)
            with suppress(FileExistsError):
                self._ops.link(temporary, path)
            self._ops.sync_folder(path.parent)
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot create {path}: {error.strerror}") from error
        finally:
            self._drop(temporary)

    def _move_marker(self, log: int, end: int) -> None:
        folder = self._log_folder(log)
        marker = _temporary(folder, end)
        try:
            self._ops.write_whole(marker, b"%d\n" % end)
            self._ops.rename(marker, folder / MARKER)
            self._ops.sync_folder(folder)
        except OSError as error:
            self._drop(marker)
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot tidy {folder}: {error.strerror}") from error

    def _remove(self, log: int, names: Sequence[str]) -> None:
        folder = self._log_folder(log)
        with store_errors(f"cannot tidy {folder}"):
            for name in names:
                with suppress(FileNotFoundError):
                    self._ops.unlink(folder / name)

    def _write_pieces(self, path: Path, pieces: Iterator[bytes]) -> None:
        """Create a file, written and synced."""
        fd = self._ops.create(path)
        try:
            for piece in pieces:
                rest = memoryview(piece)
                while rest:
                    rest = rest[self._ops.write(fd, rest) :]
            self._ops.sync(fd)
        finally:
            self._ops.close(fd)

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
