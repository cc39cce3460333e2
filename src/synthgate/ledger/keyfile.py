"""The files users' content keys lie in, and how each is closed.

``<id>.keys``: a header line and ``ROWS`` rows of fixed width; a row holds a random key wrapped by the
file's own key, zeros once it was erased. ``<id>.wrap`` beside it: that file key, wrapped by a master key
whose id it names. So another master, or a KMS, takes over by one small file, replaced whole; no row is
touched. Files of version 1 have no ``.wrap``: their rows are under the master key itself, until a rotation
makes them new.
"""

import base64
import fcntl
import hmac
import json
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.crypto.masters import MasterAbsent, MasterAway, MasterRefused, Masters
from synthgate.ledger.errors import KeyLost, StoreFailed, WrongMasterKey
from synthgate.ledger.files import FileOps

ROWS: Final = 1024
NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
ROW_BYTES: Final = NONCE_BYTES + KEY_BYTES + 16
ERASED: Final = bytes(ROW_BYTES)
FILE: Final = re.compile(r"[0-9a-f]{16}")
_CHECK_BYTES: Final = 33
_LOCK: Final = "lock"


class FileKey(NamedTuple):
    """What opens a file's rows. ``master``: the id of the key that opens this one; of version 1 it is that
    one.
    """

    key: bytes
    version: int
    master: str


def row_start(row: int) -> int:
    """Where a row begins."""
    return _HEADER_BYTES + row * ROW_BYTES


def header(file_id: str, file_key: bytes, version: int) -> bytes:
    """A file's first line: says which it is, and lets its key be told from others."""
    check = hmac.digest(file_key, b"synthgate userkeys " + file_id.encode(), "sha256")
    return f"synthgate userkeys {version} {file_id} {ROWS:04d} {check.hex()[:32]}\n".encode()


_HEADER_BYTES: Final = len(header("0" * 16, b"", 1))


def wrap_row(cipher: AESGCM, kid: str, key: bytes) -> bytes:
    """A row. It is bound to its place."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, key, kid.encode())


def unwrap_row(cipher: AESGCM, kid: str, row: bytes, where: str) -> bytes:
    """The key in a row. Raises KeyLost."""
    try:
        return cipher.decrypt(row[:NONCE_BYTES], row[NONCE_BYTES:], kid.encode())
    except InvalidTag as error:
        raise KeyLost(f"{where} is damaged: restore it from a copy") from error


def file_key(path: Path, masters: Masters) -> FileKey:
    """The key of a file, its header checked. Raises KeyLost, WrongMasterKey, StoreFailed."""
    found = read(path, 0, _HEADER_BYTES)
    for version in (1, 2):
        border = _HEADER_BYTES - _CHECK_BYTES
        if found[:border] != header(path.stem, b"", version)[:border]:
            continue
        if version == 2:
            wrapped = open_wrap(path, masters)
            if not hmac.compare_digest(found, header(path.stem, wrapped.key, 2)):
                raise KeyLost(f"{path} and the .wrap beside it are not of one making: restore both")
            return wrapped
        for kid, key in masters.plain().items():
            if hmac.compare_digest(found, header(path.stem, key, 1)):
                return FileKey(key, 1, kid)
        raise WrongMasterKey(
            f"master.key is not the key that {path} was made with: "
            f"put back this installation's master.key (a new one cannot open old content)"
        )
    raise KeyLost(f"{path} does not start as a key file does: restore it from a copy")


def is_of(path: Path, known: FileKey) -> bool:
    """Whether a file is the one this key was found for. Raises KeyLost, StoreFailed."""
    return hmac.compare_digest(
        read(path, 0, _HEADER_BYTES), header(path.stem, known.key, known.version)
    )


def open_wrap(path: Path, masters: Masters) -> FileKey:
    """A file's key from the ``.wrap`` beside it. Raises KeyLost, WrongMasterKey, StoreFailed."""
    beside = path.with_suffix(".wrap")
    try:
        row = json.loads(beside.read_bytes())
        kid, wrapped = str(row["master"]), base64.b64decode(row["wrapped"], validate=True)
    except FileNotFoundError as error:
        raise KeyLost(f"no {beside}: restore it from a copy") from error
    except OSError as error:
        raise StoreFailed(f"cannot read {beside}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise KeyLost(f"{beside} cannot be read: restore it from a copy") from error
    try:
        return FileKey(masters.unwrap(kid, wrapped, _context(path)), 2, kid)
    except MasterAbsent as error:
        raise WrongMasterKey(
            f"{beside} is under the master key {kid}, and no master.key here is that one: "
            f"put it back (`synthgate keys show` names those there are)"
        ) from error
    except MasterRefused as error:
        raise KeyLost(f"{beside} is not what was wrapped: restore it from a copy") from error
    except MasterAway as error:
        raise StoreFailed(f"the KMS does not open {beside}: {error}") from error


def encode_wrap(path: Path, key: bytes, masters: Masters) -> bytes:
    """The ``.wrap`` of a file, under the current master, opened again before anything rests on it.

    Raises StoreFailed where the KMS is away, refuses, or does not give back what it was given.
    """
    try:
        wrapped = masters.wrap(key, _context(path))
        back = masters.unwrap(masters.current, wrapped, _context(path))
    except (MasterAbsent, MasterAway, MasterRefused) as error:
        raise StoreFailed(f"the KMS does not wrap the key of {path}: {error}") from error
    if not hmac.compare_digest(back, key):
        raise StoreFailed(f"the KMS does not give back the key of {path} that it wrapped")
    row = {"v": 1, "master": masters.current, "wrapped": base64.b64encode(wrapped).decode()}
    return json.dumps(row).encode() + b"\n"


def encode_keys(file_id: str, key: bytes, rows: Sequence[bytes]) -> bytes:
    """The ``.keys`` of a file of version 2."""
    return b"".join((header(file_id, key, 2), *rows))


def replace(path: Path, data: bytes, ops: FileOps) -> None:
    """Put a whole file in the place of one, or of none; durable when this returns. Raises OSError."""
    temporary = path.parent / f"{secrets.token_hex(8)}.tmp"
    try:
        ops.write_whole(temporary, data)
        ops.rename(temporary, path)
        ops.sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone among those who change rows that stand: who erases, and who makes files new. Raises OSError."""
    fd = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def read(path: Path, start: int, length: int) -> bytes:
    """Some bytes of a file. Raises KeyLost where it ends before them."""
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


def _context(path: Path) -> bytes:
    return b"synthgate userkeys " + path.stem.encode()
