"""The verifier of evidence bundles: needs the bundle and the checkpoints' public key, no log and no Kafka."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from synthgate.crypto.notes import Verifier
from synthgate.ledger.bundle import Bundle, checkpoint_name, entry_name
from synthgate.ledger.checkpoint import Checkpoint, origin_of, parse_checkpoint
from synthgate.ledger.errors import CheckpointDamaged, EntryDamaged
from synthgate.ledger.merkle import included
from synthgate.ledger.segment import decode_entry, leaf_hash
from synthgate.ledger.userkeys import NONCE_BYTES

_UNFIT = (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError)


@dataclass(slots=True)
class Opened:
    """One entry of a bundle: its clear header, and its content if the bundle holds its key."""

    log: int
    index: int
    state: str
    header: dict[str, Any] | None
    content: bytes | None


@dataclass(slots=True)
class BundleChecked:
    """What came of it. ``proved``: entries that lead to a signed checkpoint."""

    proved: int = 0
    opened: int = 0
    entries: list[Opened] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def check_bundle(bundle: Bundle, public: bytes) -> BundleChecked:
    """Hold every entry against its hash, its proof and its checkpoint; does not stop at the first fault."""
    found = BundleChecked()
    try:
        checkpoints = _checkpoints(bundle, public, found)
        keys = json.loads(bundle.files.get("keys.json", b"{}"))
        rows = bundle.manifest["entries"]
        listed = {entry_name(row["log"], row["index"]) for row in rows if row["state"] != "expired"}
        stray = {name for name in bundle.files if name.startswith("entries/")} ^ listed
        found.faults += [
            f"{name}: in the manifest or in the bundle, not in both" for name in sorted(stray)
        ]
        for row in rows:
            _entry(row, bundle, checkpoints, keys, found)
    except _UNFIT as error:  # a manifest made by somebody who does not know how
        found.faults.append(f"the manifest makes no sense: {error!r}")
    return found


def _checkpoints(bundle: Bundle, public: bytes, found: BundleChecked) -> dict[int, Checkpoint]:
    checkpoints = {}
    for log in sorted({row["log"] for row in bundle.manifest["entries"]}):
        name = checkpoint_name(log)
        verifier = Verifier(origin_of(bundle.manifest["log_name"], log), public)
        try:
            checkpoints[log] = parse_checkpoint(bundle.files[name].decode(), verifier, name)
        except KeyError:
            found.faults.append(f"{name}: is not in the bundle")
        except (CheckpointDamaged, UnicodeDecodeError) as error:
            found.faults.append(f"{name}: {error}")
    return checkpoints


def _entry(
    row: Mapping[str, Any], bundle: Bundle, checkpoints: Mapping[int, Checkpoint],
    keys: Mapping[str, str], found: BundleChecked,
) -> None:  # fmt: skip
    log, index, state = row["log"], row["index"], row["state"]
    name = entry_name(log, index)
    leaf = bytes.fromhex(row["hash"])
    checkpoint = checkpoints.get(log)
    if checkpoint is None:
        return  # said once, of the checkpoint
    path = [bytes.fromhex(step) for step in row["path"]]
    if row["size"] != checkpoint.size or not included(
        leaf, index, checkpoint.size, path, checkpoint.root
    ):
        found.faults.append(f"{name}: does not lead to the checkpoint of its log")
        return
    one = Opened(log, index, state, None, None)
    if state != "expired":
        stored = bundle.files.get(name, b"")
        if leaf_hash(stored) != leaf:
            found.faults.append(f"{name}: is not what was logged")
            return
        try:
            one.header, one.content = _open(stored, name, keys)
        except (EntryDamaged, InvalidTag) as error:
            found.faults.append(
                f"{name}: {str(error) or 'the key given does not open its content'}"
            )
            return
        if (one.header["log"], one.header["index"]) != (log, index):
            found.faults.append(f"{name}: its header says it is another entry")
            return
    found.proved += 1
    found.opened += one.content is not None
    found.entries.append(one)


def _open(stored: bytes, name: str, keys: Mapping[str, str]) -> tuple[dict[str, Any], bytes | None]:
    header, ciphertext = decode_entry(stored, name)
    fields: dict[str, Any] = json.loads(header)
    key = keys.get(fields["kid"])
    if key is None:
        return fields, None
    cipher = AESGCM(bytes.fromhex(key))
    return fields, cipher.decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], header)
