"""From decisions to the logged records they rested on, and from a case to its own: what evidence takes along.

A verdict names the positions its registries were read to; of what the log holds below them, the newest row on
the person, the template, the library and the law in force counts, and every row on a person's consents.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson

from synthgate.events.origin import Origin
from synthgate.events.passage import Passage
from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.steps.answers import unpack
from synthgate.steps.record_entry import BY_SUBJECT, BY_USER, person_of, recorded
from synthgate.steps.trace_index import Traced, TraceIndex, passage_of

_IN_FORCE: Final = ("library", "law")
Read = Mapping[tuple[str, int], tuple[int, int]]
"""Topic and partition to the epoch and the position read to; all of an earlier epoch lies below it."""


def rested_on(
    index: TraceIndex, found: Iterable[Traced], store: SegmentStore, ring: KeyRing
) -> list[Traced]:
    """Logged records that the verdicts of these entries rested on, each once. Raises LedgerError."""
    rows: dict[tuple[int, int], Traced] = {}
    for one in found:
        try:
            entry = LogReader(store, ring, one.log).read(one.place)
        except (KeyErased, EntryExpired):
            continue
        passage = passage_of(unpack(entry.content))
        if passage is None or passage.event.stub is not None:
            continue
        read = _positions(passage)
        for row in _on(index, one, passage, read):
            rows[row.log, row.place] = row
    return [rows[place] for place in sorted(rows)]


def of_case(
    index: TraceIndex, case: Mapping[str, Any], token_key: bytes, store: SegmentStore, ring: KeyRing
) -> list[Traced]:
    """Every version of a person's case, and of the work it led to, as logged. Raises LedgerError."""
    name, found = case["case"], []
    for one in index.by_user(person_of("cases", None, case, token_key)):
        if _topic(one) not in ("cases", "work"):
            continue
        try:
            record = recorded(LogReader(store, ring, one.log).read(one.place).content)
        except (KeyErased, EntryExpired):
            continue
        row = orjson.loads(record.value) if record is not None and record.value else {}
        if name in (row.get("case"), row.get("cause")):
            found.append(one)
    return found


def _on(index: TraceIndex, one: Traced, passage: Passage, read: Read) -> Iterator[Traced]:
    event = passage.event
    known = [] if one.user is None else index.by_user(one.user)
    for topic in BY_USER:
        yield from _newest(known, topic, read)
    for subject in event.subjects:
        for row in index.by_subject(subject.token):
            if _topic(row) in BY_SUBJECT and _below(row, read):
                yield row
    named = index.named(f"{event.tenant}/{event.template}")
    yield from _newest(named, "facts.templates", read)
    for name in _IN_FORCE:
        yield from _newest(index.named(name), "control", read)


def _newest(rows: Iterable[Traced], topic: str, read: Read) -> list[Traced]:
    below = [row for row in rows if _topic(row) == topic and _below(row, read)]
    return sorted(below, key=lambda row: _place(Origin.parse(row.root)))[-1:]


def _below(row: Traced, read: Read) -> bool:
    origin = Origin.parse(row.root)
    return _place(origin) < read.get((origin.topic, origin.partition), (0, 0))


def _place(origin: Origin) -> tuple[int, int]:
    return origin.epoch, origin.offset


def _topic(row: Traced) -> str:
    return Origin.parse(row.root).topic


def _positions(passage: Passage) -> Read:
    """How far each registry was read, by whichever duty read on furthest."""
    found: dict[tuple[str, int], tuple[int, int]] = {}
    epoch = passage.origin.epoch
    for verdict in passage.verdicts:
        for topic, positions in verdict.get("read", {}).items():
            for partition, position in enumerate(positions):
                place = topic, partition
                found[place] = max((epoch, position), found.get(place, (0, 0)))
    return found
