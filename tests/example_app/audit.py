"""After the run: every object that was served stands on a release, in the topic and in the log."""

from collections.abc import Sequence
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from example_app.file_server import Served
from synthgate.client import Decision
from synthgate.ledger import KeyRing, LocalStore, LogReader
from synthgate.settings import Settings


async def decisions(settings: Settings) -> list[Decision]:
    """Everything on the topic ``decisions``."""
    topic = settings.topic("decisions")
    partitions = [TopicPartition(topic, each) for each in range(settings.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.brokers)
    await consumer.start()
    try:
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        found: list[Decision] = []
        while any([await consumer.position(each) < ends[each] for each in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(Decision.read(r.value, r.key, r.partition) for r in records)
        return found
    finally:
        await consumer.stop()


def unfounded(served: Sequence[Served], decided: Sequence[Decision]) -> list[Served]:
    """What was served without a release, as the last word on its event, naming it and its bytes."""
    latest: dict[str, Decision] = {}
    for decision in decided:
        root = decision.row["root"]
        if root not in latest or decision.rank > latest[root].rank:
            latest[root] = decision
    released = {
        (each.name, each.sha256, decision.receipt["log"], decision.receipt["index"])
        for decision in latest.values()
        for each in decision.objects
        if decision.released and decision.row["type"] == "generation.completed"
    }
    return [
        each for each in served if (each.name, each.sha256, each.log, each.index) not in released
    ]


def unlogged(served: Sequence[Served], settings: Settings, master_key: bytes) -> list[Served]:
    """What was served although the log holds no release at its receipt that names it."""
    store = LocalStore(settings.ledger_dir)
    ring = KeyRing.open(settings.ledger_dir / "userkeys", master_key)
    readers = [LogReader(store, ring, log) for log in range(settings.partitions)]

    def stands(each: Served) -> bool:
        entry = readers[each.log].read(each.index)
        said: Any = orjson.loads(entry.content)["decision"]
        named = {row["name"]: row["sha256"] for row in said["objects"]}
        return entry.header["action"] == "release" and named.get(each.name) == each.sha256

    return [each for each in served if not stands(each)]
