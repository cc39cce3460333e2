"""Signed notes (C2SP signed-note) with Ed25519: the outer form of a log's checkpoints.

    <text, its last line ended by a newline>
    <empty line>
    — <key name> <base64 of 4 bytes of key hash and the signature>

A note may carry signatures of others (witnesses); those of unknown keys are passed over.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_HASH_BYTES = 4
_SPLIT = "\n\n"
_DASH = "— "


class NoteError(ValueError):
    """The bytes are not a note that this key has signed; the sentence says which and why."""


class Verifier(NamedTuple):
    """Whose signature is asked for: a key name and 32 raw bytes of an Ed25519 public key."""

    name: str
    public: bytes

    @property
    def key_hash(self) -> bytes:
        """The four bytes by which a signature line says whose it is."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[
            :_HASH_BYTES
        ]

    def encoded(self) -> str:
        """The verifier key as other tools take it: ``name+hash+key``."""
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.key_hash.hex()}+{key}"


def sign(text: str, name: str, private: bytes) -> str:
    """The note over ``text``, which must end with a newline. ``private``: 32 raw bytes."""
    if not text.endswith("\n") or not name or any(sign in name for sign in "+ \n\t"):
        raise NoteError("a note's text ends with a newline; a key name has no space and no plus")
    key = Ed25519PrivateKey.from_private_bytes(private)
    verifier = Verifier(name, key.public_key().public_bytes_raw())
    signature = base64.b64encode(verifier.key_hash + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH}{name} {signature}\n"


def open_note(note: str, verifier: Verifier, where: str) -> str:
    """The text of a note that this key has signed, every line of it as a note has it. Raises NoteError."""
    text, split, signatures = note.rpartition(_SPLIT)
    if not split or not signatures.endswith("\n"):
        raise NoteError(f"{where}: not a signed note")
    text += "\n"
    key = Ed25519PublicKey.from_public_bytes(verifier.public)
    signed = False
    for line in signatures.removesuffix("\n").split("\n"):
        name, gap, encoded = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not gap or not name:
            raise NoteError(f"{where}: a signature line cannot be read")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except binascii.Error as error:
            raise NoteError(f"{where}: a signature is not base64") from error
        if name != verifier.name or raw[:_HASH_BYTES] != verifier.key_hash:
            continue
        if base64.b64encode(raw).decode() != encoded:
            # Spare bits behind the last byte: no signature covers them, and a changed note must not pass.
            raise NoteError(f"{where}: the signature of {name} is not written as it was signed")
        try:
            key.verify(raw[_HASH_BYTES:], text.encode())
        except InvalidSignature as error:
            raise NoteError(f"{where}: the signature of {name} does not fit the text") from error
        signed = True
    if not signed:
        raise NoteError(f"{where}: not signed by {verifier.encoded()}")
    return text
