"""Into the log: what decisions rest on and what follows them (DSP 10; CSL 23(3)).

Facts, rules put in force, standings, cases, work and the door's account are read from their topics, and each
record is appended to the records log of its partition once, by its origin. Nothing is decided of them. A batch
is acknowledged when its entries are durable; one that is read again finds them there.

It stands beside the chain: a consumer group of its own, a log of its own, and at most a quarter of its
process's time (``SHARE``), however much comes in at once, but where one append takes seconds.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from synthgate.events import topics
from synthgate.events.origin import Origin
from synthgate.law import LawBook
from synthgate.ledger import Draft, Log
from synthgate.ledger.errors import EntryExpired, StoreFull
from synthgate.step import Batch, Outputs, Waiting
from synthgate.steps.logs import Logs
from synthgate.steps.never_read import NEVER_READ, runs
from synthgate.steps.record_entry import ABSENT, nothing_draft, record_draft

GATHER_SECONDS: Final = 0.25
"""What comes to one partition within this goes into one segment."""
SHARE: Final = 0.25
"""Of the time, at most: after an append nothing is appended for three times as long as it took."""
REST_SECONDS_MAX: Final = 5.0
"""However long that was: the watchdog takes a stage that does nothing for thirty seconds for stuck."""


@dataclass(slots=True, eq=False)
class _Asked:
    """One batch on its way into the log."""

    batch: Batch
    done: bool = False


@dataclass(slots=True)
class RecordsStage:
    """The logged topics in, checkpoints out."""

    epoch: int
    book: LawBook
    logs: Logs
    token_key: bytes
    gather_seconds: float = GATHER_SECONDS
    name: str = topics.RECORDS
    inputs: tuple[str, ...] = topics.RECORDED
    _waiting: defaultdict[int, list[_Asked]] = field(default_factory=lambda: defaultdict(list))
    _begun: set[tuple[str, int]] = field(default_factory=set)
    """Topics and partitions of which something was read since they were assigned."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Open the records logs of these partitions."""
        self._begun.clear()
        await self.logs.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """Have the log proved, and tell its checkpoints."""
        outputs = Outputs()
        outputs.unproved_ms = self.logs.unproved_ms(partition, now_ms)
        for key, value in self.logs.untold(partition, now_ms):
            outputs.add("checkpoints", key, value)
        return outputs

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Return once every record of the batch is durable in the log.

        None of them is looked into, so none can be poison.

        Raises:
            Waiting: the store is full or away.
            Fenced: another owner has appended.
        """
        outputs = Outputs()
        waiting = self._waiting[batch.partition]
        asked = _Asked(batch)
        waiting.append(asked)
        try:
            await asyncio.sleep(self.gather_seconds)
            async with self._turn:
                if not asked.done:
                    await self._append(batch.partition, now_ms, outputs)
        finally:
            waiting.remove(asked)
        return outputs

    async def _append(self, partition: int, now_ms: int, outputs: Outputs) -> None:
        """One segment of all that waits for this partition's log, and the rest after it.

        Who is cancelled stays until it is written: the log may be another's next.
        """
        writing = asyncio.ensure_future(self._durable(partition, now_ms))
        try:
            written, took = await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait([writing])
            raise
        if written:
            outputs.appends.append((written, took))
            await asyncio.sleep(min(took * (1 / SHARE - 1), REST_SECONDS_MAX))

    async def _durable(self, partition: int, now_ms: int) -> tuple[int, float]:
        """How many entries were written, and how long that took, in seconds."""
        log = await self.logs.opened(partition)
        taken = [asked for asked in self._waiting[partition] if not asked.done]
        begun = time.monotonic()
        try:
            written = await asyncio.to_thread(self._write, taken, log, now_ms)
        except StoreFull as error:
            raise Waiting("ledger", str(error)) from error
        for asked in taken:
            asked.done = True
            self._begun.add((asked.batch.topic, partition))
        return written, time.monotonic() - begun

    def _write(self, taken: Sequence[_Asked], log: Log, now_ms: int) -> int:
        """Append what is new of these batches; how many entries that was."""
        drafts = [draft for asked in taken for draft in self._drafts(asked, log, now_ms)]
        return len(log.append(drafts, now_ms))

    def _drafts(self, asked: _Asked, log: Log, now_ms: int) -> Iterator[Draft]:
        """Entries for what the log does not hold of a batch: its records, and offsets that held none."""
        batch = asked.batch
        law = self.book.at(now_ms)
        if (batch.topic, batch.partition) not in self._begun:
            # Deleted before this log began or by accord, or logged in one that was lost: nobody knows.
            yield from self._nothing(batch, NEVER_READ, 0, batch.position, log)
        at = batch.position
        for record in batch.records:
            origin = Origin(self.epoch, batch.topic, batch.partition, record.offset)
            yield from self._nothing(batch, ABSENT, at, record.offset, log)
            at = record.offset + 1
            draft = record_draft(origin, record, law=law, token_key=self.token_key, now_ms=now_ms)
            known = log.logged(origin)
            if known is not None and not _same(log, known, draft):
                # The topic lost records or was made anew under one epoch: logged beside, as retention does.
                marked = origin._replace(topic=f"{origin.topic}~{draft.event_mac[:8]}")
                draft, known = replace(draft, origin=marked, root=marked), log.logged(marked)
            if known is None:
                yield draft

    def _nothing(self, batch: Batch, why: str, start: int, end: int, log: Log) -> Iterator[Draft]:
        """Entries for offsets the log does not account for and of which there is no record."""
        for first, behind in runs(log.missing(self.epoch, batch.topic, start, end)):
            origin = Origin(self.epoch, batch.topic, batch.partition, first)
            yield nothing_draft(origin, behind, why)


def _same(log: Log, index: int, draft: Draft) -> bool:
    """Whether the entry under this origin holds the same record; of what has expired nobody can say."""
    try:
        return bool(log.header(index)["event_mac"] == draft.event_mac)
    except EntryExpired:
        return True
