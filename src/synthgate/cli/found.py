"""Finding decisions: on the topic while it lasts, in the ledger after."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.ledger import SegmentStore
    from synthgate.settings import Settings


class Found(NamedTuple):
    """A decision as it stands, and where. ``offset`` is None if it was found in the ledger."""

    row: Mapping[str, Any]
    partition: int
    offset: int | None


def names(row: Mapping[str, Any], asked: str) -> bool:
    """Whether a decision or a log header is about what was asked: an event, an origin or a decision by id."""
    known = (row.get("event_id"), row.get("origin"), row.get("root"))
    return asked in known or asked == f"{row.get('root')}#{row.get('revision')}"


async def on_topic(settings: "Settings", asked: str) -> list[Found]:
    """Decisions about an event on the topic, in the order of revisions."""
    from synthgate.cli.positions import records

    # A record is parsed only if the id's own bytes occur in it.
    needle = json.dumps(asked, ensure_ascii=False)[1:-1].encode()
    found = []
    async for record in records(settings, "decisions", whole=True, follow=False):
        if record.value and needle in record.value:
            try:
                row = json.loads(record.value)
            except ValueError:
                continue
            if isinstance(row, dict) and row.get("v") == 1 and names(row, asked):
                found.append(Found(row, record.partition, record.offset))
    return sorted(found, key=lambda one: (one.row["revision"], one.offset))


def in_ledger(settings: "Settings", asked: str) -> list[Found]:
    """Decisions about an event in the ledger: clear headers are searched, newest segments first.

    Raises:
        KeyFolderError, LedgerError: the content cannot be opened.
    """
    from synthgate.ledger import LogReader
    from synthgate.ledger.log_ids import decided
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.lookup import Lookup

    store = open_store(settings)
    places = [
        (log, header["index"])
        for log in decided(store.logs())
        for header in headers(store, log)
        if names(header, asked) and header["action"] != "silent"
    ]
    if not places:
        return []
    ring = open_ring(settings)
    lookup = Lookup(lambda log: LogReader(store, ring, log))
    found = []
    for log, index in places:
        for _, decision in lookup.decisions(log, index, index + 1):
            row = decision.model_dump(mode="json", by_alias=True)
            found.append(Found(row, log, None))
    return sorted(found, key=lambda one: one.row["revision"])


def headers(store: "SegmentStore", log: int) -> Iterator[dict[str, Any]]:
    """Clear headers of a log, the newest segment first."""
    from synthgate.ledger.errors import EntryExpired
    from synthgate.ledger.segment import decode_entry, decode_segment

    for first in reversed(store.firsts(log)):
        try:
            _, entries = decode_segment(store.read(log, first), store.where(log, first))
        except EntryExpired:
            continue
        for entry in entries:
            header, _ = decode_entry(entry, f"a log entry of {log}/{first}")
            row: dict[str, Any] = json.loads(header)
            yield row


async def find(settings: "Settings", asked: str) -> list[Found]:
    """Decisions about an event, by revision.

    Raises:
        CommandError: none is known.
    """
    from synthgate.ledger.stores import called

    found = await on_topic(settings, asked) or in_ledger(settings, asked)
    if not found:
        raise CommandError(
            f"no decision on {asked}: not on the topic, not in the ledger at {called(settings)}."
            " Was it sent (`synthgate produce` prints ids), and does the chain run (`synthgate status`)?"
        )
    return found
