"""Where topics begin and end and where groups stand: what rewind, accept-loss and status look at."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CommandError

if TYPE_CHECKING:
    from synthgate.settings import Settings


@asynccontextmanager
async def reader(settings: "Settings", group: str | None = None) -> AsyncIterator[Any]:
    """A consumer that joins no group; with ``group`` it can read (and set) that group's positions.

    Raises:
        KafkaConnectionError: no broker answers.
        NotLetIn: one does, and refuses us.
    """
    from aiokafka import AIOKafkaConsumer

    from synthgate import connection

    consumer = AIOKafkaConsumer(
        **connection.arguments(settings),
        client_id="synthgate-cli",
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await connection.start(consumer, settings)
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def writer(settings: "Settings") -> AsyncIterator[Any]:
    """A producer that knows a record is safe when it says so.

    Raises:
        KafkaConnectionError: no broker answers.
        NotLetIn: one does, and refuses us.
    """
    from aiokafka import AIOKafkaProducer

    from synthgate import connection

    producer = AIOKafkaProducer(
        **connection.arguments(settings), client_id="synthgate-cli", acks="all"
    )
    try:
        await connection.start(producer, settings)
        yield producer
    finally:
        await producer.stop()


async def partitions(settings: "Settings", topic: str) -> list[Any]:
    """Every partition of a topic (logical name), in order.

    Raises:
        CommandError: the broker has no such topic.
    """
    from aiokafka import TopicPartition

    from synthgate.runtime.topic_admin import admin

    name = settings.topic(topic)
    async with admin(settings) as client:
        # All are asked for: naming one would make it, on a broker that makes topics by itself.
        rows = {row["topic"]: row["partitions"] for row in await client.describe_topics()}
    if not rows.get(name):
        raise CommandError(f"no topic {name} on the broker; `synthgate topics create` makes it")
    return [
        TopicPartition(name, number) for number in sorted(row["partition"] for row in rows[name])
    ]


async def ends(settings: "Settings", topic: str) -> dict[int, int]:
    """Where each partition of a topic (logical name) ends now."""
    places = await partitions(settings, topic)
    async with reader(settings) as consumer:
        return {place.partition: end for place, end in (await consumer.end_offsets(places)).items()}


async def records(
    settings: "Settings", topic: str, *, whole: bool, follow: bool, newest: int | None = None
) -> AsyncIterator[Any]:
    """Records of a topic (logical name), of all partitions.

    whole: from the beginning (or only the ``newest`` of each partition), else from now. Without ``follow`` it
    ends where the topic ended at the start.
    """
    places = await partitions(settings, topic)
    async with reader(settings) as consumer:
        ends = await consumer.end_offsets(places)
        left = dict(await consumer.beginning_offsets(places)) if whole else dict(ends)
        if newest is not None:
            left = {place: max(offset, ends[place] - newest) for place, offset in left.items()}
        consumer.assign(places)
        for place, offset in left.items():
            consumer.seek(place, offset)
        while follow or any(left[place] < ends[place] for place in places):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    yield record
            for place in places:
                # A position moves past what is no record too: transaction markers, compacted rows.
                left[place] = await consumer.position(place)


async def committed(consumer: Any, places: Iterable[Any]) -> dict[Any, int | None]:
    """Committed position of the consumer's group at each place; None where there is none."""
    return {place: await consumer.committed(place) for place in places}


async def place_of(settings: "Settings", topic: str, partition: int) -> Any:
    """One partition of a topic (logical name).

    Raises:
        CommandError: no such topic or partition.
    """
    places = await partitions(settings, topic)
    for place in places:
        if place.partition == partition:
            return place
    raise CommandError(f"{topic} has no partition {partition}; it has 0 to {len(places) - 1}")
