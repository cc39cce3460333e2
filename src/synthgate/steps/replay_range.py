"""What a replay is over: entries by their place in a log, by where they came from, by time, or in a bundle.

Each entry comes as its place and its content; in place of a content that is not there comes why it is not.
"""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

from synthgate.events.event import time_ms
from synthgate.events.origin import Origin
from synthgate.ledger import Entry, LogReader
from synthgate.ledger.bundle_check import Opened
from synthgate.ledger.errors import EntryExpired, KeyErased
from synthgate.ledger.log_ids import is_records
from synthgate.steps.never_read import runs

Content = tuple[str, bytes | str]
"""Place of an entry, and what it holds or why nobody can read it."""
SHUT: Final = "not in the bundle"
UNDATED: Final = "expired, of a time nobody knows"


class Origins(NamedTuple):
    """Offsets of one partition of a source topic, the end not included."""

    epoch: int
    topic: str
    partition: int
    start: int
    end: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``1/generation.events/0/100..200``; ValueError names what is wrong."""
        first, dots, end = text.partition("..")
        if not dots or not end.isdigit():
            raise ValueError("write it as EPOCH/TOPIC/PARTITION/FROM..TO")
        return cls(*Origin.parse(first), int(end))


class Times(NamedTuple):
    """From when until when, Unix ms, the end not included."""

    since: int
    until: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``FROM..TO``, RFC 3339; ValueError names what is wrong."""
        since, dots, until = text.partition("..")
        if not dots:
            raise ValueError("write it as FROM..TO")
        return cls(time_ms(since), time_ms(until))


def of_indexes(reader: LogReader, start: int, end: int) -> Iterator[Content]:
    """The entries from ``start`` up to, not including, ``end``. Raises LedgerError."""
    for index, found in enumerate(reader.each(start, end), start):
        yield f"{reader.log_id}/{index}", _content(found)


def of_origins(reader: LogReader, origins: Origins) -> Iterator[Content]:
    """The entries these offsets came to; segments that hold none of them are not read. Raises LedgerError."""
    wanted = reader.of_offsets(origins.epoch, origins.topic, origins.start, origins.end)
    for start, end in runs(wanted):
        yield from of_indexes(reader, start, end)


def of_times(reader: LogReader, start: int, end: int, times: Times) -> Iterator[Content]:
    """Entries of events of this time, as the events say it. Raises LedgerError.

    An entry that has expired does not say it any more; what was written before this time is none of it.
    """
    for index, found in enumerate(reader.each(start, end), start):
        where = f"{reader.log_id}/{index}"
        if isinstance(found, EntryExpired):
            if reader.recorded_at(index) >= times.since:
                yield where, UNDATED
            continue
        header = found.header if isinstance(found, Entry) else reader.header(index)
        at = header.get("event_time")
        if at is not None and times.since <= at < times.until:
            yield where, _content(found)


def of_bundle(entries: Iterable[Opened]) -> Iterator[Content]:
    """The passages of an evidence bundle; without its key an entry says nothing of what was decided on."""
    for one in entries:
        if is_records(one.log):
            continue
        why = SHUT if one.state == "kept" else one.state
        yield f"{one.log}/{one.index}", why if one.content is None else one.content


def _content(found: Entry | KeyErased | EntryExpired) -> bytes | str:
    if isinstance(found, Entry):
        return found.content
    return "erased" if isinstance(found, KeyErased) else "expired"
