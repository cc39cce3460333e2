"""Tokens: what stands in for a person everywhere outside the platform.

HMAC-SHA-256 under the token key, so nobody without the key can try names or numbers against a
token. Every field is length-prefixed and every kind of token has its own domain, so two different
questions never meet in one answer.
"""

import hmac
from functools import lru_cache

TOKEN_CHARS = 32


@lru_cache(maxsize=65_536)
def user_token(key: bytes, tenant: str, user: str) -> str:
    """The token of a tenant's user: 32 hex characters, the same for ever under one key."""
    return _token(key, "user", tenant, user)


def identity_token(key: bytes, tenant: str, scheme: str, number: str) -> str:
    """The token of an identity document: ``scheme`` names its kind ("resident-id"), ``number`` is
    its normal form.
    """
    return _token(key, "identity", tenant, scheme, number)


def same_token(left: str, right: str) -> bool:
    """Compare two tokens in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def _token(key: bytes, domain: str, *fields: str) -> str:
    message = bytearray(b"synthgate token 1")
    for field in (domain, *fields):
        # A lone surrogate cannot be written as UTF-8, yet JSON may carry one: it keeps a token of
        # its own.
        encoded = field.encode("utf-8", "surrogatepass")
        message += len(encoded).to_bytes(4, "big") + encoded
    return hmac.digest(key, message, "sha256").hex()[:TOKEN_CHARS]
