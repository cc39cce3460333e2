"""Batches on the wire: the topic's own limit, order, headers."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from runtime.bench import PARTITIONS, SESSION_S, Reader, produce, settings_for, working
from runtime.echo import Echo
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.runtime import acks
from synthgate.runtime.run import Worker
from synthgate.settings import Settings


@pytest.fixture
def settings(embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Settings:
    embedded.create_topics({f"{topic_prefix}{name}": PARTITIONS for name in ("in", "out")})
    return settings_for(embedded.bootstrap, topic_prefix, tmp_path, session_timeout_s=SESSION_S)


async def test_publish_splits_at_the_limit_and_keeps_order(settings: Settings) -> None:
    async with working(Worker([Echo()], settings, outputs=("out",))) as worker:
        await publishes(settings, worker)


async def publishes(settings: Settings, worker: Worker) -> None:
    producer = worker.runners[0].app.producer
    topic = settings.topic("out")
    records = [(b"k", b"%03d" % n * 100, [("ce_id", b"x")]) for n in range(200)]
    futures = await producer.publish(topic, 1, records, 4096)
    assert len(futures) > 10
    for future in futures:
        await future
    async with Reader(settings, "out") as out:
        await out.more_than(199)
        assert out.found[1] == [value for _, value, _ in records]
    assert await producer.publish(topic, 1, [], 4096) == []
    with pytest.raises(ValueError, match="larger than the 4096 bytes it takes"):
        await producer.publish(topic, 1, [(None, b"x" * 5000, ())], 4096)


async def test_what_was_fetched_and_dropped_is_read_again(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """A fetch begun before a rebalance ends after it: its records are dropped, their place kept."""
    caplog.set_level("INFO")
    stolen: list[bytes] = []
    sent: list[tuple[int, bytes]] = []
    async with (
        working(Worker([Echo()], settings, outputs=("out",))) as worker,
        Reader(settings, "out") as out,
    ):
        consumer = worker.runners[0].app.consumer
        while len(stolen) < 50:
            first = len(sent)
            sent += [(n % PARTITIONS, b"%d" % n) for n in range(first, first + 40)]
            taking = asyncio.create_task(consumer._getmany(consumer.assignment(), 1.0))
            await produce(settings, "in", sent[first:])
            for _, records in (await taking).values():
                stolen += [record.value for record in records]
        await out.holds({value for _, value in sent})
    for partition, values in out.found.items():
        assert values == [value for p, value in sent if p == partition]
    assert "reads again from" in caplog.text


def test_what_unpacks_into_much_is_delivered_in_pieces() -> None:
    sizes = [1, 9, 3, 3, 3, 20, 1]  # MiB
    records = [SimpleNamespace(key=None, value=bytes(size << 20)) for size in sizes]
    found = list(acks.pieces(records))
    assert [size >> 20 for _, size in found] == [1, 9, 6, 3, 20, 1]
    assert [[len(r.value) >> 20 for r in piece] for piece, _ in found] == [
        [1],
        [9],
        [3, 3],
        [3],
        [20],
        [1],
    ]
    assert list(acks.pieces(records[:1])) == [(records[:1], 1 << 20)]
    small = [SimpleNamespace(key=None, value=b"x")] * (2 * acks.DELIVERY_RECORDS_MAX + 1)
    assert [len(piece) for piece, _ in acks.pieces(small)] == [500, 500, 1]
