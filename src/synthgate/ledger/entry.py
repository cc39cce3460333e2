"""What goes into the log, what comes back at once, and what can be read later."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from synthgate.events.origin import Origin
from synthgate.ledger.errors import BadDraft
from synthgate.ledger.log_ids import partition_of

REVISION_MAX = 32_767
ID_HASH_BYTES = 32

HEADER_FIELDS = frozenset(
    {
        "index",
        "log",
        "origin",
        "root",
        "revision",
        "supersedes",
        "answers",
        "kid",
        "recorded_at",
        "event_mac",
        "offsets",
    }
)
"""Names the log itself writes into a header; a draft's own fields may not use them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry to be.

    ``header`` is stored in clear: no content and no identity but tokens may stand in it.
    ``content`` is encrypted under a key of ``user`` (a token). ``answers``: the index of the
    entry that this one answers. ``id_hash``: SHA-256 of (tenant, source, id), None for what the
    repeat window does not count. ``offsets``: how many offsets, from the origin's on, this entry
    accounts for: one, but for a range that nobody could read.
    """

    origin: Origin
    header: Mapping[str, Any]
    content: bytes
    user: str
    root: Origin
    revision: int
    answers: int | None
    id_hash: bytes | None
    event_mac: str
    offsets: int = 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an entry stands: ``hash`` is its leaf hash in hex."""

    log: int
    index: int
    hash: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as read: ``content`` is decrypted, ``hash`` (hex) was checked."""

    log: int
    index: int
    hash: str
    header: dict[str, Any]
    content: bytes


def id_hash_of(tenant: str, source: str, event_id: str) -> bytes:
    """What a platform's repeat is known by: (tenant, source, id), hashed."""
    parts = "\x00".join((tenant, source, event_id)).encode()
    return hashlib.sha256(parts).digest()


def check_draft(draft: Draft, log: int, index: int) -> None:
    """Raise BadDraft unless the draft can be entry ``index`` of ``log``."""
    origin = draft.origin
    if origin.partition != partition_of(log):
        raise BadDraft(f"{origin} is not of the partition of log {log}")
    if not 0 <= draft.revision <= REVISION_MAX:
        raise BadDraft(f"{origin}: revision {draft.revision} is not in 0..{REVISION_MAX}")
    if draft.answers is not None and not 0 <= draft.answers < index:
        raise BadDraft(f"{origin}: entry {index} cannot answer entry {draft.answers}")
    if draft.id_hash is not None and len(draft.id_hash) != ID_HASH_BYTES:
        raise BadDraft(f"{origin}: an id hash has {ID_HASH_BYTES} bytes")
    if draft.offsets < 1:
        raise BadDraft(f"{origin}: an entry accounts for one offset at least")
    if not HEADER_FIELDS.isdisjoint(draft.header):
        names = sorted(HEADER_FIELDS.intersection(draft.header))
        raise BadDraft(f"{origin}: the log itself writes {', '.join(names)}")


def header_json(
    draft: Draft, *, log: int, index: int, supersedes: int | None, kid: str, recorded_at_ms: int
) -> bytes:
    """The clear header as stored, in one order of fields. Raises BadDraft."""
    origin = str(draft.origin)
    fields: dict[str, Any] = {
        "index": index,
        "log": log,
        "origin": origin,
        "root": origin if draft.root == draft.origin else str(draft.root),
        "revision": draft.revision,
        "supersedes": supersedes,
        "answers": draft.answers,
        "kid": kid,
        "recorded_at": recorded_at_ms,
        "event_mac": draft.event_mac,
    }
    if draft.offsets != 1:
        fields["offsets"] = draft.offsets
    fields.update(draft.header)
    try:
        return orjson.dumps(fields)
    except TypeError as error:  # orjson's own error is one
        raise BadDraft(f"{origin}: the header is not JSON: {error}") from error
