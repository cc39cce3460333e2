"""Valid ledger things with your changes."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synthgate.events.origin import Origin
from synthgate.ledger import CheckpointKey, Draft, KeyRing, LocalStore, Log, Prover
from synthgate.ledger.files import FileOps

MASTER = b"m" * 32


def an_origin(
    offset: int, topic: str = "generation.events", log: int = 0, epoch: int = 1
) -> Origin:
    return Origin(epoch, topic, log, offset)


def an_id(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def a_draft(offset: int, **changes: Any) -> Draft:
    origin = changes.pop("origin", an_origin(offset))
    values: dict[str, Any] = {
        "origin": origin,
        "header": {"tenant": "acme", "type": "generation.completed", "action": "release"},
        "content": f"content {offset}".encode(),
        "user": "u" * 32,
        "root": origin,
        "revision": 1,
        "answers": None,
        "id_hash": None,
        "event_mac": "a" * 64,
    }
    return Draft(**{**values, **changes})


def a_store(folder: Path, ops: FileOps | None = None) -> LocalStore:
    return LocalStore(folder / "logs", ops)


def a_ring(folder: Path, ops: FileOps | None = None) -> KeyRing:
    return KeyRing.open(folder / "user-keys", MASTER, ops)


def a_log(folder: Path, ops: FileOps | None = None, log: int = 0, **options: Any) -> Log:
    return Log.open(a_store(folder, ops), a_ring(folder), log, **options)


LOG_NAME = "log.example"
SIGNING = CheckpointKey(
    LOG_NAME,
    b"c" * 32,
    Ed25519PrivateKey.from_private_bytes(b"c" * 32).public_key().public_bytes_raw(),
)


def a_prover(folder: Path, ops: FileOps | None = None, log: int = 0, **changes: Any) -> Prover:
    key = replace(SIGNING, **changes)
    return Prover(a_store(folder, ops), folder / "proofs" / f"{log:05d}", log, key, ops)


def filled(folder: Path, sizes: Sequence[int], log: int = 0) -> Log:
    """A log with one segment of each size, on top of what is there."""
    found = a_log(folder, log=log)
    for size in sizes:
        start = found.head
        drafts = [a_draft(n, origin=an_origin(n, log=log)) for n in range(start, start + size)]
        found.append(drafts, 1_000 + start)
    return found
