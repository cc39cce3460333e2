"""The pass: a release in a form that a model server, a CDN or a publish service can check without
Kafka.

``base64url(json) "." base64url(HMAC-SHA-256)``, unpadded. One algorithm: a pass names a key, never
a method, so there is nothing to downgrade. The MAC runs over the text as sent. Only the standard
library is needed here.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

TEXT_CHARS_MAX = 524_288
"""More than the pass of the largest admissible event (256 KiB, in base64) can need."""
_DOMAIN = b"synthgate pass 1\x00"
_SHA256_HEX = re.compile(r"[0-9a-f]{64}")

PassUse = Literal["serve", "cite"]
PassFault = Literal[
    "malformed",
    "unknown_key",
    "bad_mac",
    "expired",
    "not_released",
    "wrong_tenant",
    "wrong_generation",
    "unknown_object",
    "wrong_object",
]


class PassError(Exception):
    """A pass that must not be obeyed. ``code`` is stable and fit for a verdict's reason and a
    metric's label.
    """

    def __init__(self, code: PassFault, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class PassKeys(NamedTuple):
    """The live pass keys by id: ``signing`` makes new passes, every one of ``keys`` verifies."""

    signing: str
    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassBody:
    """What a pass says. ``objects`` maps the names that may be served to their SHA-256 in hex;
    times are ms.
    """

    tenant: str
    generation: str
    event_type: str
    produce_id: str | None
    user: str
    subjects: tuple[str, ...]
    objects: Mapping[str, str]
    action: str
    serve_until: int
    cite_until: int
    log: int
    index: int
    kid: str = field(default="")
    segment: int | None = None
    shown: str | None = None


_PLAIN = tuple(PassBody.__dataclass_fields__.keys() - {"log", "index", "kid", "segment", "shown"})
_STREAMED = ("segment", "shown")
"""Only in the pass of a part of a stream: its number, and a keyed hash of the end of what is shown with it."""
_JSON = json.JSONEncoder(ensure_ascii=True, sort_keys=True, separators=(",", ":"))


def make_pass(keys: PassKeys, body: PassBody) -> str:
    """Sign ``body`` with the signing key, whose id replaces ``body.kid``. The same arguments give
    the same text.
    """
    row = {name: getattr(body, name) for name in _PLAIN}
    row |= {name: getattr(body, name) for name in _STREAMED if getattr(body, name) is not None}
    row["kid"] = keys.signing
    row["objects"] = dict(body.objects)
    row["receipt"] = {"log": body.log, "index": body.index}
    text = _JSON.encode(row)
    payload = _to_base64(text.encode("ascii"))
    return f"{payload}.{_to_base64(_mac(keys.keys[keys.signing], payload))}"


def verify_pass(
    keys: PassKeys,
    text: str,
    *,
    now_ms: int,
    use: PassUse,
    tenant: str | None = None,
    generation: str | None = None,
    object_name: str | None = None,
    object_sha256: str | None = None,
) -> PassBody:
    """Return what the pass says if it is genuine, a release, in time for ``use``, and about what is
    asked.

    ``use="serve"`` asks whether the objects may be delivered now; ``"cite"`` whether a later event
    may rest on it. Each argument given is checked; for serving give the object's name and the hash
    of the bytes. Raises PassError.
    """
    body = _authentic(keys, text)
    if body.action != "release":
        raise PassError("not_released", f"the pass records {body.action}, not a release")
    until = {"serve": body.serve_until, "cite": body.cite_until}[use]
    if now_ms >= until:
        raise PassError("expired", f"the pass was good to {use} until {until}, it is {now_ms}")
    if tenant is not None and body.tenant != tenant:
        raise PassError("wrong_tenant", "the pass belongs to another tenant")
    if generation is not None and body.generation != generation:
        raise PassError("wrong_generation", "the pass belongs to another generation")
    _check_object(body, object_name, object_sha256)
    return body


def _check_object(body: PassBody, name: str | None, sha256: str | None) -> None:
    if name is not None:
        if name not in body.objects:
            raise PassError("unknown_object", f"the pass does not name the object {name!r}")
        if sha256 is not None and not hmac.compare_digest(
            body.objects[name].encode(), sha256.lower().encode()
        ):
            raise PassError("wrong_object", f"the bytes of {name!r} are not those released")
    elif sha256 is not None and sha256.lower() not in body.objects.values():
        raise PassError("unknown_object", "no object of the pass has this hash")


def _authentic(keys: PassKeys, text: str) -> PassBody:
    """The body, once its MAC is right. Only the key id is used before that."""
    payload, dot, mac_text = text.partition(".")
    if len(text) > TEXT_CHARS_MAX or not dot:
        raise PassError("malformed", "not of the form body.mac")
    mac = _from_base64(mac_text)
    fields = _object(_from_base64(payload))
    kid = fields.get("kid")
    if not isinstance(kid, str):
        raise PassError("malformed", "the body names no key")
    if kid not in keys.keys:
        raise PassError("unknown_key", "the pass was signed with a key this service does not hold")
    if not hmac.compare_digest(_mac(keys.keys[kid], payload), mac):
        raise PassError("bad_mac", "the signature does not fit")
    return _body(fields)


def _body(fields: dict[str, Any]) -> PassBody:
    try:
        receipt = fields.pop("receipt")
        body = PassBody(
            **{**fields, "subjects": tuple(fields["subjects"]), **receipt},
        )
    except (KeyError, TypeError) as error:
        raise PassError("malformed", "the body lacks a field or has one too many") from error
    whole = (body.serve_until, body.cite_until, body.log, body.index)
    words = (body.tenant, body.generation, body.event_type, body.user, body.action, *body.subjects)
    sound = (
        all(type(number) is int for number in whole)
        and all(isinstance(word, str) for word in words)
        and isinstance(body.produce_id, str | None)
        and (body.segment is None or type(body.segment) is int)
        and isinstance(body.shown, str | None)
        and isinstance(body.objects, dict)
        and all(isinstance(h, str) and _SHA256_HEX.fullmatch(h) for h in body.objects.values())
    )
    if not sound:
        raise PassError("malformed", "a field of the body has the wrong type")
    return body


def _object(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise PassError("malformed", "the body is not JSON") from error
    if not isinstance(fields, dict):
        raise PassError("malformed", "the body is not a JSON object")
    return fields


def _mac(key: bytes, payload: str) -> bytes:
    return hmac.digest(key, _DOMAIN + payload.encode("ascii"), "sha256")


def _to_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    """Decode, refusing every spelling but the one ``_to_base64`` writes: one pass has one text."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise PassError("malformed", "not base64url") from error
    if _to_base64(raw) != text:
        raise PassError("malformed", "not base64url in its one proper spelling")
    return raw
