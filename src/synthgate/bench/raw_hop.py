"""(a) The least a hop can cost with aiokafka: whole batches in and out, no engine around it.

At least once like ours: idempotent, acks=all, committed only after the broker has acknowledged what was
written. The next batches are worked on while the last ones are acknowledged.
"""

import time
from typing import Any

import aiokafka
import orjson
from aiokafka.structs import TopicPartition

from synthgate import connection
from synthgate.bench.clock import Clock
from synthgate.bench.our_hop import OUT
from synthgate.runtime.app import BATCH_BYTES_MAX, COMMIT_SECONDS, COMPRESSION, FETCH_BYTES_MAX
from synthgate.settings import Settings

_ROOM: dict[str, int] = {"key": 64, "record": 80, "batch": 128}


async def run(settings: Settings, count: int) -> dict[str, Any]:
    """Copy ``count`` events to the next topic; seconds from the first record to the last commit."""
    topic, given = settings.topic("generation.events"), connection.arguments(settings)
    consumer = aiokafka.AIOKafkaConsumer(
        topic, **given, group_id=f"{settings.topic_prefix}bench.raw",
        enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES_MAX, max_poll_records=settings.batch_records,
    )  # fmt: skip
    producer = aiokafka.AIOKafkaProducer(
        **given, acks="all", enable_idempotence=True,
        compression_type=COMPRESSION, max_batch_size=BATCH_BYTES_MAX,
        max_request_size=BATCH_BYTES_MAX + 65_536, linger_ms=0,
    )  # fmt: skip
    await consumer.start()
    await producer.start()
    clock = Clock(count)
    sent: list[Any] = []
    ends: dict[TopicPartition, int] = {}
    committed_at = time.monotonic()
    while clock.seen < count:
        fetched = await consumer.getmany(timeout_ms=200, max_records=settings.batch_records)
        futures, next_ends = [], {}
        for tp, records in fetched.items():
            clock.begin()
            futures += await _copy(producer, settings.topic(OUT), tp.partition, records)
            next_ends[tp] = records[-1].offset + 1
            clock.count_in(len(records))
        for future in sent:
            await future
        if ends and time.monotonic() - committed_at > COMMIT_SECONDS:
            await consumer.commit(ends)
            ends, committed_at = {}, time.monotonic()
        sent, ends = futures, ends | next_ends
    for future in sent:
        await future
    await consumer.commit(ends)
    return dict(clock.stop())


async def _copy(producer: Any, topic: str, partition: int, records: Any) -> list[Any]:
    """Parse and write each record, and send them in batches; the futures of their acknowledgement."""
    futures = []
    batch, room = producer.create_batch(), BATCH_BYTES_MAX - _ROOM["batch"]
    for record in records:
        value = orjson.dumps(orjson.loads(record.value))
        size = len(value) + len(record.key) + _ROOM["record"] + 5 * 32
        if size > room:
            futures.append(await producer.send_batch(batch, topic, partition=partition))
            batch, room = producer.create_batch(), BATCH_BYTES_MAX - _ROOM["batch"]
        batch.append(key=record.key, value=value, timestamp=None, headers=list(record.headers))
        room -= size
    futures.append(await producer.send_batch(batch, topic, partition=partition))
    return futures
