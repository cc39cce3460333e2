"""Which part of which streamed answer an event is, and the notes in the store that speak of it."""

import hashlib
from dataclasses import dataclass

import orjson

from synthgate.events.event import Event


@dataclass(frozen=True, slots=True)
class Stream:
    """Which part of which stream; ``mark`` names the store's note that its first part was labelled.

    ``begun`` names retention's note that the first part was released.
    """

    index: int
    mark: str
    begun: str


def stream_name(event: Event) -> str:
    """One name for all parts of a stream, which tells nothing of user or generation."""
    whose = orjson.dumps(["stream", event.tenant, event.user, event.generation_id])
    return hashlib.sha256(whose).hexdigest()


def stream_of(event: Event, log: int) -> Stream | None:
    """The part of a stream an event is, or None."""
    segment = event.generation.get("segment")
    if event.type != "generation.segment" or not isinstance(segment, dict):
        return None
    name = stream_name(event)
    return Stream(segment["index"], f"{log}/stream-{name}.json", f"{log}/begun-{name}.json")
