"""CloudEvents 1.0 over Kafka: structured and binary mode, to attributes and the data bytes as received."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from synthgate.events.wire import Malformed, admit, member_bytes
from synthgate.step import SourceRecord

REQUIRED: Final[Mapping[str, int]] = {"id": 256, "source": 512, "type": 256, "time": 40}
"""Characters of each, at most; all of them printable."""
ATTRIBUTES_MAX: Final = 64
ATTRIBUTE_CHARS_MAX: Final = 1024
ATTRIBUTES_BYTES_MAX: Final = 32_768
"""All of them as JSON: they travel with every passage and stand in every entry."""
_FEW: Final = 8
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def open_envelope(record: SourceRecord) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """Attributes, data bytes exactly as received, and data parsed.

    Binary mode if a ``ce_specversion`` header is present, else structured.

    Raises:
        Malformed: the codes of ``wire.admit`` and ``bad_envelope``.
    """
    value = record.value
    if value is None:
        raise Malformed("not_json", "the record has no value")
    headers = dict(present(record.headers))
    if "ce_specversion" in headers:
        attrs = _binary(headers)
        data = value
        parsed = admit(data)
    else:
        outer = admit(value)
        attrs = {name: item for name, item in outer.items() if name != "data"}
        if not isinstance(outer.get("data"), dict):
            raise Malformed(
                "bad_envelope", "a structured event needs specversion and an object data"
            )
        data = member_bytes(value, "data")
        parsed = outer["data"]
    _check(attrs)
    return attrs, data, parsed


def _binary(headers: Mapping[str, bytes]) -> dict[str, Any]:
    attrs: dict[str, Any] = {}
    for name, raw in headers.items():
        if name.startswith("ce_"):
            try:
                attrs[name[3:]] = raw.decode()
            except UnicodeDecodeError:
                raise Malformed("bad_envelope", f"header {_told(name)} is not UTF-8") from None
    trace = headers.get("traceparent")
    if trace is not None and "traceparent" not in attrs:
        attrs["traceparent"] = trace.decode("ascii", "replace")
    return attrs


def present(headers: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, bytes]]:
    """Headers that hold something, names in lower case. Kafka lets a header have no value."""
    return [(name.lower(), raw) for name, raw in headers if raw is not None]


def _check(attrs: Mapping[str, Any]) -> None:
    if attrs.get("specversion") != "1.0":
        raise Malformed("bad_envelope", "specversion is not 1.0")
    if len(attrs) > ATTRIBUTES_MAX:
        raise Malformed("bad_envelope", f"more than {ATTRIBUTES_MAX} attributes")
    for name, chars_max in REQUIRED.items():
        value = attrs.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= chars_max:
            raise Malformed("bad_envelope", f"attribute {name} is missing, too long or no string")
        if not value.isprintable():
            raise Malformed("bad_envelope", f"attribute {name} holds what cannot be printed")
    for name, value in attrs.items():
        if name not in REQUIRED and _NAME.fullmatch(name) is None:
            raise Malformed("bad_envelope", "the name of an attribute is too long or no name")
        if not isinstance(value, str | int | bool):
            raise Malformed("bad_envelope", f"attribute {_told(name)} is not a simple value")
        if isinstance(value, str) and len(value) > ATTRIBUTE_CHARS_MAX:
            raise Malformed("bad_envelope", f"attribute {_told(name)} is too long")
    # So few cannot come to so much.
    if len(attrs) > _FEW and len(orjson.dumps(attrs)) > ATTRIBUTES_BYTES_MAX:
        raise Malformed("bad_envelope", f"attributes beyond {ATTRIBUTES_BYTES_MAX} bytes")


def _told(name: str) -> str:
    """An attribute's name as it may be repeated: a sender may have put a number or a person there."""
    return name if len(name) <= 24 and name.isascii() and name.isalpha() else "(unnamed)"
