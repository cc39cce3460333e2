"""The platform's side of work: every piece owed is handed to a function, and answered by what it returns.

At least once: a piece is committed once its answer is acknowledged, so after a crash it may be handed over
again, and unanswered it is sent again. What was done twice is answered twice and counts once.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaConsumer

from synthgate.client.casework import Casework
from synthgate.client.writer import Writer

WORK_TOPIC: Final = "work"
Work = Mapping[str, Any]
Do = Callable[[Work], Awaitable[Mapping[str, Any]]]
"""Do a piece of work; return what proves it (references, hashes). Raise ``NotDone`` if it cannot be done."""
_log = logging.getLogger(__name__)


class NotDone(Exception):
    """It could not be done; the sentence says why. It stays owed and is sent again."""


class Workbench:
    """Reads the work of one tenant as one consumer group; an async context manager."""

    def __init__(self, writer: Writer, *, tenant: str, source: str, group: str, do: Do) -> None:
        """group: shared by the platform's replicas. ``do`` is called for one piece at a time."""
        self._tenant = tenant
        self._casework = Casework(writer, tenant, source)
        self._do = do
        self._consumer = AIOKafkaConsumer(
            writer.topic_prefix + WORK_TOPIC, bootstrap_servers=writer.brokers, group_id=group,
            enable_auto_commit=False, auto_offset_reset="earliest", **writer.security,
        )  # fmt: skip
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Workbench":
        await self._consumer.start()
        self._task = asyncio.create_task(self._run(), name="workbench")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._consumer.stop()

    async def failed(self) -> None:
        """Return only by raising what ended the work, so that a platform can wait for it."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def _run(self) -> None:
        async for record in self._consumer:
            work = orjson.loads(record.value or b"{}")
            if work.get("v") == 1 and work.get("tenant") == self._tenant:
                await self._one(work, record.partition)
            await self._consumer.commit()

    async def _one(self, work: Work, partition: int) -> None:
        try:
            proof = await self._do(work)
        except NotDone as refusal:
            await self._casework.answer(
                "work.failed", work["case"], partition, work=work["id"], reason=str(refusal) or None
            )
            return
        await self._casework.answer(
            "work.done", work["case"], partition, work=work["id"], detail=proof
        )
        _log.debug("work %s done", work["kind"])
