"""The trace context of the platform's event (W3C Trace Context), carried over the topics to the decision."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from synthgate.events.passage import Passage

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_SAMPLED: Final = 1


class Parent(NamedTuple):
    """The platform's span that an event was sent in. sampled: whether its trace is recorded."""

    trace: int
    span: int
    sampled: bool


def trace(passage: Passage) -> list[tuple[str, bytes]]:
    """Headers of what comes of a passage: its ``traceparent`` if it is one; a header holds no words."""
    parent = passage.attrs.get("traceparent")
    if not isinstance(parent, str) or _TRACEPARENT.fullmatch(parent) is None:
        return []
    return [("traceparent", parent.encode())]


def logged_trace(raw: bytes) -> list[tuple[str, bytes]]:
    """As ``trace``, of a passage as it lies in the log; most have none and are not parsed for it."""
    return trace(Passage.parse(raw, None)) if b'"traceparent"' in raw else []


def parent_of(headers: Sequence[tuple[str, bytes]]) -> Parent | None:
    """The span named by headers that ``trace`` made; None if none is, or one that is not valid."""
    for name, raw in headers:
        if name == "traceparent":
            version, trace_id, span_id, flags = raw.decode().split("-")
            parent = Parent(int(trace_id, 16), int(span_id, 16), bool(int(flags, 16) & _SAMPLED))
            return parent if version != "ff" and parent.trace and parent.span else None
    return None
