"""Completeness, counted: every source offset the door took must be logged; how old is the oldest that is not?

Fed by ``records.door``. An offset is accounted for when it is logged, absent (a transaction marker) or lost
by accord. A stretch no row speaks of counts as unaccounted.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from synthgate.events.decision import DoorRow
from synthgate.events.origin import Origin
from synthgate.ledger import Log


@dataclass(slots=True)
class _Line:
    """One source partition: rows not yet wholly accounted for, lowest first."""

    rows: deque[DoorRow] = field(default_factory=deque)
    low: int = -1


@dataclass(frozen=True, slots=True)
class Oldest:
    """The oldest offset neither logged nor absent."""

    origin: Origin
    since_ms: int


class Accounting:
    """What the door took and the log does not hold yet, by partition."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str, int], _Line] = {}

    def apply(self, value: bytes) -> None:
        """One record of ``records.door``; what is not one is ignored (only the door writes there)."""
        try:
            row = DoorRow.model_validate_json(value)
        except ValidationError:
            return
        line = self._lines.setdefault((row.epoch, row.topic, row.partition), _Line())
        if line.low < 0:
            line.low = row.from_offset
        if row.to_offset > line.low:
            line.rows.append(row)

    def lost(self, partition: int) -> list[DoorRow]:
        """Ranges lost by accord, for retention to log as never read."""
        return [
            row
            for key, line in self._lines.items()
            if key[2] == partition
            for row in line.rows
            if row.lost
        ]

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        for key in [key for key in self._lines if key[2] == partition]:
            del self._lines[key]

    def oldest(self, partition: int, log: Log) -> Oldest | None:
        """Advance over what is accounted for and name the oldest offset that is not."""
        found = [
            item
            for key, line in self._lines.items()
            if key[2] == partition
            for item in _advance(key, line, log)
        ]
        return min(found, key=lambda item: item.since_ms, default=None)


def _advance(key: tuple[int, str, int], line: _Line, log: Log) -> Iterable[Oldest]:
    epoch, topic, partition = key
    while line.rows:
        row = line.rows[0]
        if row.from_offset > line.low:
            return [Oldest(Origin(epoch, topic, partition, line.low), row.at)]
        absent = set(row.absent)
        for offset in log.missing(epoch, topic, line.low, row.to_offset):
            if offset not in absent:
                line.low = offset
                return [Oldest(Origin(epoch, topic, partition, offset), row.at)]
        line.low = max(line.low, row.to_offset)
        line.rows.popleft()
    return []
