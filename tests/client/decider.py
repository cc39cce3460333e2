"""A tiny chain for tests: reads sources, writes the decisions a script tells it to. Not the product."""

import asyncio
import hashlib
import inspect
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

SOURCES = ("generation.events", "operator.events")


def decision_row(record: Any, **over: Any) -> dict[str, Any]:
    """The decision on a source record, as events/decision.py writes it; ``over`` replaces members."""
    attrs = {name.removeprefix("ce_"): value.decode() for name, value in record.headers}
    data = orjson.loads(record.value)
    topic = next(name for name in SOURCES if record.topic.endswith(name))
    origin = f"1/{topic}/{record.partition}/{record.offset}"
    row = {
        "v": 1, "decision": f"{origin}/1", "root": origin, "origin": origin,
        "tenant": data["tenant"], "user": "token", "source": attrs["source"],
        "event_id": attrs["id"], "type": attrs["type"],
        "event_hash": hashlib.sha256(record.value).hexdigest(),
        "generation": (data.get("generation") or {}).get("id"), "medium": "text", "revision": 1,
        "supersedes": None, "repeat_of": None, "action": "release", "hold": None, "reasons": [],
        "verdicts": [], "objects": [], "label": None, "regimes": ["CN"], "enforced": True,
        "decided_at": record.timestamp,
        "receipt": {"log": record.partition, "index": record.offset, "hash": "0" * 64},
        "pass": "a.pass",
    }  # fmt: skip
    return row | over


REASON = {
    "obligation": "moderation", "rule": "DSP-10-1", "article": "DSP 10", "force": "statute",
    "code": "keyword",
}  # fmt: skip


class Decider:
    """``script(record)`` gives the rows to publish on the record's own partition, under its key, or
    publishes them itself.
    """

    def __init__(
        self, brokers: str, prefix: str, partitions: int, script: Callable[[Any], Any]
    ) -> None:
        self.script = script
        self.heard: list[Any] = []
        self._decisions = prefix + "decisions"
        self._partitions = [
            TopicPartition(prefix + topic, each) for topic in SOURCES for each in range(partitions)
        ]
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=brokers, auto_offset_reset="earliest", fetch_max_wait_ms=20
        )
        self._producer = AIOKafkaProducer(bootstrap_servers=brokers)

    async def __aenter__(self) -> Self:
        await self._producer.start()
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        for partition in self._partitions:
            self._consumer.seek(partition, 0)
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._consumer.stop()
        await self._producer.stop()
        if not self._task.cancelled():
            self._task.result()

    async def publish(self, record: Any, row: dict[str, Any] | bytes, key: Any = b"") -> None:
        """One decision, under the record's key and partition."""
        await self._producer.send_and_wait(
            self._decisions,
            row if isinstance(row, bytes) else orjson.dumps(row),
            key=record.key if key == b"" else key,
            partition=record.partition,
        )

    async def _run(self) -> None:
        async for record in self._consumer:
            self.heard.append(record)
            said = self.script(record)
            if inspect.isawaitable(said):
                await said
                continue
            for row in said:
                await self.publish(record, row)
