"""A consent as its giver's side signed it: a compact JWS (RFC 7515) under Ed25519 (RFC 8037).

A consent that travels in the event needs no copy of every consent in every worker: the signature is checked
once, the answer kept under the receipt's hash, and from then on only revocations are looked up. The header is
exactly ``{"alg":"EdDSA","kid":…,"typ":"consent+jwt"}``; the claims are ``aud`` (the tenant), ``exp`` (Unix
seconds) and ``consent`` (the members of a row of facts.consents).
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

TEXT_CHARS_MAX: Final = 8_192
TYPE: Final = "consent+jwt"
YEAR_10000_S: Final = 253_402_300_800
_BASE64: Final = re.compile(r"[A-Za-z0-9_-]+")
_KEY_BYTES: Final = 32

ReceiptFault = Literal["malformed", "unknown_key", "bad_signature", "wrong_audience"]


class ReceiptError(Exception):
    """A receipt that counts for nothing. ``code`` is stable."""

    def __init__(self, code: ReceiptFault, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class ReceiptKeysError(ValueError):
    """The key set cannot be used; the sentence names the file and how to mend it."""


class Claims(NamedTuple):
    """What a genuine receipt says. expires_at: Unix ms; kid: whose word it is."""

    consent: Mapping[str, Any]
    expires_at: int
    kid: str


@dataclass(frozen=True, slots=True)
class ReceiptKeys:
    """Public keys by id, each with the tenants it may speak for (None: all)."""

    keys: Mapping[str, tuple[Ed25519PublicKey, frozenset[str] | None]]

    @classmethod
    def load(cls, path: Path) -> Self:
        """A JWK set (RFC 7517): ``{"keys": [{"kty":"OKP","crv":"Ed25519","kid":…,"x":…,"tenants":[…]}]}``.

        Raises:
            ReceiptKeysError: no such file, or not such a set.
        """
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise ReceiptKeysError(f"consent keys {path}: {error.strerror}") from None
        return cls.read(raw, str(path))

    @classmethod
    def read(cls, raw: bytes, where: str) -> Self:
        """The same of its bytes; ``where`` they are from, for the sentence.

        Raises:
            ReceiptKeysError: not such a set.
        """
        try:
            keys = [_key(row) for row in _object(raw)["keys"]]
        except (ValueError, KeyError, TypeError):
            raise ReceiptKeysError(
                f"consent keys {where}: not a JWK set of Ed25519 public keys with kid and x"
            ) from None
        if len({kid for kid, *_ in keys}) != len(keys) or not keys:
            raise ReceiptKeysError(f"consent keys {where}: no key, or two of one kid")
        return cls({kid: (key, tenants) for kid, key, tenants in keys})


def check_receipt(keys: ReceiptKeys, text: str, tenant: str) -> Claims:
    """What a receipt says, once it is known to be genuine and meant for this tenant.

    Whether it has expired is for whoever knows the time of the act.

    Raises:
        ReceiptError: it counts for nothing, and why.
    """
    parts = text.split(".")
    if len(text) > TEXT_CHARS_MAX or len(parts) != 3:
        raise ReceiptError("malformed", f"not three parts, or beyond {TEXT_CHARS_MAX} characters")
    try:
        header, payload, signature = (_bytes(part) for part in parts)
        named = _object(header)
    except ValueError:
        raise ReceiptError("malformed", "a part is not base64url of a JSON object") from None
    kid = named.get("kid")
    if named != {"alg": "EdDSA", "kid": kid, "typ": TYPE} or not isinstance(kid, str):
        raise ReceiptError("malformed", f"the header is not alg EdDSA, kid and typ {TYPE} alone")
    known = keys.keys.get(kid)
    if known is None or (known[1] is not None and tenant not in known[1]):
        raise ReceiptError("unknown_key", "no key of this id may speak for this tenant")
    try:
        known[0].verify(signature, f"{parts[0]}.{parts[1]}".encode())
    except InvalidSignature:
        raise ReceiptError("bad_signature", "the signature does not fit") from None
    return _claims(payload, tenant, kid)


def sign_receipt(
    private: bytes, kid: str, *, tenant: str, expires_at: int, consent: Mapping[str, Any]
) -> str:
    """Sign a consent. private: 32 bytes; expires_at: Unix ms, cut to seconds."""
    header = {"alg": "EdDSA", "kid": kid, "typ": TYPE}
    claims = {"aud": tenant, "exp": expires_at // 1000, "consent": dict(consent)}
    signed = ".".join(_text(_JSON.encode(part).encode()) for part in (header, claims))
    signature = Ed25519PrivateKey.from_private_bytes(private).sign(signed.encode())
    return f"{signed}.{_text(signature)}"


def public_jwk(private: bytes, kid: str) -> dict[str, str]:
    """The public half of a signing key, as the key set holds it."""
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": _text(public)}


_JSON: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _claims(payload: bytes, tenant: str, kid: str) -> Claims:
    try:
        said = _object(payload)
        audience, expires, consent = said["aud"], said["exp"], said["consent"]
    except (ValueError, KeyError):
        raise ReceiptError("malformed", "the claims lack aud, exp or consent") from None
    if type(expires) is not int or not 0 <= expires < YEAR_10000_S or not isinstance(consent, dict):
        raise ReceiptError("malformed", "exp is no Unix time in seconds, or consent is no object")
    if audience != tenant or consent.get("tenant") != tenant:
        raise ReceiptError("wrong_audience", "the receipt was given to another tenant")
    return Claims(consent, expires * 1000, kid)


def _key(row: Mapping[str, Any]) -> tuple[str, Ed25519PublicKey, frozenset[str] | None]:
    raw = _bytes(row["x"])
    if (row["kty"], row["crv"], len(raw)) != ("OKP", "Ed25519", _KEY_BYTES) or "d" in row:
        raise ValueError("no public Ed25519 key")
    tenants = row.get("tenants")
    if not isinstance(row["kid"], str) or not isinstance(tenants, list | None):
        raise TypeError("kid or tenants")
    key = Ed25519PublicKey.from_public_bytes(raw)
    return row["kid"], key, None if tenants is None else frozenset(map(str, tenants))


def _bytes(text: str) -> bytes:
    """Base64url without padding; another text for the same bytes is refused."""
    if _BASE64.fullmatch(text) is None:
        raise ValueError("not base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _text(data) != text:
        raise ValueError("not canonical")
    return data


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _object(data: bytes) -> dict[str, Any]:
    found = json.loads(data, object_pairs_hook=_once)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 (one kind of error for what is no claim)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found
