"""What the CLI's tests share: run a command against a broker, put records on topics."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from synthgate.__main__ import main
from synthgate.settings import Settings

PATIENCE_S = 90.0
"""For an answer of a chain, on a machine that has much else to do."""


@dataclass
class Running:
    """A chain that runs, and the options that lead a command to it."""

    settings: Settings
    options: list[str]
    web: str


def options(bootstrap: str, prefix: str, **over: object) -> list[str]:
    """--set options for a one-node broker."""
    rows: dict[str, object] = {
        "brokers": bootstrap,
        "topic_prefix": prefix,
        "partitions": 2,
        "replicas": 1,
        "insync_min": 1,
    }
    return [part for name, value in (rows | over).items() for part in ("--set", f"{name}={value}")]


def run(capsys: Any, *argv: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    capsys.readouterr()
    code = main(argv)
    said = capsys.readouterr()
    return code, said.out, said.err


def send(bootstrap: str, topic: str, partition: int, values: Sequence[bytes]) -> None:
    """Put records on one partition and wait for them."""

    async def work() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        await producer.start()
        try:
            for value in values:
                await producer.send_and_wait(topic, value, partition=partition)
        finally:
            await producer.stop()

    asyncio.run(work())


def commit(bootstrap: str, group: str, topic: str, partition: int, offset: int) -> None:
    """Set a group's position, as a worker would have."""

    async def work() -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            place = TopicPartition(topic, partition)
            consumer.assign([place])
            await consumer.commit({place: offset})
        finally:
            await consumer.stop()

    asyncio.run(work())


def position(bootstrap: str, group: str, topic: str, partition: int) -> int | None:
    """A group's committed position."""

    async def work() -> int | None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False
        )
        await consumer.start()
        try:
            found: int | None = await consumer.committed(TopicPartition(topic, partition))
            return found
        finally:
            await consumer.stop()

    return asyncio.run(work())


def delete_before(bootstrap: str, topic: str, partition: int, offset: int) -> None:
    """Let the broker lose records, as retention would."""

    async def work() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await client.start()
        try:
            await client.delete_records(
                {TopicPartition(topic, partition): RecordsToDelete(before_offset=offset)}
            )
        finally:
            await client.close()

    asyncio.run(work())


def read_all(bootstrap: str, topic: str, count: int) -> list[Any]:
    """The first records of a topic, all partitions."""

    async def work() -> list[Any]:
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            return [await asyncio.wait_for(consumer.getone(), PATIENCE_S) for _ in range(count)]
        finally:
            await consumer.stop()

    return asyncio.run(work())
