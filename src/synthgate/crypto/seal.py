"""Sealed boxes: anyone may close one with the operator's public key, only the operator can open it.

A fresh X25519 key per box, HKDF-SHA-256 (RFC 5869) over the shared secret, AES-256-GCM. Layout:
``magic and version (5) || ephemeral public key (32) || ciphertext and tag``. Key and nonce both
come from HKDF and are used once, since the ephemeral key is.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC: Final = b"SGSB\x01"
"""Every box begins with it."""
_PUBLIC_BYTES = 32
_START = len(MAGIC) + _PUBLIC_BYTES
_TAG_BYTES = 16

OVERHEAD_BYTES = _START + _TAG_BYTES
"""How much longer a box is than what it holds."""


class SealError(Exception):
    """A box could not be closed or opened: wrong key, wrong context, or changed bytes."""


def seal(public: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Close ``plaintext`` to the raw X25519 key ``public``; to open it, give ``aad`` again."""
    ephemeral = X25519PrivateKey.generate()
    ephemeral_public = ephemeral.public_key().public_bytes_raw()
    cipher, nonce = _cipher(ephemeral, public, ephemeral_public, public)
    return MAGIC + ephemeral_public + cipher.encrypt(nonce, plaintext, MAGIC + aad)


def unseal(private: bytes, box: bytes, aad: bytes) -> bytes:
    """Open ``box`` with the raw X25519 key ``private``. Raises SealError, saying no more than that
    it failed.
    """
    if not box.startswith(MAGIC):
        raise SealError("not a sealed box of a known version")
    if len(box) < OVERHEAD_BYTES:
        raise SealError("the sealed box is cut short")
    ephemeral_public = box[len(MAGIC) : _START]
    key = _private(private)
    public = key.public_key().public_bytes_raw()
    cipher, nonce = _cipher(key, ephemeral_public, ephemeral_public, public)
    try:
        return cipher.decrypt(nonce, box[_START:], MAGIC + aad)
    except InvalidTag as error:
        raise SealError("wrong key, wrong context, or changed bytes") from error


def _private(raw: bytes) -> X25519PrivateKey:
    try:
        return X25519PrivateKey.from_private_bytes(raw)
    except ValueError as error:
        raise SealError("not an X25519 key") from error


def _cipher(
    mine: X25519PrivateKey, theirs: bytes, ephemeral_public: bytes, public: bytes
) -> tuple[AESGCM, bytes]:
    try:
        secret = mine.exchange(X25519PublicKey.from_public_bytes(theirs))
    except ValueError as error:  # wrong length, or a point of small order
        raise SealError("not an X25519 key") from error
    info = b"synthgate sealed box" + MAGIC + ephemeral_public + public
    derived = HKDF(algorithm=SHA256(), length=44, salt=None, info=info).derive(secret)
    return AESGCM(derived[:32]), derived[32:]
