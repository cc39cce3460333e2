"""Records sent straight to the topic, past the client, and their decisions, matched by origin."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.structs import TopicPartition

from synthgate import connection
from synthgate.client import Decision, Undecided
from synthgate.settings import Settings


class Straight:
    """A producer and a reader of decisions. An async context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer: Any = None
        self._consumer: Any = None
        self._task: asyncio.Task[None] | None = None
        self._waiting: dict[str, asyncio.Future[Decision]] = {}
        self._seen: dict[str, Decision] = {}

    async def __aenter__(self) -> Self:
        given = connection.arguments(self._settings)
        self._producer = AIOKafkaProducer(**given, acks="all")
        self._consumer = AIOKafkaConsumer(**given, enable_auto_commit=False)
        await self._producer.start()
        await self._consumer.start()
        name = self._settings.topic("decisions")
        parts = [TopicPartition(name, number) for number in range(self._settings.partitions)]
        self._consumer.assign(parts)
        await self._consumer.seek_to_end(*parts)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        await self._producer.stop()
        await self._consumer.stop()

    async def ask(
        self, key: bytes, value: bytes, headers: list[tuple[str, bytes]], timeout_s: float
    ) -> Decision | Undecided:
        """Send and wait for the decision on exactly this record."""
        name = self._settings.topic("generation.events")
        sent = await self._producer.send_and_wait(name, value, key=key, headers=headers)
        origin = f"{self._settings.epoch}/generation.events/{sent.partition}/{sent.offset}"
        future = self._waiting[origin] = asyncio.get_running_loop().create_future()
        if origin in self._seen:
            return self._seen[origin]
        try:
            return await asyncio.wait_for(future, timeout_s)
        except TimeoutError:
            if self._task is not None and self._task.done():
                self._task.result()  # what ended the reading
            return Undecided(origin, None, "timeout")

    async def _read(self) -> None:
        async for record in self._consumer:
            decision = Decision.read(record.value, record.key, record.partition)
            origin = str(decision.row["origin"])
            self._seen[origin] = decision
            future = self._waiting.pop(origin, None)
            if future is not None and not future.done():
                future.set_result(decision)
