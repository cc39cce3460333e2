"""A mapping applied: a record becomes an event the door would admit, or it is said which expression failed."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import orjson

from synthgate.events.admission import (
    NotAdmittedError,
    bound_headers,
    no_plain_identity,
    validated,
)
from synthgate.events.event import Event
from synthgate.mapping.expressions import Expression, FailedError
from synthgate.mapping.file import EventRule, Mapping, Member, ReplyRule

RECORD_BYTES_MAX: Final = 1_000_000
_ATTRS: Final = frozenset({"specversion", "id", "source", "type", "time", "traceparent"})


class UnmappedError(ValueError):
    """A record no event or reply was made of.

    ``at``: rule and member (``asked: data.user.id``), with the expression as it stands in the file. why: no
    content.
    """

    def __init__(self, at: str, expression: str, why: str) -> None:
        super().__init__(f"{at} = {expression}: {why}" if expression else f"{at}: {why}")
        self.at = at
        self.expression = expression
        self.why = why


class Made(NamedTuple):
    """One record for a topic. rule: what made it."""

    rule: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    row: dict[str, Any]
    """What was made, for people and tests: attrs and data, or key and value."""


def event(mapping: Mapping, record: Any) -> Made | None:
    """The event a record is; None: it is to be ignored.

    Raises:
        UnmappedError: which expression failed.
    """
    if any(_holds("ignore", when, record) for when in mapping.ignored):
        return None
    rule = next((one for one in mapping.events if _holds(one.name, one.when, record)), None)
    if rule is None:
        raise UnmappedError("no rule", "", "no event's `when` holds, and no ignore's")
    attrs = {
        "specversion": "1.0",
        "type": rule.type,
        **_built(f"{rule.name}: attrs", rule.attrs, record),
    }
    data = _built(f"{rule.name}: data", rule.data, record)
    try:
        value = validated(attrs, data, topic="generation.events")
        made = Event(attrs, data)
        key = f"{made.tenant}/{made.user}".encode()
        no_plain_identity(made, key)
    except NotAdmittedError as fault:
        raise _refused(rule, fault) from None
    return Made(rule.name, key, value, bound_headers(attrs), {"attrs": attrs, "data": data})


def reply(mapping: Mapping, record: Any) -> Made | None:
    """The platform's answer made of a decision; None: no rule is for it.

    Raises:
        UnmappedError: which expression failed.
    """
    rule = next((one for one in mapping.replies if _holds(one.name, one.when, record)), None)
    if rule is None:
        return None
    key = _given(f"{rule.name}: key", rule.key, record)
    if not isinstance(key, str):
        raise UnmappedError(f"{rule.name}: key", rule.key.text, "it gives no text")
    value = _value(rule, record)
    try:
        written = orjson.dumps(value)
    except TypeError:  # a sum beyond 64 bits
        raise UnmappedError(f"{rule.name}: value", "", "it is no JSON a topic takes") from None
    if len(written) > RECORD_BYTES_MAX:
        raise UnmappedError(f"{rule.name}: value", "", "larger than a topic takes")
    kind = [("content-type", b"application/json")]
    return Made(rule.name, key.encode(), written, kind, {"key": key, "value": value})


def _value(rule: ReplyRule, record: Any) -> Any:
    if isinstance(rule.value, Expression):
        return _given(f"{rule.name}: value", rule.value, record)
    return _built(f"{rule.name}: value", rule.value, record)


def _holds(name: str, when: Expression, record: Any) -> bool:
    try:
        return when.of(record) is True
    except FailedError as error:
        raise UnmappedError(f"{name}: when", when.text, str(error)) from None


def _given(at: str, expression: Expression, record: Any) -> Any:
    try:
        found = expression.of(record)
    except FailedError as error:
        raise UnmappedError(at, expression.text, str(error)) from None
    if found is None:
        raise UnmappedError(at, expression.text, "it gives nothing")
    return found


def _built(at: str, members: Sequence[Member], record: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for member in members:
        try:
            found = _given(f"{at}.{member.where}", member.expression, record)
        except UnmappedError as error:
            if member.may_miss and error.why == "it gives nothing":
                continue
            raise
        inside = made
        for name in member.path[:-1]:
            inside = inside.setdefault(name, {})
        inside[member.path[-1]] = found
    return made


def _refused(rule: EventRule, fault: NotAdmittedError) -> UnmappedError:
    """What the door would not admit, by the expression that made it."""
    parts = _place(tuple(part for part in fault.where.split("/") if part))
    members = rule.data if parts[:1] == ("data",) else rule.attrs
    path = parts[1:]
    made = [
        one for one in members if path[: len(one.path)] == one.path or one.path[: len(path)] == path
    ]
    text = made[0].expression.text if path and made else ""
    return UnmappedError(f"{rule.name}: {'.'.join(parts)}", text, f"{fault.fault} ({fault.code})")


def _place(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Below ``attrs`` or ``data``, wherever the door's checks point to."""
    if parts == ("key",):
        return ("data", "user", "id")
    if parts[:1] in (("data",), ("attrs",)):
        return parts
    return ("attrs" if parts[:1] and parts[0] in _ATTRS else "data", *parts)
