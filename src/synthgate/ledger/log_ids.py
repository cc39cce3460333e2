"""Two logs a partition: of what was decided, and of what decisions rested on and what followed them.

The first has the number of its partition. The second begins at a number no partition has, so that both lie in
one store, are packed, signed, verified and expire alike, and neither waits for the other (ADR 0051).
"""

from collections.abc import Iterable
from typing import Final

RECORDS_FROM: Final = 1_000_000


def records_log(partition: int) -> int:
    """The log of the records of a partition."""
    return RECORDS_FROM + partition


def is_records(log: int) -> bool:
    """Whether a log holds records and no passages."""
    return log >= RECORDS_FROM


def partition_of(log: int) -> int:
    """The partition whose offsets a log accounts for."""
    return log % RECORDS_FROM


def decided(logs: Iterable[int]) -> list[int]:
    """Those of these logs that hold passages."""
    return [log for log in logs if not is_records(log)]
