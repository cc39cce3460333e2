"""The users' content keys: one AES-256 key per user and owner session, so that erasure is one row.

A key file is a header line and ``ROWS`` rows of fixed width; a row holds a random key wrapped by
the master key. The whole file is written and synced before any of its keys is used, so giving a key
to a user costs no disk write, and no entry can be durable before its key is. File ids are random:
two owners never share a row, whoever of them is a zombie. Erasure overwrites a row with zeros;
which rows are a user's is written in the segments' footers.

An owner keeps a user's key for its session, for thirty days at most. Erasing it on disk does not take it
from that memory: tell the owner to ``forget`` the user first, or what it writes next is lost as well.
"""

import hmac
import os
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.ledger.errors import KeyErased, KeyLost, StoreFailed, StoreFull, WrongMasterKey
from synthgate.ledger.files import FULL, FileOps

ROWS = 1024
NONCE_BYTES = 12
_KEY_BYTES = 32
_ROW_BYTES = NONCE_BYTES + _KEY_BYTES + 16
_ERASED = bytes(_ROW_BYTES)
_KID = re.compile(r"([0-9a-f]{16}):(0|[1-9][0-9]{0,3})")
_CACHED_USERS = 100_000
_KEY_DAYS = 30
"""A user gets another key after this, far below the shortest period of an entry: so a key that is erased is
in no owner's use, however long that owner runs."""


class UserKey(NamedTuple):
    """A key id and the cipher under that key. Nonces are random: at most 2^32 of them per key."""

    kid: str
    cipher: AESGCM


class KeyRing:
    """Gives each user a key for this session and opens the keys of any session.

    Safe to share between threads. Raises StoreFull and StoreFailed as a store does.
    """

    def __init__(
        self,
        folder: Path,
        master_key: bytes,
        ops: FileOps | None = None,
        *,
        cached_users: int = _CACHED_USERS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folder = folder
        self._master_key = master_key
        self._master = AESGCM(master_key)
        self._ops = ops or FileOps()
        self._cached_users = cached_users
        self._clock = clock
        self._users: OrderedDict[str, tuple[UserKey, float]] = OrderedDict()
        self._fresh: list[UserKey] = []
        self._lock = Lock()

    @classmethod
    def open(cls, folder: Path, master_key: bytes, ops: FileOps | None = None) -> Self:
        """A key ring whose master key is proved on the files there are. Raises WrongMasterKey."""
        ring = cls(folder, master_key, ops)
        if folder.is_dir():
            for path in sorted(folder.glob("*.keys")):
                with suppress(KeyLost):  # cut short by a crash before any of its keys was used
                    ring._check_header(path)
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
        self._check_header(path)
        wrapped = self._read(path, _row_start(row), _ROW_BYTES)
        if wrapped == _ERASED:
            raise KeyErased(f"the key {kid} was erased")
        try:
            return self._master.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], kid.encode())
        except InvalidTag as error:
            raise KeyLost(f"row {row} of {path} is damaged: restore it from a copy") from error

    def erase(self, kid: str) -> None:
        """Destroy a key for good: zeros over its row, synced. Erasing twice is no error.

        The file system or the disk may keep an older copy of the block, and backups do: they
        belong to the operator's data map.
        """
        path, row = self._place(kid)
        self._check_header(path)
        try:
            fd = self._ops.open_existing(path)
            try:
                os.lseek(fd, _row_start(row), os.SEEK_SET)
                rest = memoryview(_ERASED)
                while rest:
                    rest = rest[self._ops.write(fd, rest) :]
                self._ops.sync(fd)
            finally:
                self._ops.close(fd)
        except OSError as error:
            raise StoreFailed(f"cannot erase row {row} of {path}: {error.strerror}") from error

    def _make_file(self) -> list[UserKey]:
        file_id = secrets.token_hex(8)
        kids = [f"{file_id}:{row}" for row in range(ROWS)]
        keys = [secrets.token_bytes(_KEY_BYTES) for _ in kids]
        rows = [self._wrap(kid, key) for kid, key in zip(kids, keys, strict=True)]
        path = self.folder / f"{file_id}.keys"
        try:
            self._ops.make_folder(self.folder)
            self._ops.write_whole(path, b"".join((self._header(file_id), *rows)))
            self._ops.sync_folder(self.folder)
        except OSError as error:
            with suppress(OSError):  # none of its keys was used: what stays harms nobody
                self._ops.unlink(path)
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot create {path}: {error.strerror}") from error
        fresh = [UserKey(kid, AESGCM(key)) for kid, key in zip(kids, keys, strict=True)]
        fresh.reverse()  # taken from the end: row 0 first
        return fresh

    def _wrap(self, kid: str, key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._master.encrypt(nonce, key, kid.encode())

    def _header(self, file_id: str) -> bytes:
        check = hmac.digest(self._master_key, b"synthgate userkeys " + file_id.encode(), "sha256")
        return f"synthgate userkeys 1 {file_id} {ROWS:04d} {check.hex()[:32]}\n".encode()

    def _place(self, kid: str) -> tuple[Path, int]:
        match = _KID.fullmatch(kid)
        if match is None or int(match[2]) >= ROWS:
            raise KeyLost(f"not a key id: {kid!r}")
        return self.folder / f"{match[1]}.keys", int(match[2])

    def _check_header(self, path: Path) -> None:
        expected = self._header(path.stem)
        found = self._read(path, 0, len(expected))
        border = len(expected) - 33
        if found[:border] != expected[:border]:
            raise KeyLost(f"{path} does not start as a key file does: restore it from a copy")
        if not hmac.compare_digest(found, expected):
            raise WrongMasterKey(
                f"master.key is not the key that {path} was made with: "
                f"put back this installation's master.key (a new one cannot open old content)"
            )

    def _read(self, path: Path, start: int, length: int) -> bytes:
        try:
            with path.open("rb") as file:
                file.seek(start)
                data = file.read(length)
        except FileNotFoundError as error:
            raise KeyLost(f"no key file {path}: restore it from a copy") from error
        except OSError as error:
            raise StoreFailed(f"cannot read {path}: {error.strerror}") from error
        if len(data) < length:
            raise KeyLost(f"{path} is cut short: restore it from a copy")
        return data


_HEADER_BYTES = len(f"synthgate userkeys 1 {'0' * 16} {ROWS:04d} {'0' * 32}\n")


def _row_start(row: int) -> int:
    return _HEADER_BYTES + row * _ROW_BYTES
