"""Where labelled objects lie: a local folder of immutable names.

A name is created only if absent, and only whole: bytes go to a part file, are synced, and are linked under
their name. The same bytes under a name again is success; other bytes is an error, never an overwrite. What a
batch puts is synced at once, for a sync costs far more than a write.
"""

import contextlib
import ctypes
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, Protocol

from synthgate.events.origin import Origin
from synthgate.step import Waiting

TEXT_SUFFIX: Final = ".txt"
SIDECAR_SUFFIX: Final = ".aigc.json"
NOTE_SUFFIX: Final = ".shown.json"
BESIDE: Final = (SIDECAR_SUFFIX, NOTE_SUFFIX)
"""What may lie beside an object under its name, and goes when it goes."""
_PARTS: Final = ".parts"
_NAME: Final = re.compile(
    r"(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}/){0,4}[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,199}"
)
"""Names of the store: no hidden ones, none that leads out of the folder or that a file system refuses."""
_MADE: Final = re.compile(r"\d+/(\d+)-([a-z.~0-9]+)-(\d+)-(\d+)-[0-9a-f]{64}(?:\.[a-z0-9]+)+")
_READ_BYTES: Final = 1 << 20
_SYNC_EACH_MAX: Final = 4
"""Up to so many files are synced one by one; more are cheaper with one sync of the file system."""


class ObjectConflict(Exception):
    """A name already stands for other bytes."""


class WrongName(ValueError):
    """Not a name of this store: it would lead out of the folder."""


def object_name(log: int, origin: Origin, data: bytes, suffix: str = TEXT_SUFFIX) -> str:
    """Name of a labelled object: ``<log>/<origin>-<sha256><suffix>``.

    origin: of the passage itself, not of the act it may answer to: once that origin is logged, nothing will
    cite an object of it that its entry does not.
    """
    slug = f"{origin.epoch}-{origin.topic}-{origin.partition}-{origin.offset}"
    return f"{log}/{slug}-{hashlib.sha256(data).hexdigest()}{suffix}"


def origin_of(name: str) -> Origin | None:
    """The origin an object's name was made of; None if it is no such name."""
    match = _MADE.fullmatch(name)
    if match is None:
        return None
    epoch, topic, partition, offset = match.groups()
    return Origin(int(epoch), topic, int(partition), int(offset))


def is_name(name: str) -> bool:
    """Whether a store takes this name."""
    return _NAME.fullmatch(name) is not None


class Objects(Protocol):
    """Immutable objects, in a folder or a bucket. Every method may raise Waiting: the store is away."""

    far: bool
    """Whether a question takes a while: then ``ahead`` is called first, in a thread."""

    def ahead(self, read: Collection[str] = (), ask: Collection[str] = ()) -> None:
        """Read these, or ask whether they are there: for seconds ``get`` and ``exists`` answer at once."""
        ...

    def put_all(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Create objects, all durable on return; names that stand for other bytes are returned.

        Raises:
            WrongName: a name leads out of the store.
        """
        ...

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, or None if there is none of that name."""
        ...

    def remove(self, name: str) -> bool:
        """Remove an object for good; whether it was there."""
        ...

    def names(self, log: int) -> Iterator[tuple[str, int]]:
        """Every name among the objects of a log, with its size in bytes."""
        ...

    def every(self) -> Iterator[str]:
        """Every name there is."""
        ...

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there."""
        ...


class LocalObjects:
    """Objects in a folder. Several processes may share it."""

    far = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = f"{folder}/"
        # Unique among processes and hosts that share the folder.
        self._part = f"{folder}/{_PARTS}/{os.getpid()}-{secrets.token_hex(8)}-"
        self._count = 0

    def ahead(self, read: Collection[str] = (), ask: Collection[str] = ()) -> None:
        """A folder answers at once."""

    def put(self, name: str, data: bytes) -> None:
        """Create one object, durable on return. Raises as ``put_all``."""
        if self.put_all({name: data}):
            raise ObjectConflict(name)

    def put_all(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Create objects, all durable on return; names that stand for other bytes are returned.

        Raises:
            Waiting: the folder cannot be written (full, read-only, gone); nothing is half there.
            WrongName: a name leads out of the folder.
        """
        if not objects:
            return frozenset()
        paths = {name: self._path(name) for name in objects}
        parts: dict[str, str] = {}
        try:
            folders = self._make_folders(paths.values())
            for name, data in objects.items():
                self._count += 1
                parts[name] = f"{self._part}{self._count}"
                _write_new(parts[name], data)
            self._sync(list(parts.values()))
            found = [name for name, part in parts.items() if not _link(part, paths[name])]
            # Also where names were found: a crash may have come between their link and its sync.
            self._sync([self._root, *folders])
            return frozenset(name for name in found if _read(paths[name]) != objects[name])
        except OSError as error:
            raise _away(error) from error
        finally:
            for part in parts.values():
                with contextlib.suppress(OSError):
                    os.unlink(part)  # noqa: PTH108 (a Path for each of thousands is slow)

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, or None if there is none of that name.

        Raises:
            Waiting: the folder cannot be read.
        """
        try:
            return _read(self._path(name))
        except (WrongName, FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except OSError as error:
            raise _away(error) from error

    def remove(self, name: str) -> bool:
        """Remove an object for good; whether it was there.

        Raises:
            Waiting: the store cannot be written.
        """
        try:
            Path(self._path(name)).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _away(error) from error
        return True

    def names(self, log: int) -> Iterator[tuple[str, int]]:
        """Every name among the objects of a log, with its size in bytes.

        Raises:
            Waiting: the folder cannot be read.
        """
        try:
            with os.scandir(f"{self._root}{log}") as found:
                for each in found:
                    with contextlib.suppress(FileNotFoundError):
                        if each.is_file(follow_symlinks=False):
                            yield f"{log}/{each.name}", each.stat().st_size
        except FileNotFoundError:
            return
        except OSError as error:
            raise _away(error) from error

    def every(self) -> Iterator[str]:
        """Every name there is."""
        for path in self._folder.rglob("*"):
            name = path.relative_to(self._folder).as_posix()
            if is_name(name) and path.is_file():
                yield name

    def exists(self, name: str) -> bool:
        """Whether an object of that name is there.

        Raises:
            Waiting: the folder cannot be read.
        """
        try:
            return Path(self._path(name)).is_file()
        except WrongName:
            return False
        except OSError as error:
            raise _away(error) from error

    def _path(self, name: str) -> str:
        if not is_name(name):
            raise WrongName(f"not a name of this store: {name[:80]!r}")
        return self._root + name

    def _make_folders(self, paths: Iterable[str]) -> list[str]:
        (self._folder / _PARTS).mkdir(parents=True, exist_ok=True)
        folders = sorted({path.rpartition("/")[0] for path in paths})
        for folder in folders:
            Path(folder).mkdir(parents=True, exist_ok=True)
        return folders

    def _sync(self, paths: list[str]) -> None:
        if len(paths) > _SYNC_EACH_MAX and _sync_filesystem(self._folder):
            return
        for path in paths:
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _write_new(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def _link(part: str, path: str) -> bool:
    """Give a part its name; False if the name is taken."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    return True


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        pieces = []
        while piece := os.read(descriptor, _READ_BYTES):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _away(error: OSError) -> Waiting:
    return Waiting("object store", error.strerror or type(error).__name__)


def _sync_filesystem(folder: Path) -> bool:
    """Sync the file system a folder lies on (Linux syncfs); False where that call does not exist."""
    try:
        call = ctypes.CDLL(None, use_errno=True).syncfs
    except (AttributeError, OSError):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if call(descriptor) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
    finally:
        os.close(descriptor)
    return True
