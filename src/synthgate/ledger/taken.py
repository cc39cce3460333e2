"""What the door says it took, from rows of ``records.door``: which holes of a log are none.

An offset is accounted for if an entry stands for it, or a row says that it held nothing when it was read. What
a row says was taken must be logged; between two rows of a source there is nothing the door does not speak of.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import accumulate, groupby

from synthgate.events.decision import DoorRow

_Source = tuple[int, str, int]


class Said(StrEnum):
    """What the rows say of offsets that no entry accounts for."""

    TAKEN = "the door took it"
    ABSENT = "it held nothing"
    UNSPOKEN = "no row of the door speaks of it"
    OUTSIDE = "it lies before the first row, or behind the last"


class Taken:
    """The rows of a file, by source."""

    def __init__(self, rows: Iterable[DoorRow]) -> None:
        by: defaultdict[_Source, list[DoorRow]] = defaultdict(list)
        for row in rows:
            by[row.epoch, row.topic, row.partition].append(row)
        self._rows = {
            source: sorted(found, key=lambda row: row.from_offset) for source, found in by.items()
        }
        self._starts = {at: [row.from_offset for row in rows] for at, rows in self._rows.items()}
        # A batch read again has a second row: so how far any row up to this one reaches.
        self._reach = {
            at: list(accumulate((row.to_offset for row in rows), max))
            for at, rows in self._rows.items()
        }

    def sources(self, partition: int) -> Iterator[tuple[int, str, int, int]]:
        """(epoch, topic, from, to) of what the rows speak of, one a source of this partition."""
        for source, starts in self._starts.items():
            if source[2] == partition:
                yield source[0], source[1], starts[0], self._reach[source][-1]

    def said(
        self, epoch: int, topic: str, partition: int, start: int, end: int
    ) -> Iterator[tuple[Said, int, int]]:
        """What is said of the offsets from ``start`` up to, not including, ``end``, as stretches."""
        source = epoch, topic, partition
        starts, reach = self._starts.get(source, [0]), self._reach.get(source, [0])
        low, high = starts[0], reach[-1]
        taken: set[int] = set()
        spoken: set[int] = set()
        rows = self._rows.get(source, [])
        for row in rows[bisect_right(reach, start) : bisect_left(starts, end)]:
            here = range(max(start, row.from_offset), min(end, row.to_offset))
            spoken.update(here)
            taken.update(set(here).difference(row.absent))

        def of(offset: int) -> Said:
            if offset in taken:
                return Said.TAKEN
            if offset in spoken:
                return Said.ABSENT
            return Said.UNSPOKEN if low <= offset < high else Said.OUTSIDE

        for what, stretch in groupby(range(start, end), of):
            offsets = list(stretch)
            yield what, offsets[0], offsets[-1] + 1
