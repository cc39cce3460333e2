"""What the door said it took, back from the records logs: rows of ``records.door`` as it wrote them."""

from dataclasses import dataclass, field
from typing import Final

from synthgate.ledger import KeyRing, LogReader, SegmentStore
from synthgate.ledger.entry import Entry
from synthgate.ledger.log_ids import is_records
from synthgate.ledger.reader import read_footers
from synthgate.ledger.segment import Footer
from synthgate.steps.record_entry import recorded

TOPIC: Final = "records.door"


@dataclass(slots=True)
class DoorRows:
    """The rows, in the order of each log. ``gone``: entries that held such rows and have expired."""

    rows: list[str] = field(default_factory=list)
    gone: int = 0


def door_rows(store: SegmentStore, ring: KeyRing) -> DoorRows:
    """All that is logged of them. Raises LedgerError."""
    found = DoorRows()
    for log in filter(is_records, store.logs()):
        reader = LogReader(store, ring, log)
        for footer in read_footers(store, log, store.firsts(log)):
            wanted = _of_the_door(footer)
            if wanted:
                _take(found, reader, footer, wanted)
    return found


def _of_the_door(footer: Footer) -> set[int]:
    """Entries of a segment that hold rows; also those logged beside, of a topic that was made anew."""
    return {
        footer.first + row
        for row in range(footer.count)
        if footer.origin(row).topic.partition("~")[0] == TOPIC
    }


def _take(found: DoorRows, reader: LogReader, footer: Footer, wanted: set[int]) -> None:
    for index, entry in enumerate(reader.each(footer.first, footer.end), footer.first):
        if index not in wanted:
            continue
        if not isinstance(entry, Entry):
            found.gone += 1
            continue
        record = recorded(entry.content)  # None: offsets of the topic that held nothing
        if record is not None and record.value is not None:
            found.rows.append(record.value.decode("utf-8", "replace"))
