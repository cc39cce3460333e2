"""The trace context of the platform's event (W3C Trace Context), carried over the topics to the decision."""

import re
from typing import Final

from synthgate.events.passage import Passage

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def trace(passage: Passage) -> list[tuple[str, bytes]]:
    """Headers of what comes of a passage: its ``traceparent`` if it is one; a header holds no words."""
    parent = passage.attrs.get("traceparent")
    if not isinstance(parent, str) or _TRACEPARENT.fullmatch(parent) is None:
        return []
    return [("traceparent", parent.encode())]


def logged_trace(raw: bytes) -> list[tuple[str, bytes]]:
    """As ``trace``, of a passage as it lies in the log; most have none and are not parsed for it."""
    return trace(Passage.parse(raw, None)) if b'"traceparent"' in raw else []
