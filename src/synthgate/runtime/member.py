"""The member of a consumer group: aiokafka's consumer, on the loop the stages run on.

Faust gives each consumer a thread and a loop of its own. Then every fetch, commit and question wakes
another thread twice, and with six duties in a process seven loops fight for one interpreter (ADR 0056).
A loop that does not turn sends no heartbeats: the watchdog ends the process before its session ends.

Overridden, in Faust 0.15.3 and mode 0.7.1 (held by tests/runtime/test_contract.py):

* ``__init__``, ``start``, ``stop``, ``on_stop``, ``close``, ``_stopped_set``, ``_stop_futures``,
  ``call_thread``: no thread.
* ``_create_worker_consumer``: read committed records only, co-partitioned assignment, never a silent jump to
  another offset, short long-polls.
* ``_fetch_records``: say from where was read; tell of a failed join and of an end of fetching. aiokafka keeps
  both until somebody asks, Faust never does, and the worker lives on and consumes nothing (ADR 0058, 0063).
* ``on_thread_stop``: leaving in the midst of a question is no error, and its traceback would hide the sentence
  that says why.

And in aiokafka 0.14.0 the client's ``send``, see ``connection.watch``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

import aiokafka
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata, TopicPartition
from faust.transport.drivers import aiokafka as driver
from mode.services import Service
from mode.utils.futures import maybe_async

from synthgate import connection
from synthgate.runtime.acks import TP

log = logging.getLogger(__name__)
FAUST_LOG = logging.getLogger("faust.transport.bulk")

FETCH_WAIT_MAX_MS = 100
"""A long-poll in flight holds up partitions that were being worked on when it was sent."""
BLIND_WAIT_MAX_MS, BLIND_BYTES = 1000, 1_048_576
"""Of a stage nobody waits for: a fetch names every partition, so it is sent once a second, or for a heap."""
IDLE_MAX_MS = 7 * 24 * 3600 * 1000
"""A stage that waits keeps its membership: aiokafka must not think it idle."""


class Member(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """What keeps aiokafka's consumer. Faust calls it a thread; it is none."""

    logger = FAUST_LOG
    wait_for_shutdown = False

    def __init__(self, consumer: Any, *, loop: asyncio.AbstractEventLoop, beacon: Any) -> None:
        super().__init__(consumer, loop=loop, thread_loop=loop, beacon=beacon)

    async def start(self) -> None:
        """Start here."""
        self._thread_started.set()
        await self._default_start()

    async def stop(self) -> None:
        """Stop here."""
        await Service.stop(self)

    async def on_stop(self) -> None:
        """What its thread would have done when stopping."""
        await self.on_thread_stop()

    def close(self) -> None:
        """Nothing: ``stop`` closes, the group first; closed here, ``stop`` would leave without a good-bye."""

    def _stopped_set(self) -> None:
        self._stopped.set()

    async def _stop_futures(self) -> None:
        await self._default_stop_futures()

    async def call_thread(
        self, fun: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any
    ) -> Any:
        """Call it; what is called returns something to await, or not."""
        return await maybe_async(fun(*args, **kwargs))

    async def on_thread_stop(self) -> None:
        """Stop; what we were asking the group when we had to leave is cancelled, and nobody's error."""
        with suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    def _create_worker_consumer(self, transport: Any) -> Any:
        conf = self.app.conf
        join_ms = int(conf.broker_request_timeout * 1000)
        blind = self.app.engine.blind
        consumer = aiokafka.AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id or None,
            **connection.arguments(self.app.engine.settings),
            # Partition 7 of every input goes to one worker: its log has one writer, its user one copy.
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            max_poll_records=conf.broker_max_poll_records,
            max_poll_interval_ms=IDLE_MAX_MS,
            max_partition_fetch_bytes=conf.consumer_max_fetch_size,
            fetch_max_wait_ms=BLIND_WAIT_MAX_MS if blind else FETCH_WAIT_MAX_MS,
            fetch_min_bytes=BLIND_BYTES if blind else 1,
            request_timeout_ms=join_ms,
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
        )
        connection.watch(consumer._client, join_ms=join_ms)  # noqa: SLF001
        return consumer

    def __post_init__(self) -> None:
        super().__post_init__()
        self._read_to: dict[TP, int] = {}
        """Where reading stands, by what was handed out and where we sought; changed here alone."""

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: set[Any],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> dict[Any, tuple[int | None, list[Any]]]:
        """Records by partition, each with the offset they were read from; None if that is not known.

        A fetch that began before a rebalance can end after it, and what it took be dropped on the way.
        The offset is what shows that: nothing may be taken for absent that was only dropped.
        """
        _check(consumer)
        fetched = await super()._fetch_records(
            consumer, active_partitions, timeout=timeout, max_records=max_records
        )
        found = {}
        for part, records in fetched.items():
            tp = TP(part.topic, part.partition)
            found[part] = (self._read_to.get(tp), records)
            self._read_to[tp] = records[-1].offset + 1
        return found

    async def handed_out(self) -> dict[TP, int]:
        """Where reading stands by what was handed out; raises what ended coordination or fetching.

        Asked by Faust's commit timer, which runs before the first broker has answered.
        """
        consumer = self._consumer
        if consumer is not None and consumer._coordinator is not None:  # noqa: SLF001
            _check(consumer)
        return dict(self._read_to)

    async def bounds(self, tps: Iterable[TP]) -> dict[TP, tuple[int | None, int, int]]:
        """Committed offset or None, log start and log end of each partition."""
        consumer = self._ensure_consumer()
        parts = [TopicPartition(*tp) for tp in tps]
        starts = await consumer.beginning_offsets(parts)
        ends = await consumer.end_offsets(parts)
        committed = await asyncio.gather(*(consumer.committed(part) for part in parts))
        return {
            TP(*part): (at, starts[part], ends[part])
            for part, at in zip(parts, committed, strict=True)
        }

    async def seek_to(self, starts: Mapping[TP, int]) -> None:
        """Read from these offsets on."""
        consumer = self._ensure_consumer()
        held = consumer.assignment()
        for tp, offset in starts.items():
            if TopicPartition(*tp) in held:
                consumer.seek(TopicPartition(*tp), offset)
                self._read_to[tp] = offset

    async def send_commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit; False when it did not get through and may be tried again."""
        consumer = self._ensure_consumer()
        held = consumer.assignment()
        wanted = {
            TopicPartition(*tp): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if TopicPartition(*tp) in held
        }
        if not wanted:
            return True
        try:
            await consumer.commit(wanted)
        except (CommitFailedError, IllegalStateError):
            # Rebalanced meanwhile: whoever holds them now reads from the last commit.
            return False
        except KafkaError as error:
            log.warning("commit did not get through: %s", type(error).__name__)
            return False
        return True

    async def read_positions(self) -> dict[TP, int]:
        """Where reading stands, markers included, of every partition held."""
        consumer = self._ensure_consumer()
        subscription = consumer._subscription.subscription  # noqa: SLF001
        if subscription is None or subscription.assignment is None:
            return {}
        assignment = subscription.assignment
        states = {tp: assignment.state_value(tp) for tp in assignment.tps}
        return {
            TP(tp.topic, tp.partition): state.position
            for tp, state in states.items()
            if state.has_valid_position
        }


def _check(consumer: Any) -> None:
    """Raise what ended a started consumer's coordination, or its fetching."""
    consumer._coordinator.check_errors()  # noqa: SLF001
    fetching = consumer._fetcher.error_future  # noqa: SLF001
    if fetching.done():
        fetching.result()
