"""What stands on registry topics now, for what may only be written if it is in order."""

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from synthgate.client.errors import GateError
from synthgate.client.writer import Writer

if TYPE_CHECKING:
    from synthgate.registries import Registries


async def registries_now(writer: Writer, *topics: str) -> "Registries":
    """Copies of these topics, read from their beginnings to where they end now.

    Raises:
        GateError: they cannot be read within the writer's ``start_timeout_s``.
    """
    from synthgate.registries import Registries

    registries = Registries(topics)
    of = {writer.topic_prefix + topic: topic for topic in topics}
    places = [TopicPartition(name, number) for name in of for number in range(writer.partitions)]
    consumer = AIOKafkaConsumer(
        bootstrap_servers=writer.brokers, group_id=None, enable_auto_commit=False,
        auto_offset_reset="earliest", **writer.security,
    )  # fmt: skip
    try:
        async with asyncio.timeout(writer.start_timeout_s):
            await consumer.start()
            ends = await consumer.end_offsets(places)
            consumer.assign(places)
            await consumer.seek_to_beginning(*places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for one in records:
                        registries.apply(
                            of[one.topic], one.partition, one.offset, one.key, one.value
                        )
    except (KafkaError, TimeoutError) as error:
        raise GateError(
            f"cannot read {', '.join(of)} ({type(error).__name__}): nobody knows whether the library is whole,"
            " so nothing was written; check the rights of this user and send it again"
        ) from error
    finally:
        await consumer.stop()
    return registries
