"""The canary's names: a tenant of our own, whose events walk the whole chain and are never released."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

TENANT: Final = "_canary"
TEMPLATE: Final = "canary"
TERMS: Final = "canary"
ATTRIBUTE: Final = "canary"
"""CloudEvents attribute that holds the MAC."""
REFUSED: Final = "canary"
"""Reason code it ends with when everything else passed."""
FORGED: Final = "canary_forged"
"""Finding of the door: this tenant without our MAC."""
_LETTERS: Final = str.maketrans("0123456789abcdef", "ghijklmnopabcdef")
_BOUND: Final = ("id", "source", "type", "time")


def mac_of(key: bytes, attrs: Mapping[str, Any], data: bytes) -> str:
    """HMAC-SHA-256 over attributes and data bytes; in letters, for digits could read as somebody's number."""
    parts = [str(attrs[name]).encode() for name in _BOUND]
    lengths = b"".join(len(part).to_bytes(4, "big") for part in parts)
    body = b"".join((b"canary", lengths, *parts, hashlib.sha256(data).digest()))
    return hmac.digest(key, body, "sha256").hex().translate(_LETTERS)


def vouched(key: bytes | None, attrs: Mapping[str, Any], data: bytes) -> bool:
    """Whether we sent it; nobody did where no canary key is held."""
    said = attrs.get(ATTRIBUTE)
    if key is None or not isinstance(said, str) or not said.isascii():
        return False
    return hmac.compare_digest(said, mac_of(key, attrs, data))
