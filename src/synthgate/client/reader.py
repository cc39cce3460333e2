"""Reads every decision from now on, whatever happens to the connection.

No consumer group: every replica of an app reads all partitions, so that any of them hears the answer to its own
event. The positions live here, so a consumer that died is replaced without a gap.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import ConsumerStoppedError, KafkaError

from synthgate.client.errors import GateError
from synthgate.client.writer import keep_content_out_of_logs, told_why

POLL_MS: Final = 1000
FETCH_WAIT_MS: Final = 50
"""Kafka answers a fetch as soon as there is data; the embedded broker only when this time is over."""
BACKOFF_MIN_S: Final = 0.1
BACKOFF_MAX_S: Final = 5.0
STOP_S: Final = 5.0
_log = logging.getLogger(__name__)


class Reader:
    """Hands each record of ``topic`` (physical name) to ``on_record``, in order within a partition.

    on_record must not raise: what it raises ends the reader, is kept as ``failure``, and on_end is called.
    """

    def __init__(
        self,
        *,
        brokers: str,
        topic: str,
        partitions: int,
        on_record: Callable[[Any], None],
        on_end: Callable[[], None],
        security: Mapping[str, object] | None = None,
    ) -> None:
        self._brokers = brokers
        self._partitions = tuple(TopicPartition(topic, each) for each in range(partitions))
        self._topic = topic
        self._on_record = on_record
        self._on_end = on_end
        self._security = dict(security or {})
        self._positions: dict[TopicPartition, int] = {}
        self._consumer: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self.reconnects = 0

    async def start(self, timeout_s: float) -> None:
        """Return when the ends of all partitions are known: what is decided from here on is heard.

        Raises:
            GateError: no answer from the brokers in time.
        """
        keep_content_out_of_logs()
        try:
            async with asyncio.timeout(timeout_s):
                await self._open()
        except (KafkaError, TimeoutError) as error:
            await self._drop()
            await told_why(self._brokers, self._security)
            raise GateError(
                f"cannot read {self._topic} from {self._brokers} within {timeout_s:g} s"
                f" ({type(error).__name__}); check the setting brokers and that the topic exists"
            ) from error
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(lambda _: self._on_end())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._drop()

    @property
    def failure(self) -> BaseException | None:
        """Why the reader ended, if it did: a fault of ours, never of the connection."""
        if self._task is None or not self._task.done() or self._task.cancelled():
            return None
        return self._task.exception()

    async def _run(self) -> None:
        backoff_s = BACKOFF_MIN_S
        while True:
            try:
                if self._consumer is None:
                    await self._open()
                    self.reconnects += 1
                while True:
                    await self._pump()
                    backoff_s = BACKOFF_MIN_S
            except (KafkaError, ConsumerStoppedError, OSError, TimeoutError) as error:
                _log.warning(
                    "reading %s stopped (%s): again in %g s",
                    self._topic, type(error).__name__, backoff_s,
                )  # fmt: skip
                await self._drop()
                await asyncio.sleep(backoff_s)
                backoff_s = min(2 * backoff_s, BACKOFF_MAX_S)

    async def _pump(self) -> None:
        assert self._consumer is not None
        batches = await self._consumer.getmany(timeout_ms=POLL_MS)
        for partition, records in batches.items():
            for record in records:
                self._on_record(record)
                self._positions[partition] = record.offset + 1

    async def _open(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._brokers,
            group_id=None,
            enable_auto_commit=False,
            # Only for a position that retention has overtaken: the oldest record there is.
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **self._security,
        )
        self._consumer = consumer
        await consumer.start()
        if not self._positions:
            self._positions = dict(await consumer.end_offsets(list(self._partitions)))
        consumer.assign(self._partitions)
        for partition, offset in self._positions.items():
            consumer.seek(partition, offset)

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await consumer.stop()
