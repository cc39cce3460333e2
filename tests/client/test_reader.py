import asyncio
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from client.decider import decision_row
from client.world import PATIENCE_S, World, ask, silent, until_heard
from synthgate.client.errors import GateError
from synthgate.client.reader import Reader

pytestmark = pytest.mark.embedded


class Heard:
    def __init__(self, world: World) -> None:
        self.values: list[bytes] = []
        self.ended = asyncio.Event()
        self.more = asyncio.Event()
        self.reader = Reader(
            brokers=world.brokers, topic=world.prefix + "decisions", partitions=3,
            on_record=self.take, on_end=self.ended.set,
        )  # fmt: skip

    def take(self, record: Any) -> None:
        if record.value == b"trap":
            raise RuntimeError("a bug")
        self.values.append(record.value)
        self.more.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.values) < count:
                self.more.clear()
                await self.more.wait()


async def put(world: World, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=world.brokers) as producer:
        for number, value in enumerate(values):
            await producer.send_and_wait(world.prefix + "decisions", value, partition=number % 3)


async def test_hears_what_comes_after_the_start_and_only_that(world: World) -> None:
    await put(world, b"a", b"b", b"c", b"d")
    heard = Heard(world)
    await heard.reader.start(PATIENCE_S)
    await put(world, b"e", b"f", b"g")
    await heard.until(3)
    await heard.reader.stop()
    assert sorted(heard.values) == [b"e", b"f", b"g"]


async def test_goes_on_where_it_was_when_its_consumer_dies_again_and_again(world: World) -> None:
    heard = Heard(world)
    await heard.reader.start(PATIENCE_S)
    for number in range(3):
        consumer = heard.reader._consumer
        assert consumer is not None
        await consumer.stop()
        await put(world, *(b"%d" % (3 * number + at) for at in range(3)))
        await heard.until(3 * number + 3)
    await heard.reader.stop()
    assert sorted(heard.values) == [b"%d" % number for number in range(9)]
    assert heard.reader.reconnects == 3
    assert heard.reader.failure is None


async def test_a_bug_ends_it_and_says_so(world: World) -> None:
    heard = Heard(world)
    await heard.reader.start(PATIENCE_S)
    await put(world, b"trap")
    async with asyncio.timeout(PATIENCE_S):
        await heard.ended.wait()
    assert isinstance(heard.reader.failure, RuntimeError)
    await heard.reader.stop()


async def test_start_gives_up(world: World) -> None:
    reader = Reader(
        brokers="127.0.0.1:9", topic="decisions", partitions=1,
        on_record=print, on_end=lambda: None,
    )  # fmt: skip
    with pytest.raises(GateError, match="within 1 s"):
        await reader.start(1.0)


async def test_reader_that_lost_its_consumer_misses_nothing(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    asked = [asyncio.create_task(gate.decide(ask(f"u{n}"), timeout=PATIENCE_S)) for n in range(6)]
    await until_heard(decider, 6)
    reader = gate._line.reader
    assert reader._consumer is not None
    await reader._consumer.stop()
    for record in decider.heard:
        await decider.publish(record, decision_row(record))
    assert all(answer.released for answer in await asyncio.gather(*asked))
    assert reader.reconnects == 1
