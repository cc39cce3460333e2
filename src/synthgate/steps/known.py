"""What can be said of a record that was not understood, without saying what it holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from synthgate.events.event import Event
from synthgate.events.origin import Origin
from synthgate.events.wire import Malformed
from synthgate.step import SourceRecord
from synthgate.steps.envelope import present
from synthgate.steps.quarantine import UNKNOWN_TENANT

TIME_FALLBACK: Final = "1970-01-01T00:00:00Z"
ATTRIBUTE_BYTES_MAX: Final = 256
KEY_BYTES_MAX: Final = 4096
"""Tenant and user of 256 characters each, and a sub-key, fit."""
FIRST_ENTRIES_ONLY: Final = ("clock", "expired")
"""Findings that judge first entries alone; all others stand for whatever comes back."""
_NAMES: Final = ("id", "source", "type", "time")


@dataclass(slots=True)
class Again:
    """A quarantined record, as if it came in again."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def known_of(record: SourceRecord, origin: Origin) -> tuple[dict[str, Any], str]:
    """The attributes a malformed record still gives away, so that its sender can match the answer."""
    attrs: dict[str, Any] = {}
    for name, raw in present(record.headers):
        short = name.removeprefix("ce_")
        if short in _NAMES and len(raw) <= ATTRIBUTE_BYTES_MAX:
            attrs[short] = raw.decode("utf-8", "replace")
    if not attrs and record.value is not None:
        try:
            outer = orjson.loads(record.value)
            for name in _NAMES:
                if isinstance(outer.get(name), str) and len(outer[name]) <= ATTRIBUTE_BYTES_MAX:
                    attrs[name] = outer[name]
        except (orjson.JSONDecodeError, AttributeError):
            pass
    named = {"id": str(origin), "source": "synthgate:door", "type": ""} | attrs
    named["specversion"] = "1.0"
    try:
        Event(named, {}).time_ms  # noqa: B018 - is it a moment?
    except (KeyError, ValueError, OverflowError):
        named["time"] = TIME_FALLBACK
    return named, _tenant_of(record.key)


def _tenant_of(key: bytes | None) -> str:
    if key is None or not printable(key) or b"/" not in key:
        return UNKNOWN_TENANT
    return key.decode().split("/", 1)[0] or UNKNOWN_TENANT


def printable(key: bytes | None) -> bool:
    """Whether a key can stand on a decision as it is."""
    return key is None or (bounded(key) and key.decode().isprintable())


def bounded(key: bytes | None) -> bool:
    """Whether a key is UTF-8 and short enough to travel on every passage and decision."""
    if key is None:
        return True
    try:
        key.decode()
    except UnicodeDecodeError:
        return False
    return len(key) <= KEY_BYTES_MAX


def lasting(findings: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Findings that an answer does not wipe out: a missing pass is still missing."""
    return [dict(found) for found in findings if found["code"] not in FIRST_ENTRIES_ONLY]


def headers_in(evidence: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Record headers as an operator gives them back: pairs of strings.

    Raises:
        Malformed: they are something else.
    """
    rows = evidence.get("headers", [])
    pairs = isinstance(rows, list) and all(isinstance(row, list) and len(row) == 2 for row in rows)
    if not pairs or not all(isinstance(part, str) for row in rows for part in row):
        raise Malformed("reentry_malformed", "headers are a list of name and value")
    return [(name, value.encode()) for name, value in rows]
