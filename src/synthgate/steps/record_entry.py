"""What a record of a logged topic becomes in the log: a fact, a rule put in force, a case, work owed.

Origin, time and topic stand in the clear; of rules their key too, which names no person. Key, headers and value
are content, closed by the key of the person it is about, so that erasure reaches them (PIPL 47). Content::

    {"decision":null,"pass":null,"key":base64|null,
     "passage":{"timestamp":ms,"headers":[[name,base64]],"value":base64|null}}
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from synthgate.events.origin import Origin
from synthgate.events.plain_identity import holds_plain_identity
from synthgate.events.topics import DAY_MS
from synthgate.law import Law
from synthgate.ledger import Draft
from synthgate.step import SourceRecord
from synthgate.steps.answers import Content, pack, unpack
from synthgate.steps.entry import NO_USER, mac_of, scope_of

RECORDED: Final = "recorded"
"""Action of an entry that holds a record."""
ABSENT: Final = "absent"
"""Action of an entry for offsets that held nothing when they were read: compacted away, or markers."""

BY_USER: Final = ("facts.accounts", "standings")
BY_SUBJECT: Final = ("facts.consents", "facts.revocations")
"""Topics whose rows are on a user, or on an edited person, by their key."""
_BY_BODY: Final = ("cases", "work", "case.events")
_PERSONAL: Final = (*BY_USER, *BY_SUBJECT, *_BY_BODY)
OF_OUR_OWN: Final = (*BY_USER, *_BY_BODY)
"""Sanctions, cases, work and findings: their three years are our choice, so once the six months of the law are
past a person's request to be erased is stronger (PIPL 47; ADR 0061)."""


class Recorded(NamedTuple):
    """A record, back from its entry. ``key`` is None where it was none or its tombstone named a person."""

    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def record_draft(
    origin: Origin, record: SourceRecord, *, law: Law, token_key: bytes, now_ms: int
) -> Draft:
    """The entry for one record.

    A tombstone is logged without its key where that names a person: what erases must not be a new trace.
    """
    body = _body(record.value) if origin.topic in _BY_BODY else {}
    personal = origin.topic in _PERSONAL
    key = None if personal and record.value is None else record.key
    digest = hashlib.sha256(record.value or b"").hexdigest()
    passage = {
        "timestamp": record.timestamp,
        "headers": [[name, _text(data)] for name, data in record.headers],
        "value": _text(record.value),
    }
    header: dict[str, Any] = {
        "tenant": _tenant(origin.topic, key, body), "type": origin.topic, "action": RECORDED,
        "event_time": record.timestamp, "appended_at": record.timestamp,
        "keep_until": max(now_ms, record.timestamp) + _keep_days(origin.topic, law) * DAY_MS,
    }  # fmt: skip
    name = None if personal or key is None else key.decode(errors="replace")
    if name is not None and not holds_plain_identity(name):
        header["event_id"] = name
    return Draft(
        origin=origin, header=header, content=pack(Content(None, None, key, orjson.dumps(passage))),
        user=person_of(origin.topic, key, body, token_key), root=origin, revision=0, answers=None,
        id_hash=None, event_mac=mac_of(token_key, digest),
    )  # fmt: skip


def nothing_draft(start: Origin, end: int, action: str) -> Draft:
    """The entry for offsets up to, not including, ``end`` that held nothing when read, or never were read."""
    header = {"tenant": "_", "type": start.topic, "action": action, "offsets_to": end}
    return Draft(
        origin=start, header=header, content=pack(Content(None, None, None, b"null")), user=NO_USER,
        root=start, revision=0, answers=None, id_hash=None, event_mac="", offsets=end - start.offset,
    )  # fmt: skip


def recorded(content: bytes) -> Recorded | None:
    """The record an entry holds, None for offsets without one."""
    opened = unpack(content)
    row = orjson.loads(opened.passage)
    if row is None:
        return None
    headers = [(name, base64.b64decode(data)) for name, data in row["headers"]]
    value = None if row["value"] is None else base64.b64decode(row["value"])
    return Recorded(row["timestamp"], opened.key, value, headers)


def _keep_days(topic: str, law: Law) -> int:
    """What the door took is kept as the acts are; all else three years, as ``policy.toml`` says why."""
    kept = law.policy.retention
    return kept.keep_days if topic == "records.door" else kept.proof_keep_days


def _tenant(topic: str, key: bytes | None, body: Mapping[str, Any]) -> str:
    """Stands in the clear header: what is a person's plain number is none."""
    tenant = None
    if topic in _BY_BODY:
        tenant = body.get("tenant")
    elif topic.startswith(("facts.", "standings")) and b"/" in (key or b""):
        tenant = (key or b"").decode(errors="replace").partition("/")[0]
    return tenant if isinstance(tenant, str) and not holds_plain_identity(tenant) else "_"


def person_of(topic: str, key: bytes | None, body: Mapping[str, Any], token_key: bytes) -> str:
    """Token of the person a record is about; the installation's own scope if it is about nobody.

    It stands in the clear in the segment's footer, so what is no token of ours or the platform's is none.
    """
    if topic in BY_USER:
        return scope_of(token_key, key)
    if topic in BY_SUBJECT:
        parts = (key or b"").decode(errors="replace").split("/")
        named = len(parts) == 3 and parts[1] and not holds_plain_identity(parts[1])
        return parts[1] if named else NO_USER
    if topic not in ("cases", "work"):  # a finding is about a case, and names nobody
        return NO_USER
    token = body.get("user") or body.get("recipient")
    if isinstance(token, str) and token:
        return NO_USER if holds_plain_identity(token) else token
    kind, _, rest = str(body.get("case")).partition("/")
    if kind == "user":
        return scope_of(token_key, rest.encode())
    if kind == "deletion":
        return person_of("facts.consents", rest.encode(), {}, token_key)
    return scope_of(token_key, _bytes(body.get("key")))


def _bytes(text: object) -> bytes | None:
    """A record key as a case says it; None for what is none: no record may end the process."""
    try:
        return base64.b64decode(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _body(value: bytes | None) -> Mapping[str, Any]:
    """What a case, work or finding says; nothing if nobody can read it."""
    try:
        row = orjson.loads(value or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return row if isinstance(row, dict) else {}


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()
