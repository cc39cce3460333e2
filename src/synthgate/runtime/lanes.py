"""A lane: one input partition's batches, in order, one at a time; process, publish, await, acknowledge.

What arrives while a lane is at work waits, and is then worked on as one batch: the busier a lane, the larger
its batches and the less each record costs. A lane has at most one output batch unacknowledged. ``Waiting`` is
declared and the batch tried again for ever; any other exception, and a produce that failed, ends the process:
nothing of the batch is acknowledged.
"""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from synthgate.runtime import metrics
from synthgate.runtime.acks import TP, Delivery
from synthgate.runtime.attempts import Part
from synthgate.runtime.metrics import LATE_SECONDS
from synthgate.step import SourceRecord, Waiting

if TYPE_CHECKING:
    from synthgate.runtime.stages import Runner

BATCH_RECORDS_MAX = 500
BATCH_BYTES_MAX = 4 * 1_048_576
"""Deliveries are joined up to here; a single one may be larger (acks.DELIVERY_BYTES_MAX)."""
BATCHES_WAITING_MAX = 2
"""A lane for which as much waits is not fetched for."""
BACK_OFF_SECONDS = (0.05, 1.0)


def joined(taken: Sequence[Delivery]) -> Delivery:
    """Deliveries of one partition, each where the one before it ends, as one."""
    if len(taken) == 1:
        return taken[0]
    records = [record for delivery in taken for record in delivery.records]
    return Delivery(taken[0].tp, records, taken[0].position, taken[-1].next_offset)


def late(records: Sequence[SourceRecord]) -> int:
    """How many were appended more than ``LATE_SECONDS`` ago; those of a partition are in order of time."""
    return bisect_left(records, (time.time() - LATE_SECONDS) * 1000, key=lambda row: row.timestamp)


def _fills(deliveries: Iterable[Delivery], batches: int = 1) -> bool:
    records = size = 0
    for delivery in deliveries:
        records += len(delivery.records)
        size += delivery.size
    return records >= batches * BATCH_RECORDS_MAX or size >= batches * BATCH_BYTES_MAX


class Lane:
    """One input partition's batches, in order, one at a time."""

    def __init__(self, runner: "Runner", tp: TP, start: int) -> None:
        self._runner = runner
        self.tp = tp
        self.topic = runner.logical[tp.topic]
        self.where = f"{self.topic}/{tp.partition}"
        self.position = start
        """Acknowledged up to here."""
        self.waiting: deque[Delivery] = deque()
        self.at_work: Sequence[Delivery] = ()
        self._came = asyncio.Event()
        self.busy = False
        self.closing = False
        self.moved_at = time.monotonic()
        """Last progress, idleness or declared wait; the watchdog reads and sets it."""
        self.stalled = False
        """Whether the worker ends for want of progress here; the watchdog sets it."""
        self._book = runner.book(self.topic, tp.partition, start)
        self.task = asyncio.create_task(self._work(), name=f"{runner.duty} {self.where}")

    async def _work(self) -> None:
        runner = self._runner
        try:
            await runner.ready()
            while not self.closing:
                await self._one(await self._next())
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            runner.fail(error, f"{runner.duty} {self.where}")
        finally:
            runner.waits.clear(runner.duty, self.where)
            self._book.close()

    @property
    def full(self) -> bool:
        """Whether as much waits as a lane may hold besides the batch in work."""
        return _fills(self.waiting, BATCHES_WAITING_MAX)

    @property
    def waits_for_turn(self) -> bool:
        """Whether it has a batch in hand, and others have the turn."""
        return bool(self.at_work) and not self.busy

    def acquit(self) -> None:
        """The worker ends: what is tried here is under no suspicion, if it does not end for that."""
        if not self.stalled and not self.task.done():
            self._book.acquit()

    def put(self, delivery: Delivery) -> None:
        """One delivery more; it joins the last one put."""
        self.waiting.append(delivery)
        self._came.set()

    async def _next(self) -> Sequence[Delivery]:
        """The oldest delivery, and those behind it that fit into one batch with it."""
        await self._came.wait()
        taken = [self.waiting.popleft()]
        while self.waiting and not _fills([*taken, self.waiting[0]]):
            taken.append(self.waiting.popleft())
        if not self.waiting:
            self._came.clear()
        return taken

    async def _one(self, taken: Sequence[Delivery]) -> None:
        runner, begun = self._runner, time.monotonic()
        delivery, self.at_work = joined(taken), taken
        for part in self._book.parts(self.topic, delivery):
            if not await self._try(part):
                return
            self.moved_at = time.monotonic()
        for each in taken:
            runner.ack(each)
        self.position, self.moved_at, self.at_work = delivery.next_offset, time.monotonic(), ()
        metrics.LATE.labels(runner.duty, self.topic).inc(late(delivery.records))
        metrics.BATCH_SECONDS.labels(runner.duty).observe(self.moved_at - begun)
        metrics.BATCH_RECORDS.labels(runner.duty).observe(len(delivery.records))
        metrics.CONSUMED.labels(runner.duty, self.topic).inc(len(delivery.records))
        metrics.ACKS.labels(runner.duty, self.topic).inc()

    async def _try(self, part: Part) -> bool:
        """Carry the part, for ever; False when the lane closed before it was done."""
        runner, delay = self._runner, BACK_OFF_SECONDS[0]
        while not self.closing:
            async with runner.turn.take(alone=part.alone):
                if self._ended():
                    return False
                self.busy, self.moved_at = True, time.monotonic()
                try:
                    await self._carry(part)
                    return True
                except Waiting as wait:
                    self._book.waiting(part)
                    runner.waits.declare(runner.duty, self.where, wait.what)
                finally:
                    self.busy = False
            if not self._ended():
                await asyncio.sleep(delay)
            delay = min(delay * 2, BACK_OFF_SECONDS[1])
        return False

    def _ended(self) -> bool:
        """Whether the lane was closed meanwhile."""
        return self.closing

    async def _carry(self, part: Part) -> None:
        runner = self._runner
        self._book.trying(part)
        outputs = await runner.process(part)
        runner.waits.clear(runner.duty, self.where)
        try:
            await runner.publish(outputs, self.tp.partition)
        except KafkaError:
            self._book.clear()  # the broker's fault, not the records'
            raise
        self._book.done(part)
