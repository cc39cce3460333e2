"""Where a plain number could stand, and how each place is searched. Content is not: it may hold any words."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import orjson

from synthgate.bucket import Bucket
from synthgate.events.plain_identity import find_plain_identity, holds_plain_identity
from synthgate.events.topics import BY_NAME, Kind
from synthgate.events.wire import Malformed
from synthgate.registries.entries import raw_pairs
from synthgate.steps.envelope import open_envelope, present

SENT: Final = frozenset({Kind.SOURCE})
"""Topics others write: what stands there was sent to us, and the chain refuses it."""
_CHUNK_BYTES: Final = 1 << 20
_OVERLAP: Final = 128
"""Characters of a chunk that are searched again with the next: no number is longer."""
NAMED_MAX: Final = 20
"""Findings of one place told one by one."""


@dataclass(slots=True)
class Place:
    """One topic, folder or address: how much was searched, and where numbers stand (never which)."""

    name: str
    searched: int = 0
    sent: bool = False
    count: int = 0
    found: list[str] = field(default_factory=list)
    note: str = ""

    def add(self, where: str) -> None:
        """One finding."""
        self.count += 1
        if len(self.found) < NAMED_MAX:
            self.found.append(where)


def in_record(topic: str, record: Any) -> tuple[str, ...]:
    """Where in a record plain numbers stand: ``/key``, ``/headers``, ``/value`` or a pointer."""
    places = [name for name, text in _around(record) if holds_plain_identity(text)]
    value: bytes = record.value or b""
    kind = BY_NAME[topic].kind
    if kind is Kind.CHAIN:
        places.extend(_in_passage(value))
    elif kind in SENT:
        places.extend(_in_event(record))
    elif holds_plain_identity(value.decode(errors="replace")):
        places.append("/value")
    return tuple(dict.fromkeys(places))


def _around(record: Any) -> Iterator[tuple[str, str]]:
    if record.key is not None:
        yield "/key", record.key.decode(errors="replace")
    for name, raw in present(record.headers):
        yield "/headers", name
        yield "/headers", raw.decode(errors="replace")


def _in_event(record: Any) -> tuple[str, ...]:
    """Attributes and declared members; what is no event was sealed away whole, and is content to us."""
    try:
        attrs, _, data = open_envelope(record)
    except Malformed:
        return ()
    return find_plain_identity(attrs, data, None)


def _in_passage(value: bytes) -> Iterator[str]:
    """All but the event's content and what a desk wrote as evidence."""
    try:
        row = orjson.loads(value)
        event = row.pop("event")
        attrs = row["attrs"]
        if row.get("reentry"):
            row["reentry"].pop("evidence", None)
        rest = orjson.dumps(row).decode()
    except (ValueError, KeyError, AttributeError, TypeError):
        yield "/value (no passage)"
        return
    yield from find_plain_identity(attrs, event, None)
    if holds_plain_identity(rest):
        yield "/verdicts"


def in_stores(root: Path, place: Place) -> None:
    """Search the local stores below a folder; ``searched`` counts rows."""
    for current in sorted(root.rglob("CURRENT")):
        for key, value in raw_pairs(current.parent):
            place.searched += 1
            if holds_plain_identity(
                f"{key.decode(errors='replace')} {value.decode(errors='replace')}"
            ):
                place.add(f"{current.parent.name} row {place.searched}")


def in_files(root: Path, place: Place, pattern: str = "*") -> None:
    """Search files, below a folder all that match; ``searched`` counts files."""
    paths = sorted(root.rglob(pattern)) if root.is_dir() else [root]
    for path in paths:
        if path.is_file():
            place.searched += 1
            with path.open("rb") as file:
                if _in_file(file):
                    place.add(str(path))


def in_bucket(bucket: Bucket, place: Place, end: str = "") -> None:
    """Search objects whose names have this end; ``searched`` counts objects."""
    for name, *_ in bucket.names():
        if name.endswith(end):
            place.searched += 1
            if _in_file(io.BytesIO(bucket.get(name))):
                place.add(f"{bucket.place}{name}")


def _in_file(file: IO[bytes]) -> bool:
    """Whether a number stands in a file, text or not; cut characters at chunk ends are passed over."""
    before = ""
    while chunk := file.read(_CHUNK_BYTES):
        text = before + chunk.decode(errors="replace")
        if holds_plain_identity(text):
            return True
        before = text[-_OVERLAP:]
    return False
