"""What lies where in a folder of segments, and its bytes: the reading half of ``LocalStore``."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthgate.ledger.errors import EntryAbsent, StoreFailed, StoreFull
from synthgate.ledger.files import FULL, FileOps
from synthgate.ledger.packed_store import MARKER, PackedStore
from synthgate.ledger.packs import Listing


class LocalReads(PackedStore):
    """Finds segments by themselves and in packs. Looks at the folder again when something was packed."""

    def __init__(self, folder: Path, ops: FileOps | None = None) -> None:
        super().__init__()
        self.folder = folder
        self._ops = ops or FileOps()

    def logs(self) -> list[int]:
        """The logs there are, in order."""
        if not self.folder.is_dir():
            return []
        with store_errors(f"cannot list {self.folder}"):
            names = [path.name for path in self.folder.iterdir()]
        return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{5,}", name))

    def settled(self, log: int, start: int = 0) -> list[int]:
        """List, then sync the folder: a name linked and not yet synced may go with the power."""
        firsts = self.firsts(log, start)
        if firsts:
            with store_errors(f"cannot sync log {log} in {self.folder}"):
                self._ops.sync_folder(self._log_folder(log))
        return firsts

    def _log_folder(self, log: int) -> Path:
        return self.folder / f"{log:05d}"

    def _called(self, log: int, name: str) -> str:
        return str(self._log_folder(log) / name)

    def _listing(self, log: int) -> Listing:
        """The last listing, if nothing was packed since."""
        found = self._listings.get(log)
        with store_errors(f"cannot look at log {log} in {self.folder}"):
            marker = _marker(self._log_folder(log))
        return self.listing(log) if found is None or found.marker != marker else found

    def _look(self, log: int) -> Listing:
        folder = self._log_folder(log)
        with store_errors(f"cannot list log {log} in {self.folder}"):
            marker = _marker(folder)  # before the names: what is packed later is looked for again
            try:
                with os.scandir(folder) as found:
                    return Listing([item.name for item in found], marker)
            except FileNotFoundError:
                return Listing([], marker)

    def _bytes(self, log: int, name: str, start: int, size: int | None) -> bytes:
        with self._reading(log, name) as fd:
            return os.pread(fd, os.fstat(fd).st_size if size is None else size, start)

    def _tail(self, log: int, name: str, length: int) -> tuple[bytes, int]:
        with self._reading(log, name) as fd:
            size = os.fstat(fd).st_size
            start = max(0, size - length)
            return os.pread(fd, size - start, start), size

    @contextmanager
    def _reading(self, log: int, name: str) -> Iterator[int]:
        path = self._log_folder(log) / name
        with store_errors(f"cannot read {path}"):
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                yield fd
            finally:
                os.close(fd)


def _marker(folder: Path) -> object:
    try:
        found = (folder / MARKER).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns


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
