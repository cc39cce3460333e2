"""What the door would refuse, refused here: the same limits, before anything is sent.

The codes are the door's own. The door checks again and alone decides. This check spares the app a round
trip and names what to mend; no sentence of it holds content.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from synthgate.client.errors import EventError
from synthgate.events import admission
from synthgate.events.admission import NotAdmittedError, bound_headers, first_fault
from synthgate.events.event import Event

__all__ = ["Checked", "bound_headers", "check", "first_fault", "no_plain_identity", "validated"]


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
    try:
        return admission.validated(attrs, data, topic=topic)
    except NotAdmittedError as fault:
        raise EventError(fault.code, fault.where, fault.fault, fault.mend) from None


def no_plain_identity(event: Event, key: bytes) -> None:
    """Nobody's phone or identity number in plain, content aside.

    Raises:
        EventError: where one stands, never what it is.
    """
    try:
        admission.no_plain_identity(event, key)
    except NotAdmittedError as fault:
        raise EventError(fault.code, fault.where, fault.fault, fault.mend) from None
