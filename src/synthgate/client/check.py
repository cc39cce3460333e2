"""What the door would refuse, refused here: the same limits, before anything is sent.

The codes are the door's own. The door checks again and alone decides. This check spares the app a round
trip and names what to mend; no sentence of it holds content.
"""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from synthgate.client.errors import EventError
from synthgate.events.event import Event, time_ms
from synthgate.events.wire import EVENT_BYTES_MAX, Malformed, admit

if TYPE_CHECKING:
    from pydantic import ValidationError

ATTRIBUTE_CHARS_MAX: Final = 256
_MEND: Final[Mapping[str, str]] = {
    "too_large": f"an event has at most {EVENT_BYTES_MAX} bytes: put what is larger into the object store and"
    " name it in content.objects",
    "number_range": "write a number beyond 2^53 as a string",
    "too_deep": "flatten it",
}
_UNKNOWN_TYPE_MEND: Final = "the types an app may send are in synthgate.events.types"


class Checked(NamedTuple):
    """What is sent: exactly these bytes, under this key."""

    value: bytes
    key: bytes
    sha256: str
    headers: list[tuple[str, bytes]]


def check(event: Event, *, topic: str, tenant: str, source: str) -> Checked:
    """The record of an event on ``topic`` (logical name), as CloudEvents 1.0 in binary mode.

    Raises:
        EventError: the door would not admit it.
    """
    if event.attrs.get("source") != source:
        raise EventError(
            "wrong_source", "/source", "not the source of this gate",
            "build events with gate.events, or open a gate with that source",
        )  # fmt: skip
    value = validated(event.attrs, event.data, topic=topic)
    if event.tenant != tenant:
        raise EventError(
            "wrong_tenant", "/data/tenant", "not the tenant of this gate",
            "one gate speaks for one tenant: open another",
        )  # fmt: skip
    key = f"{tenant}/{event.user}".encode()
    no_plain_identity(event, key)
    return Checked(value, key, hashlib.sha256(value).hexdigest(), bound_headers(event.attrs))


def validated(attrs: Mapping[str, Any], data: Mapping[str, Any], *, topic: str) -> bytes:
    """The data bytes of an event, once nothing about it would be refused at the door.

    Raises:
        EventError: the door would not admit it.
    """
    _attributes(attrs)
    value = _bytes(data)
    try:
        admitted = admit(value)
    except Malformed as fault:
        mend = _MEND.get(fault.code, "send one JSON object")
        raise EventError(fault.code, "/data", _detail(fault), mend) from None
    _shape(attrs["type"], topic, admitted)
    return value


def _attributes(attrs: Mapping[str, Any]) -> None:
    for name in ("id", "source", "type", "time", "specversion"):
        text = attrs.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= ATTRIBUTE_CHARS_MAX:
            raise EventError(
                "bad_envelope", f"/{name}", "missing, empty, too long or no string",
                f"CloudEvents asks for {name}: 1 to {ATTRIBUTE_CHARS_MAX} characters",
            )  # fmt: skip
        if not text.isprintable():
            raise EventError("bad_envelope", f"/{name}", "a control character", "take it out")
    if attrs["specversion"] != "1.0":
        raise EventError("bad_envelope", "/specversion", "not 1.0", "send CloudEvents 1.0")
    try:
        time_ms(attrs["time"])
    except ValueError:
        raise EventError(
            "bad_envelope", "/time", "not an RFC 3339 moment with an offset",
            "write it like 2026-01-31T08:00:00.000Z",
        ) from None  # fmt: skip


def _bytes(data: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(data)
    except (TypeError, ValueError) as error:
        raise EventError(
            "not_json", "/data", str(error), "use strings, numbers, booleans, lists and dicts"
        ) from None


def _detail(fault: Malformed) -> str:
    return str(fault).partition(": ")[2]


def _shape(event_type: str, topic: str, data: Mapping[str, Any]) -> None:
    # The models need pydantic: an app that only verifies passes never pays for it.
    from pydantic import ValidationError

    from synthgate.events.types import TYPES

    row = TYPES.get(event_type)
    if row is None or row.topic != topic or row.model is None:
        raise EventError(
            "unknown_type", "/type", f"no event of {topic} has this type", _UNKNOWN_TYPE_MEND
        )
    try:
        row.model.model_validate(data)
    except ValidationError as error:
        where, fault = first_fault(error)
        raise EventError("bad_shape", f"/data{where}", fault, "mend this member") from None


def first_fault(error: "ValidationError") -> tuple[str, str]:
    """Where and what, without the input: it may be content."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    where = "".join(f"/{part}" for part in faults[0]["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return where, faults[0]["msg"] + more


def no_plain_identity(event: Event, key: bytes) -> None:
    """Nobody's phone or identity number in plain, content aside.

    Raises:
        EventError: where one stands, never what it is.
    """
    from synthgate.events.plain_identity import find_plain_identity

    places = find_plain_identity(event.attrs, event.data, key)
    if places:
        raise EventError(
            "plain_identity", places[0], "a plain phone or identity number",
            "send the platform's own id or a token; numbers stay in your vault",
        )  # fmt: skip


def bound_headers(attrs: Mapping[str, Any]) -> list[tuple[str, bytes]]:
    """Record headers of an event (CloudEvents Kafka binding, binary mode)."""
    names = ("specversion", "id", "source", "type", "time")
    headers = [(f"ce_{name}", attrs[name].encode()) for name in names]
    if attrs.get("canary"):  # of the operator's own tools alone
        headers.append(("ce_canary", attrs["canary"].encode()))
    headers.append(("content-type", b"application/json"))
    if attrs.get("traceparent"):
        headers.append(("traceparent", attrs["traceparent"].encode()))
    return headers
