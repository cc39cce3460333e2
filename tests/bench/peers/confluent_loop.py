"""(k, l) A hand-written loop on confluent-kafka (librdkafka): the least Python code around the six ``decide``.

At least once: everything produced is flushed and acknowledged before offsets are committed, once a second.
"""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD, PATH, SAID, Record, Six
from synthgate.settings import Settings

COMMIT_SECONDS = 1.0
FETCHED_MAX = 500
Decide = Callable[[Record], bytes]


async def six_topics(settings: Settings, count: int) -> dict[str, Any]:
    """One consumer of all six topics; to the commit behind incidents' last verdict."""
    each = Six(settings).each
    routes = {HEARD[duty]: (decide, SAID.get(duty)) for duty, decide in each.items()}
    return _run(settings, count, routes, PATH[-1])


async def fused(settings: Settings, count: int) -> dict[str, Any]:
    """All six in one hop."""
    return _run(settings, count, {PATH[0]: (Six(settings).fused, PATH[-1])}, PATH[0])


def _run(
    settings: Settings, count: int, routes: dict[str, tuple[Decide, str | None]], last: str
) -> dict[str, Any]:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.brokers,
            "group.id": f"{settings.topic_prefix}bench.confluent",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    producer = Producer(
        {
            "bootstrap.servers": settings.brokers,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "zstd",
            "linger.ms": 5,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    physical = {
        settings.topic(heard): (decide, out and settings.topic(out), heard == last)
        for heard, (decide, out) in routes.items()
    }
    consumer.subscribe(list(physical))
    clock, done_to, committed_at = Clock(count), {}, time.monotonic()
    while clock.seen < count:
        for message in consumer.consume(FETCHED_MAX, 0.1):
            if message.error():
                raise RuntimeError(message.error().str())
            clock.begin()
            decide, out, counts = physical[message.topic()]
            value = decide(record(message))
            if out:
                _send(producer, out, message, value)
            done_to[message.topic(), message.partition()] = message.offset() + 1
            if counts:
                clock.count_in(1)
        producer.poll(0)
        if time.monotonic() - committed_at > COMMIT_SECONDS:
            _commit(producer, consumer, done_to)
            committed_at = time.monotonic()
    _commit(producer, consumer, done_to)
    return dict(clock.stop())


def record(message: Message) -> Record:
    return Record(
        message.partition(), message.offset(), message.timestamp()[1], message.key(),
        message.value(), message.headers() or (),
    )  # fmt: skip


def _send(producer: Producer, out: str, message: Message, value: bytes) -> None:
    while True:
        try:
            producer.produce(
                out, value, message.key(), message.partition(), on_delivery=_acknowledged
            )
            return
        except BufferError:
            producer.poll(0.1)


def _acknowledged(error: Any, _: Message) -> None:
    if error is not None:
        raise RuntimeError(error.str())


def _commit(producer: Producer, consumer: Consumer, done_to: dict[tuple[str, int], int]) -> None:
    if producer.flush(30):
        raise RuntimeError("not everything was acknowledged")
    if done_to:
        offsets = [TopicPartition(topic, part, at) for (topic, part), at in done_to.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        done_to.clear()
