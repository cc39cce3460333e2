"""Key files of both versions under a master key, and what must hold of them."""

import hmac
import secrets
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.crypto.masters import LocalMasters
from synthgate.ledger.errors import KeyErased
from synthgate.ledger.userkeys import ROWS, KeyRing

OLD, NEW = b"o" * 32, b"n" * 32
BOTH = LocalMasters([OLD, NEW])
ERASED_ROW = 7
Model = tuple[Path, dict[str, bytes], str]
"""The folder, some keys by id, and the id that was erased."""


def a_file_of_version_1(folder: Path, master: bytes = OLD) -> dict[str, bytes]:
    """As older releases wrote it: rows under the master key itself."""
    folder.mkdir(exist_ok=True)
    file_id = secrets.token_hex(8)
    check = hmac.digest(master, b"synthgate userkeys " + file_id.encode(), "sha256").hex()[:32]
    parts = [f"synthgate userkeys 1 {file_id} {ROWS:04d} {check}\n".encode()]
    keys = {}
    for row in range(ROWS):
        kid, key, nonce = f"{file_id}:{row}", secrets.token_bytes(32), secrets.token_bytes(12)
        parts.append(nonce + AESGCM(master).encrypt(nonce, key, kid.encode()))
        keys[kid] = key
    (folder / f"{file_id}.keys").write_bytes(b"".join(parts))
    return keys


def some(keys: dict[str, bytes]) -> dict[str, bytes]:
    return {kid: key for kid, key in keys.items() if int(kid.split(":")[1]) in (0, 1, 500, 1023)}


def a_model(folder: Path) -> Model:
    """A file of each version under the old master, a row of the first erased."""
    one = a_file_of_version_1(folder)
    ring = KeyRing.open(folder, OLD)
    kids = [ring.key_for(str(number)).kid for number in range(3)]
    gone = f"{next(iter(one)).split(':')[0]}:{ERASED_ROW}"
    ring.erase(gone)
    return folder, some(one) | {kid: ring.content_key(kid) for kid in kids}, gone


def holds(folder: Path, keys: dict[str, bytes], gone: str, masters: Any) -> None:
    ring = KeyRing.open(folder, masters)
    assert {kid: ring.content_key(kid) for kid in keys} == keys
    with pytest.raises(KeyErased):
        ring.cipher(gone)
