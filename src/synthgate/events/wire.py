"""What the door admits: strict JSON, and the exact bytes it stood in.

Admitted: UTF-8 JSON, one object, no duplicate keys, every number finite and within ±2^53, at most
``DEPTH_MAX`` levels, at most ``EVENT_BYTES_MAX`` bytes (RFC 8259; I-JSON, RFC 7493, for numbers and keys).
"""

import json
import re
from typing import Any, Final

import orjson

EVENT_BYTES_MAX: Final = 256 * 1024
EVIDENCE_BYTES_MAX: Final = 64 * 1024
DEPTH_MAX: Final = 32
NUMBER_MAX: Final = 2**53

# A string, and the colon behind it if it is a key. Possessive, so hostile input costs linear time.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"(\s*+:)?')
_SPACE = re.compile(r"[ \t\n\r]*+")
_DECODER = json.JSONDecoder()


class Malformed(ValueError):
    """The bytes are not admitted. ``code`` is stable and hangs on a text in both languages."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


def admit(data: bytes) -> dict[str, Any]:
    """Parse one JSON object strictly.

    Raises:
        Malformed: too_large, not_json, not_object, duplicate_key, number_range, too_deep.
    """
    if len(data) > EVENT_BYTES_MAX:
        raise Malformed("too_large", f"{len(data)} bytes; at most {EVENT_BYTES_MAX}")
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed("not_json", str(error)) from None
    if not isinstance(parsed, dict):
        raise Malformed("not_object", f"the top level is {type(parsed).__name__}")
    keys = _check(parsed, 1)
    strings = _STRING.findall(data)  # for each, the colon behind it or nothing
    if len(strings) - strings.count(b"") != keys:
        raise Malformed("duplicate_key", "a key stands twice in one object")
    return parsed


def parse(data: bytes) -> Any:
    """Any JSON, as strictly, but of any size and kind: what does not go to the chain as it is.

    Raises:
        Malformed: not_json, duplicate_key, number_range, too_deep.
    """
    try:
        parsed = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_constant)
        _check([parsed], 0)
    except RecursionError:
        raise Malformed("too_deep", f"more than {DEPTH_MAX} levels") from None
    except Malformed:
        raise
    except ValueError as error:
        raise Malformed("not_json", type(error).__name__) from None
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("duplicate_key", "a key stands twice in one object")
    return found


def _no_constant(name: str) -> Any:
    raise Malformed("not_json", f"{name} is no JSON")


def _check(value: Any, depth: int) -> int:
    """Keys in the tree; raises Malformed on a number or a depth that is not admitted."""
    if depth > DEPTH_MAX:
        raise Malformed("too_deep", f"more than {DEPTH_MAX} levels")
    keys = 0
    if isinstance(value, dict):
        keys = len(value)
        value = value.values()
    for item in value:
        kind = type(item)
        if kind is dict or kind is list:
            keys += _check(item, depth + 1)
        elif (kind is int or kind is float) and not -NUMBER_MAX <= item <= NUMBER_MAX:
            raise Malformed("number_range", "a number beyond ±2^53")
    return keys


def member_bytes(data: bytes, name: str) -> bytes:
    """The exact bytes of one top-level member's value, as received. ``data`` was admitted before.

    Raises:
        KeyError: no such member.
    """
    text = data.decode()
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        _, at = _DECODER.raw_decode(text, start)
        if key == name:
            return text[start:at].encode()
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    raise KeyError(name)


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
