"""What nobody can read any more, by an operator's accord: one entry a range, so that no offset is forgotten."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import orjson

from synthgate.events.decision import DoorRow
from synthgate.events.origin import Origin
from synthgate.ledger import Draft, Log
from synthgate.registries.control import Loss
from synthgate.steps.answers import Content, pack
from synthgate.steps.entry import NO_USER

NEVER_READ: Final = "never read"
"""Action of such an entry; it is no decision and answers nobody."""


def never_read(row: DoorRow, losses: Sequence[Loss], log: Log) -> Iterator[Draft]:
    """Entries for what the log does not hold of a lost range; none if it holds all.

    Some of the range may stand there: read and logged by a worker that died before the door could commit.
    ``losses``: what was accepted, by whom and why; that is the content.
    """
    said = [
        {"by": loss.by, "reason": loss.reason}
        for loss in losses
        if (loss.from_offset, loss.to_offset) == (row.from_offset, row.to_offset)
    ]
    content = pack(Content(None, None, None, orjson.dumps({"lost": said})))
    for start, end in runs(log.missing(row.epoch, row.topic, row.from_offset, row.to_offset)):
        origin = Origin(row.epoch, row.topic, row.partition, start)
        header = {"tenant": "_", "type": "range.lost", "action": NEVER_READ, "offsets_to": end}
        yield Draft(
            origin=origin, header=header, content=content, user=NO_USER, root=origin, revision=0,
            answers=None, id_hash=None, event_mac="", offsets=end - start,
        )  # fmt: skip


def runs(offsets: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Rising offsets as ranges: first, and one past the last."""
    start = end = -1
    for offset in offsets:
        if offset != end:
            if start >= 0:
                yield start, end
            start = offset
        end = offset + 1
    if start >= 0:
        yield start, end
