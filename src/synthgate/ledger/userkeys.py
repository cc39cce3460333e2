"""The users' content keys: one AES-256 key per user and owner session, so that erasure is one row.

They lie in key files (``keyfile.py``), made whole and synced before any of their keys is used: so giving a key
to a user costs no disk write, and no entry can be durable before its key is. File ids are random: two
owners never share a row, whoever of them is a zombie. Erasure overwrites a row with zeros; which rows are a
user's is written in the segments' footers.

An owner keeps a user's key for its session, for thirty days at most. Erasing it on disk does not take it
from that memory: tell the owner to ``forget`` the user first, or what it writes next is lost as well.
"""

import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Self

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.crypto.masters import LocalMasters, Masters
from synthgate.ledger import keyfile
from synthgate.ledger.errors import KeyErased, KeyLost, StoreFailed, StoreFull
from synthgate.ledger.files import FULL, FileOps
from synthgate.ledger.keyfile import ERASED, KEY_BYTES, NONCE_BYTES, ROW_BYTES, ROWS, FileKey

__all__ = ["NONCE_BYTES", "ROWS", "KeyRing", "UserKey"]

_KID = re.compile(r"([0-9a-f]{16}):(0|[1-9][0-9]{0,3})")
_CACHED_USERS = 100_000
_CACHED_FILES = 256
_KEY_DAYS = 30
"""A user gets another key after this, far below the shortest period of an entry: so a key that is erased is
in no owner's use, however long that owner runs."""


@dataclass(frozen=True, slots=True)
class UserKey:
    """A key id and the key. A cipher is made for each use: that takes microseconds, and one kept 2.5 kB."""

    kid: str
    key: bytes = field(repr=False)

    @property
    def cipher(self) -> AESGCM:
        """A cipher under the key. Nonces are random: at most 2^32 of them per key."""
        return AESGCM(self.key)


class KeyRing:
    """Gives each user a key for this session and opens the keys of any session.

    ``masters``: the master keys, or the only one. Safe to share between threads. Raises StoreFull and
    StoreFailed as a store does.
    """

    def __init__(
        self,
        folder: Path,
        masters: Masters | bytes,
        ops: FileOps | None = None,
        *,
        cached_users: int = _CACHED_USERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._masters = LocalMasters([masters]) if isinstance(masters, bytes) else masters
        self._ops = ops or FileOps()
        self._cached_users = cached_users
        self._clock = clock
        self._users: OrderedDict[str, tuple[UserKey, float]] = OrderedDict()
        self._fresh: list[UserKey] = []
        self._files: OrderedDict[Path, FileKey] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def open(cls, folder: Path, masters: Masters | bytes, ops: FileOps | None = None) -> Self:
        """A key ring whose master keys are proved on the files there are. Raises WrongMasterKey."""
        ring = cls(folder, masters, ops)
        if folder.is_dir():
            for path in sorted(folder.glob("*.keys")):
                with suppress(KeyLost):  # cut short by a crash before any of its keys was used
                    keyfile.file_key(path, ring._masters)
                    break
        return ring

    def key_for(self, user: str) -> UserKey:
        """The key that this session encrypts the user's content with; the first call makes it."""
        with self._lock:
            known = self._users.get(user)
            now = self._clock()
            if known is not None and now < known[1]:
                self._users.move_to_end(user)
                return known[0]
            if not self._fresh:
                self._fresh = self._make_file()
            key = self._fresh.pop()
            self._users[user] = key, now + _KEY_DAYS * 86_400
            if len(self._users) > self._cached_users:
                self._users.popitem(last=False)
            return key

    def forget(self, user: str) -> None:
        """Let go of a user's session key: the next entry gets a new one."""
        with self._lock:
            self._users.pop(user, None)

    def cipher(self, kid: str) -> AESGCM:
        """The cipher of a stored key, read afresh each time so that an erasure counts at once.

        Raises KeyErased, KeyLost, WrongMasterKey.
        """
        return AESGCM(self.content_key(kid))

    def content_key(self, kid: str) -> bytes:
        """A stored key itself: for evidence that is to be read elsewhere. Raises as ``cipher``."""
        path, row = self._place(kid)
        while True:
            file = self._file_key(path)
            wrapped = keyfile.read(path, keyfile.row_start(row), ROW_BYTES)
            if wrapped == ERASED:
                raise KeyErased(f"the key {kid} was erased")
            try:
                return keyfile.unwrap_row(AESGCM(file.key), kid, wrapped, f"row {row} of {path}")
            except KeyLost:
                if self._file_key(path) == file:
                    raise  # no rotation has made the file new between the two looks

    def erase(self, kid: str) -> None:
        """Destroy a key for good: zeros over its row, synced. Erasing twice is no error.

        The file system or the disk may keep an older copy of the block, and backups do: they
        belong to the operator's data map.
        """
        path, row = self._place(kid)
        keyfile.file_key(path, self._masters)
        try:
            with keyfile.locked(self.folder):
                fd = self._ops.open_existing(path)
                try:
                    os.lseek(fd, keyfile.row_start(row), os.SEEK_SET)
                    rest = memoryview(ERASED)
                    while rest:
                        rest = rest[self._ops.write(fd, rest) :]
                    self._ops.sync(fd)
                finally:
                    self._ops.close(fd)
        except OSError as error:
            raise StoreFailed(f"cannot erase row {row} of {path}: {error.strerror}") from error

    def _make_file(self) -> list[UserKey]:
        file_id = secrets.token_hex(8)
        file_key = secrets.token_bytes(KEY_BYTES)
        cipher = AESGCM(file_key)
        kids = [f"{file_id}:{row}" for row in range(ROWS)]
        keys = [secrets.token_bytes(KEY_BYTES) for _ in kids]
        rows = [keyfile.wrap_row(cipher, kid, key) for kid, key in zip(kids, keys, strict=True)]
        path = self.folder / f"{file_id}.keys"
        wrap = path.with_suffix(".wrap")
        wrapped = keyfile.encode_wrap(path, file_key, self._masters)
        try:
            self._ops.make_folder(self.folder)
            self._ops.write_whole(wrap, wrapped)
            self._ops.write_whole(path, keyfile.encode_keys(file_id, file_key, rows))
            self._ops.sync_folder(self.folder)
        except OSError as error:
            for made in (path, wrap):  # none of its keys was used: what stays harms nobody
                with suppress(OSError):
                    self._ops.unlink(made)
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot create {path}: {error.strerror}") from error
        fresh = [UserKey(kid, key) for kid, key in zip(kids, keys, strict=True)]
        fresh.reverse()  # taken from the end: row 0 first
        return fresh

    def _place(self, kid: str) -> tuple[Path, int]:
        match = _KID.fullmatch(kid)
        if match is None or int(match[2]) >= ROWS:
            raise KeyLost(f"not a key id: {kid!r}")
        return self.folder / f"{match[1]}.keys", int(match[2])

    def _file_key(self, path: Path) -> FileKey:
        """A file's key, asked of the masters once; asked again when the file was made new."""
        with self._lock:
            known = self._files.get(path)
        if known is not None and keyfile.is_of(path, known):
            return known
        found = keyfile.file_key(path, self._masters)
        with self._lock:
            self._files[path] = found
            self._files.move_to_end(path)
            if len(self._files) > _CACHED_FILES:
                self._files.popitem(last=False)
        return found
