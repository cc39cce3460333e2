"""Whether the door would admit an event: its own limits and codes, asked before anything is sent.

The door asks again and alone decides. No sentence here holds content.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import orjson

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


class NotAdmittedError(ValueError):
    """The door would not admit it. ``code`` is stable; ``where`` points into the event (``/data/user/id``)."""

    def __init__(self, code: str, where: str, fault: str, mend: str) -> None:
        super().__init__(f"{where}: {fault} ({code}); {mend}")
        self.code = code
        self.where = where
        self.fault = fault
        self.mend = mend


def validated(attrs: Mapping[str, Any], data: Mapping[str, Any], *, topic: str) -> bytes:
    """The data bytes of an event, once nothing about it would be refused at the door.

    Raises:
        NotAdmittedError: the door would not admit it.
    """
    _attributes(attrs)
    value = _bytes(data)
    try:
        admitted = admit(value)
    except Malformed as fault:
        mend = _MEND.get(fault.code, "send one JSON object")
        raise NotAdmittedError(fault.code, "/data", _detail(fault), mend) from None
    _shape(attrs["type"], topic, admitted)
    return value


def _attributes(attrs: Mapping[str, Any]) -> None:
    for name in ("id", "source", "type", "time", "specversion"):
        text = attrs.get(name)
        if not isinstance(text, str) or not 0 < len(text) <= ATTRIBUTE_CHARS_MAX:
            raise NotAdmittedError(
                "bad_envelope", f"/{name}", "missing, empty, too long or no string",
                f"CloudEvents asks for {name}: 1 to {ATTRIBUTE_CHARS_MAX} characters",
            )  # fmt: skip
        if not text.isprintable():
            raise NotAdmittedError("bad_envelope", f"/{name}", "a control character", "take it out")
    if attrs["specversion"] != "1.0":
        raise NotAdmittedError("bad_envelope", "/specversion", "not 1.0", "send CloudEvents 1.0")
    # Of the attributes that may be left out, those that become headers: text, or the record cannot be written.
    for name in ("traceparent", "canary"):
        text = attrs.get(name)
        if text not in (None, "") and not (isinstance(text, str) and _is_plain(text)):
            raise NotAdmittedError(
                "bad_envelope", f"/{name}", "too long, no string or not printable",
                "leave it out, or send what CloudEvents asks for",
            )  # fmt: skip
    try:
        time_ms(attrs["time"])
    except ValueError:
        raise NotAdmittedError(
            "bad_envelope", "/time", "not an RFC 3339 moment with an offset",
            "write it like 2026-01-31T08:00:00.000Z",
        ) from None  # fmt: skip


def _is_plain(text: str) -> bool:
    return len(text) <= ATTRIBUTE_CHARS_MAX and text.isprintable()


def _bytes(data: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(data)
    except (TypeError, ValueError) as error:
        raise NotAdmittedError(
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
        raise NotAdmittedError(
            "unknown_type", "/type", f"no event of {topic} has this type", _UNKNOWN_TYPE_MEND
        )
    try:
        row.model.model_validate(data)
    except ValidationError as error:
        where, fault = first_fault(error)
        raise NotAdmittedError("bad_shape", f"/data{where}", fault, "mend this member") from None


def first_fault(error: "ValidationError") -> tuple[str, str]:
    """Where and what, without the input: it may be content."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    where = "".join(f"/{part}" for part in faults[0]["loc"])
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return where, faults[0]["msg"] + more


def no_plain_identity(event: Event, key: bytes) -> None:
    """Nobody's phone or identity number in plain, content aside.

    Raises:
        NotAdmittedError: where one stands, never what it is.
    """
    from synthgate.events.plain_identity import find_plain_identity

    places = find_plain_identity(event.attrs, event.data, key)
    if places:
        raise NotAdmittedError(
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
