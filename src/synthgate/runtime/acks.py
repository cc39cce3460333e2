"""The one place that acknowledges: when a batch counts as done, and what is committed for it.

If records were lost or done twice, start reading here. The rules:

* A batch is acknowledged by its stage's lane (``lanes.py``) after the broker has acknowledged everything
  the batch owed, never in a ``finally``, never on an error.
* What is committed for a partition is the end of the **longest prefix** of delivered batches that are all
  acknowledged; a later batch done earlier waits for the ones before it.
* After a rebalance the book is empty: a late acknowledgement of an old batch commits nothing.
* A commit that fails is tried again with the next tick; the batches are done, only the bookmark is late.

Faust's own bookkeeping (``_acked``, ``_new_offset``, gaps) is not used: it commits past unfinished records.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

DELIVERY_BYTES_MAX = 8 * 1_048_576
"""Of keys and values in one delivery, a single larger record apart."""
DELIVERY_RECORDS_MAX = 500
"""Of small records a fetch holds tens of thousands, and each may ask for much: a re-entry fetches its event."""


class TP(NamedTuple):
    """A partition of a topic (physical name)."""

    topic: str
    partition: int


@dataclass(slots=True, eq=False)
class Delivery:
    """One partition batch handed to a stage. ``next_offset`` is committed once it is acknowledged.

    size: bytes of keys and values, at most.
    """

    tp: TP
    records: Sequence[Any]
    position: int
    next_offset: int
    size: int = 0
    acked: bool = field(default=False)


def pieces(records: Sequence[Any]) -> Iterator[tuple[Sequence[Any], int]]:
    """Records in order and their size in bytes, cut so that a piece is done within the watchdog's time.

    A fetch is bounded as compressed; it may unpack into hundreds of megabytes of the costliest events.
    """
    first = size = 0
    for place, record in enumerate(records):
        size += len(record.value or b"") + len(record.key or b"")
        full = size > DELIVERY_BYTES_MAX or place - first == DELIVERY_RECORDS_MAX
        if full and place > first:
            last = len(record.value or b"") + len(record.key or b"")
            yield records[first:place], size - last
            first, size = place, last
    yield (records[first:] if first else records), size


Send = Callable[[Mapping[TP, int]], Awaitable[bool]]


class Acks:
    """The book of one consumer: batches by partition, in the order they were delivered."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._open: dict[TP, deque[Delivery]] = {}
        self._commit: dict[TP, int] = {}
        self._sending = asyncio.Lock()

    def deliver(self, tp: TP, records: Sequence[Any], position: int, size: int = 0) -> Delivery:
        """Enter a batch read from ``position`` on; batches of a partition come in order."""
        delivery = Delivery(tp, records, position, records[-1].offset + 1, size)
        self._open.setdefault(tp, deque()).append(delivery)
        return delivery

    def holds(self, delivery: Delivery) -> bool:
        """Whether the batch was delivered since the last rebalance and is not acknowledged."""
        return delivery in self._open.get(delivery.tp, ())

    def ack(self, delivery: Delivery) -> None:
        """Everything this batch owed is acknowledged by the broker."""
        delivery.acked = True
        waiting = self._open.get(delivery.tp)
        while waiting and waiting[0].acked:
            self._commit[delivery.tp] = waiting.popleft().next_offset

    def unacked(self, tp: TP) -> int:
        """Batches delivered and not acknowledged."""
        return len(self._open.get(tp, ()))

    async def commit(self) -> bool:
        """Send what may be committed; False when there was nothing or it did not get through."""
        async with self._sending:
            offsets = dict(self._commit)
            if not offsets or not await self._send(offsets):
                return False
            for tp, offset in offsets.items():
                if self._commit.get(tp) == offset:
                    del self._commit[tp]
            return True

    def forget(self) -> None:
        """The partitions are no longer ours, or ours anew: what was open is somebody's next batch."""
        self._open.clear()
        self._commit.clear()
