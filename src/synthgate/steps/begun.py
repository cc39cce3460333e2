"""Streams at the append: what a part rests on, what it leaves shown, and that a refused part ends it all.

A stream's later parts carry no label people can see: none is released before its first part was. Labelling sees
to it that the first part was labelled; but a part that is labelled may still be refused at the append. So a
release of a first part is noted in the object store before its answer goes out, and what rests on it is asked
here. A part that moderation refuses is noted likewise: nothing of that generation is released after it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.events.streams import shown_after, shown_mac
from synthgate.steps.batched import Batched
from synthgate.steps.stream_parts import stream_name, stream_of

NOTE: Final = b'{"v":1}'
_PART: Final = "generation.segment"
_GOES_OUT: Final = (
    "asset.exported", "export.unlabelled_requested", "content.published", "content.transformed",
)  # fmt: skip
"""What lets a streamed answer out of the app: a stream that ended badly stays in."""


class Notes(Protocol):
    """The object store, as far as it is used here."""

    far: bool

    def ahead(self, read: Collection[str] = (), ask: Collection[str] = ()) -> None:
        """Ask whether these are there, all at once, before ``exists`` is called for each."""

    def exists(self, name: str) -> bool:
        """Whether a note of this name is there."""

    def put_all(self, objects: Mapping[str, bytes]) -> frozenset[str]:
        """Create what is not there yet, durable on return."""


def asked_for(passages: Iterable[Passage], log: int) -> set[str]:
    """Names that retention will ask for: what is released with these, and what their streams rest on."""
    names: set[str] = set()
    for passage in passages:
        carried = (passage.verdict("labelling") or {}).get("carried") or {}
        names.update(item["name"] for item in carried.get("objects", ()))
        event = passage.event
        if event.type == _PART or event.type in _GOES_OUT:
            names.add(_ended(event, log))
        stream = stream_of(event, log)
        if stream is not None and stream.index > 0:
            names.add(stream.begun)
    return names


def shown_before(event: Event, token_key: bytes) -> str | None:
    """Keyed hash of what an event says was shown before it; None if it is no part of a stream."""
    return shown_mac(token_key, _shown(event)) if event.type == _PART else None


def streamed(event: Event, token_key: bytes) -> dict[str, Any]:
    """What the pass of a part says beside the rest: its number, and what is shown once it is."""
    if event.type != _PART:
        return {}
    shown = shown_after(_shown(event), event.text or "")
    index = event.generation["segment"]["index"]
    return {"segment": index, "shown": shown_mac(token_key, shown)}


def _shown(event: Event) -> str:
    shown = event.content.get("shown")
    return shown if isinstance(shown, str) else ""


def stream_faults(passage: Passage, batch: Batched, notes: Notes) -> Iterator[tuple[str, str]]:
    """(code, where) of what stands against a part, or against letting its stream out."""
    if _rests_on_nothing(passage, batch, notes):
        yield "label_missing", "/generation/segment"
    event = passage.event
    if event.type == _PART or event.type in _GOES_OUT:
        ended = _ended(event, batch.log.log_id)
        if ended in batch.begun or notes.exists(ended):
            yield "recalled", "generation"


def _ended(event: Event, log: int) -> str:
    return f"{log}/ended-{stream_name(event)}.json"


def _rests_on_nothing(passage: Passage, batch: Batched, notes: Notes) -> bool:
    """Whether a later part must show a label that only an unreleased first part carries."""
    stream = stream_of(passage.event, batch.log.log_id)
    if stream is None or stream.index == 0:
        return False
    labelling = passage.verdict("labelling")
    if labelling is None:
        return False
    facts = labelling["facts"]
    if facts.get("a17_item") is None or facts.get("interface_label"):
        return False
    return stream.begun not in batch.begun and not notes.exists(stream.begun)


def begun_by(passage: Passage, action: str, log: int) -> Iterable[str]:
    """The note a decision calls for: it releases the first part of a stream, or moderation refused a part."""
    event = passage.event
    if event.type != _PART:
        return ()
    if action == "release":
        stream = stream_of(event, log)
        return () if stream is None or stream.index > 0 else (stream.begun,)
    refused = any(
        row["obligation"] == "moderation" and row["outcome"] == "refuse" for row in passage.said
    )
    return (_ended(event, log),) if refused else ()
