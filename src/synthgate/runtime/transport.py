"""Faust's transport, in batches: one stream event is one partition batch, one send is whole batches.

Registered as ``bulk://``. Everything else stays Faust's: App, agents, topics, conductor, streams, flow control,
group membership. Overridden, in Faust 0.15.3 over aiokafka 0.14.0 (held by tests/runtime/test_contract.py):

* ``AIOKafkaConsumerThread._create_worker_consumer``, ``._fetch_records``: see ``member.py``.
* ``Consumer.getmany``: a batch per partition; partitions whose lane is full are not fetched.
* ``Consumer.commit``: what ``acks.py`` says, nothing else.
* ``Consumer.on_partitions_revoked/assigned``: finish and acknowledge; check where reading starts.
* ``Consumer.seek_to_committed``: where our book stands. ``.verify_event_path``: nothing; see ``watchdog.py``.
* ``Producer._settings_extra``: idempotent, acks=all, let in as we are. ``._new_producer``: no long wait for one
  answer. ``.publish`` is new.
* ``Schema.compile``: a batch is not decoded by Faust.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, Protocol

from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.producer.message_accumulator import BatchBuilder
from faust.serializers.schemas import Schema
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from faust.types.tuples import TP as FaustTP
from faust.types.tuples import ConsumerMessage

from synthgate import connection
from synthgate.runtime import metrics
from synthgate.runtime.acks import TP, Acks, Delivery, pieces
from synthgate.runtime.member import FAUST_LOG, Member
from synthgate.step import OutRecord

log = logging.getLogger(__name__)

ROOM_POLL_SECONDS = 0.02
"""How soon a partition is fetched again once its lane has room."""
COMMIT_SECONDS_MAX = 10.0
BATCH_OVERHEAD_BYTES = 128


class Engine(Protocol):
    """What the transport asks of the stage's runner; set on the app as ``app.engine``."""

    duty: str
    blind: bool

    def full(self, tp: TP) -> bool:
        """Whether the partition's lane has as much as it may hold."""

    async def assigned(self, tps: frozenset[TP], consumer: "Consumer") -> Mapping[TP, int]:
        """These partitions are ours: where reading starts. Raises to end the process."""

    async def revoked(self) -> None:
        """Finish what is under way, let go of the rest, within the time a rebalance allows."""

    def fail(self, error: BaseException, where: str) -> None:
        """End the process."""


class RawBatch(Schema):  # type: ignore[misc]
    """Topic schema: the agent gets the delivery as it is."""

    def compile(self, app: Any, **_: Any) -> Any:
        """A decoder that decodes nothing."""
        create = app.create_event

        async def decode(message: Any, *, propagate: bool = False) -> Any:
            return create(None, message.value, None, message)

        return decode


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Delivers one message per fetched partition batch; commits what ``acks`` says."""

    logger = FAUST_LOG

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.acks = Acks(self._send_commit)
        self._next: dict[TP, int] = {}
        self._lost: dict[TP, int] = {}
        super().__init__(*args, **kwargs)
        self.engine: Engine = self.app.engine

    def _new_consumer_thread(self) -> Member:
        return Member(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:
        """Fetch, and yield one message per partition. An error here ends the process."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)
        active = {tp for tp in self._get_active_partitions() if not self.engine.full(tp)}
        waiting = len(active) < len(self._get_active_partitions())
        if not active:
            await asyncio.sleep(ROOM_POLL_SECONDS)
            return
        try:
            fetched = await self._getmany(active, ROOM_POLL_SECONDS if waiting else timeout)
        except NoOffsetForPartitionError:
            return  # asked before we said where to start
        except OffsetOutOfRangeError as error:
            # Records not read yet are gone. The next start refuses, and says which.
            self.engine.fail(error, "records were deleted before they were read")
            return
        except KafkaError as error:
            self.engine.fail(error, "fetch or membership failed")
            return
        for tp, (start, fetched_records) in fetched.items():
            at = start
            for records, size in pieces(fetched_records):
                if not self.flow_active or self.should_stop:
                    return  # what is dropped here is missed by the next fetch, or the next commit
                delivery = await self._deliver(TP(tp.topic, tp.partition), at, records, size)
                if delivery is None:
                    break
                at = delivery.next_offset
                yield tp, self._message(delivery)

    async def _deliver(
        self, tp: TP, start: int | None, records: Sequence[Any], size: int
    ) -> Delivery | None:
        """Enter what was read from ``start`` on, if it joins what was delivered before."""
        wanted = self._next.get(tp)
        if wanted is None:
            return None
        if start is None or start > wanted:
            # Something was read and dropped: during a rebalance, say. Read it again.
            log.info("%s/%s: reads again from %s, not %s", *tp, wanted, start)
            await self._thread.call_thread(self._thread.seek_to, {tp: wanted})
            return None
        if records[0].offset < wanted:  # read again after a seek; never deliver twice
            records = [record for record in records if record.offset >= wanted]
            if not records:
                return None
        delivery = self.acks.deliver(tp, records, wanted, size)
        self._next[tp] = delivery.next_offset
        return delivery

    def _message(self, delivery: Delivery) -> ConsumerMessage:
        last = delivery.records[-1]
        tp = FaustTP(*delivery.tp)
        # Faust drops what lies before its own read offset and books gaps after it: show it neither.
        self._read_offset[tp] = last.offset - 1
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type,
            None, None, delivery, None, 0, len(delivery.records), tp,
            generation_id=self.app.consumer_generation_id,
        )  # fmt: skip

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: FBT001, FBT002
        """Commit the longest acknowledged prefixes. Called by Faust's commit timer and by us."""
        try:
            await self._read_again(await self._thread.call_thread(self._thread.handed_out))
        except KafkaError as error:
            self.engine.fail(error, "the group will not have us")
            return False
        return await self.acks.commit()

    async def _read_again(self, handed_out: Mapping[TP, int]) -> None:
        """Read again what was handed out and not delivered, twice in a row: it was dropped on the way.

        Should it be delivered after all, the copy read again is not delivered.
        """
        lost = {tp: at for tp, at in self._next.items() if handed_out.get(tp, at) > at}
        again = {tp: at for tp, at in lost.items() if self._lost.get(tp) == at}
        self._lost = lost
        if again and self.flow_active:
            log.info(
                "reads again from %s",
                {f"{tp.topic}/{tp.partition}": at for tp, at in again.items()},
            )
            await self._thread.call_thread(self._thread.seek_to, again)

    async def _send_commit(self, offsets: Mapping[TP, int]) -> bool:
        call = self._thread.call_thread(self._thread.send_commit, offsets)
        try:
            done: bool = await asyncio.wait_for(call, COMMIT_SECONDS_MAX)
        except TimeoutError:
            done = False
        metrics.COMMITS.labels(self.engine.duty, "ok" if done else "failed").inc()
        return done

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        """Finish, acknowledge, commit, let go."""
        try:
            self.stop_flow()
            await self.engine.revoked()
            await self.acks.commit()
        except Exception as error:  # noqa: BLE001 (aiokafka would log it and go on)
            self.engine.fail(error, "letting partitions go")
        self._start_anew({})
        await super().on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        """Check where reading starts, then read."""
        try:
            starts = await self.engine.assigned(
                frozenset(TP(tp.topic, tp.partition) for tp in assigned), self
            )
            await self._thread.call_thread(self._thread.seek_to, starts)
        except Exception as error:  # noqa: BLE001 (aiokafka would log it and go on)
            self.engine.fail(error, "taking partitions")
            return
        self._start_anew(starts)
        await super().on_partitions_assigned(assigned, generation_id)

    async def seek_to_committed(self) -> Mapping[Any, int]:
        """Seek to where reading stands by our book, which may lie past an accepted loss."""
        await self._thread.call_thread(self._thread.seek_to, self._next)
        return {FaustTP(*tp): offset for tp, offset in self._next.items()}

    def _start_anew(self, starts: Mapping[TP, int]) -> None:
        self.acks.forget()
        self._next = dict(starts)

    async def bounds(self, tps: Iterable[TP]) -> dict[TP, tuple[int | None, int, int]]:
        """Committed offset or None, log start and log end of each partition."""
        found: dict[TP, tuple[int | None, int, int]]
        found = await self._thread.call_thread(self._thread.bounds, tps)
        return found

    async def read_positions(self) -> dict[TP, int]:
        """Where reading stands, of every partition held."""
        found: dict[TP, int] = await self._thread.call_thread(self._thread.read_positions)
        return found

    def verify_event_path(self, now: float, tp: Any) -> None:
        """Nothing: the watchdog does it."""


class Producer(driver.Producer):  # type: ignore[misc]
    """Idempotent; sends whole batches."""

    logger = FAUST_LOG

    def _settings_extra(self) -> Mapping[str, Any]:
        given = connection.arguments(self.app.engine.settings)
        return {**given, "acks": "all", "enable_idempotence": True}

    def _new_producer(self, transactional_id: str | None = None) -> Any:
        producer = super()._new_producer(transactional_id)
        # A batch may take longer (see app.py), but by sending it anew.
        connection.watch(producer.client)
        return producer

    async def partitions_of(self, topic: str) -> int:
        """How many partitions a topic has."""
        return len(await self._ensure_producer().partitions_for(topic))

    async def publish(
        self, topic: str, partition: int, records: Iterable[OutRecord], bytes_max: int
    ) -> list[Any]:
        """Send in order, in batches of at most ``bytes_max``; one future per batch, none awaited.

        Raises:
            ValueError: a record alone is larger than the topic takes; stages bound what they say.
        """
        producer = self._ensure_producer()
        codec = producer._message_accumulator._compression_type  # noqa: SLF001
        limit = bytes_max - BATCH_OVERHEAD_BYTES

        def begin() -> BatchBuilder:
            # producer.create_batch() with this topic's own limit.
            return BatchBuilder(limit, codec, is_transactional=False)

        batch, futures = begin(), []
        append = batch.append
        for key, value, headers in records:
            sent = list(headers)
            if append(timestamp=None, key=key, value=value, headers=sent) is None:
                futures.append(await producer.send_batch(batch, topic, partition=partition))
                batch = begin()
                append = batch.append
                append(timestamp=None, key=key, value=value, headers=sent)
            if len(value) > limit:  # a first record is let in at any size
                raise ValueError(
                    f"a record for {topic} is larger than the {bytes_max} bytes it takes"
                )
        if batch.record_count():
            futures.append(await producer.send_batch(batch, topic, partition=partition))
        return futures


class Transport(driver.Transport):  # type: ignore[misc]
    """``bulk://host:port``."""

    Consumer = Consumer
    Producer = Producer


def register() -> None:
    """Make ``bulk://`` known to Faust."""
    drivers.TRANSPORTS.aliases["bulk"] = f"{__name__}:Transport"
