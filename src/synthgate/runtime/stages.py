"""The stage runner: a lane per input partition (``lanes.py``), and what all lanes of a stage share.

Partitions and topics progress independently, so one that waits holds up no other. A stage with several inputs
must expect calls for the same partition from each at once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiokafka.partitioner import murmur2

from synthgate.events import topics
from synthgate.runtime import metrics, ticks
from synthgate.runtime.acks import TP, Delivery
from synthgate.runtime.attempts import KILLS_MAX, Book, NoBook, Part, Turn
from synthgate.runtime.counting import count
from synthgate.runtime.exits import Fate
from synthgate.runtime.lanes import BACK_OFF_SECONDS, Lane
from synthgate.runtime.waits import Waits
from synthgate.settings import Settings
from synthgate.step import Outputs, OutRecord, Stage, Waiting

log = logging.getLogger(__name__)

BYTES_MAX = 1_048_576


class Runner:
    """Runs one stage. ``app`` is its Faust app; ``start_at`` says where reading starts (checks.py).

    ``turn`` is shared by all runners of the process, but for a stage that looks into no record (``blind``): it
    takes its time over a batch, and what is tried alone after a death need not wait for it.
    """

    def __init__(
        self,
        stage: Stage,
        settings: Settings,
        *,
        waits: Waits,
        fate: Fate,
        turn: Turn,
        start_at: Callable[[frozenset[TP], Any], Any],
        follow: Callable[[str, frozenset[int]], None] | None = None,
        blind: bool = False,
    ) -> None:
        self.stage = stage
        self.duty = stage.name
        self.settings = settings
        self.waits = waits
        self.turn = Turn() if blind else turn
        self.app: Any = None
        self.logical = {settings.topic(name): name for name in stage.inputs}
        self.lanes: dict[TP, Lane] = {}
        self.left_at: float | None = time.monotonic()
        """Since when it is outside its group; None while it is a member."""
        self._attempts = settings.data_dir / "attempts"
        self._attempts.mkdir(parents=True, exist_ok=True)
        self._fate = fate
        self._start_at = start_at
        self._follow = follow
        self.blind = blind
        self.acked_at = time.monotonic()
        """When a batch of whatever lane was last done."""
        self._taking: asyncio.Task[None] | None = None
        self._ticking: asyncio.Task[None] | None = None

    # What the transport asks (transport.Engine).

    def full(self, tp: TP) -> bool:
        """Whether the partition's lane has as much as it may hold."""
        lane = self.lanes.get(tp)
        return lane is not None and lane.full

    async def assigned(self, tps: frozenset[TP], consumer: Any) -> Mapping[TP, int]:
        """Check where reading starts; tell the stage, in a task that its lanes wait for."""
        starts: Mapping[TP, int] = await self._start_at(tps, consumer)
        partitions = frozenset(tp.partition for tp in tps)
        metrics.REBALANCES.labels(self.duty).inc()
        metrics.ASSIGNED.labels(self.duty).set(len(tps))
        log.info("%s: has partitions %s", self.duty, sorted(partitions))
        if self._follow is not None:
            self._follow(self.duty, partitions)
        self._taking = asyncio.create_task(self._take(partitions), name=f"{self.duty} taking")
        self.lanes = {tp: Lane(self, tp, starts[tp]) for tp in tps}
        self.left_at = None
        return starts

    async def revoked(self) -> None:
        """Let every lane finish the batch in work; what does not in time ends the process."""
        self.left_at = time.monotonic()
        metrics.ASSIGNED.labels(self.duty).set(0)
        done = await self.close(self.settings.revoke_s)
        metrics.forget(self.duty)
        if not done:
            raise TimeoutError("a batch was not done in time")

    def fail(self, error: BaseException, where: str) -> None:
        """End the process."""
        self._fate.fail(error, where)

    # What the agent and the lanes ask.

    def put(self, delivery: Delivery) -> None:
        """Give a batch to its lane; one from before a rebalance is dropped."""
        lane = self.lanes.get(delivery.tp)
        if lane is not None and not lane.closing and self.app.consumer.acks.holds(delivery):
            lane.put(delivery)

    @property
    def taken(self) -> bool:
        """Whether the stage has taken its partitions."""
        return self._taking is not None and self._taking.done()

    def book(self, topic: str, partition: int, start: int) -> Book:
        """What was being tried on a partition when the process last died, if it died."""
        if self.blind:
            return NoBook()
        book = Book(self._attempts / f"{self.settings.group(self.duty)}.{topic}.{partition}", start)
        if book.killed_again:
            metrics.KILLS.labels(self.duty).inc()
        if book.poison:
            log.error(
                "%s: %s/%s offsets %s killed the worker %s times and become stubs",
                self.duty, topic, partition, sorted(book.poison), KILLS_MAX,
            )  # fmt: skip
        if book.suspect:
            log.warning(
                "%s: died working on %s/%s offsets %s to %s (alone: %s times); trying them alone",
                self.duty, topic, partition, book.suspect.start, book.suspect.stop - 1, book.kills,
            )  # fmt: skip
        return book

    async def process(self, part: Part) -> Outputs:
        """What the part owes; a poisoned record as a stub."""
        now_ms = time.time_ns() // 1_000_000
        if part.poison:
            return await self.stage.process(part.batch, now_ms, part.poison)
        return await self.stage.process(part.batch, now_ms)

    async def ready(self) -> None:
        """Return when the stage has taken its partitions."""
        if self._taking is not None:
            await asyncio.shield(self._taking)

    async def publish(self, outputs: Outputs, partition: int) -> None:
        """Publish everything on the batch's own partition and await every acknowledgement."""
        sent = {(name, partition): records for name, records in outputs.by_topic.items()}
        for name, records in outputs.keyed.items():
            for at, rows in (await self._by_key(name, records)).items():
                sent[name, at] = rows
        await self._publish(sent)
        if outputs.last:
            await self._publish({(name, partition): rows for name, rows in outputs.last.items()})
        count(outputs, self.duty, partition)

    async def _by_key(self, name: str, records: Sequence[OutRecord]) -> dict[int, list[OutRecord]]:
        """The records by the partition of their key, each partition's in order."""
        partitions = await self.app.producer.partitions_of(self.settings.topic(name))
        found: dict[int, list[OutRecord]] = {}
        for record in records:
            at = (murmur2(record[0] or b"") & 0x7FFFFFFF) % partitions
            found.setdefault(at, []).append(record)
        return found

    async def _publish(self, sent: Mapping[tuple[str, int], list[OutRecord]]) -> None:
        futures = []
        for (name, partition), records in sent.items():
            row = topics.BY_NAME.get(name)
            futures += await self.app.producer.publish(
                self.settings.topic(name), partition, records, row.bytes_max if row else BYTES_MAX
            )
        for future in futures:
            await future
        for (name, _), records in sent.items():
            metrics.PRODUCED.labels(self.duty, name).inc(len(records))

    def ack(self, delivery: Delivery) -> None:
        """Everything the batch owed is acknowledged by the broker."""
        self.app.consumer.acks.ack(delivery)
        self.acked_at = time.monotonic()

    async def close(self, seconds: float, *, ending: bool = False) -> bool:
        """Stop every lane after the batch in work; False if one was still busy in the end.

        ending: the worker leaves of its own will. A lane of a stage that takes turns need not have its turn
        first: its batch is another owner's next.
        """
        lanes, self.lanes = self.lanes, {}
        tasks = [lane.task for lane in lanes.values()]
        for lane in lanes.values():
            lane.closing = True
            if self.blind or not lane.busy:
                lane.task.cancel()
        if self._taking is not None:
            self._taking.cancel()
            tasks.append(self._taking)
            self._taking = None
        if self._ticking is not None:
            self._ticking.cancel()
            tasks.append(self._ticking)
            self._ticking = None
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for lane in lanes.values() if ending else ():
            lane.acquit()
        for task in late:
            log.error("%s: not done within %s s", task.get_name(), seconds)
        return not late

    async def _tick(self, partitions: frozenset[int]) -> None:
        try:
            await ticks.tick(self.stage, partitions, self.publish, self.waits)
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            self.fail(error, f"{self.duty} tick")

    async def _take(self, partitions: frozenset[int]) -> None:
        delay = BACK_OFF_SECONDS[0]
        try:
            while True:
                try:
                    await self.stage.assigned(partitions)
                    self._ticking = asyncio.create_task(self._tick(partitions))
                    return
                except Waiting as wait:
                    self.waits.declare(self.duty, "taking partitions", wait.what)
                await asyncio.sleep(delay)
                delay = min(delay * 2, BACK_OFF_SECONDS[1])
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            self.fail(error, f"{self.duty} taking partitions")
            await asyncio.Event().wait()  # the lanes must not start
        finally:
            self.waits.clear(self.duty, "taking partitions")
