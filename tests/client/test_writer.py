import asyncio

import pytest
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from hypothesis import given
from hypothesis import strategies as st

from client.world import PATIENCE_S, World
from synthgate.client import GateError, Writer
from synthgate.client.writer import partition_of
from synthgate.steps.partition import partition_of as at_the_door


@given(st.binary(max_size=200), st.integers(1, 4096))
def test_partitions_are_those_the_door_checks(key: bytes, partitions: int) -> None:
    assert partition_of(key, partitions) == at_the_door(key, partitions)


@pytest.mark.embedded
async def test_writes_where_the_key_belongs_or_where_told(world: World) -> None:
    async with Writer(brokers=world.brokers, topic_prefix=world.prefix, partitions=3) as writer:
        own = await writer.write_and_wait("decisions", b"acme/u1", b"{}")
        assert own.partition == partition_of(b"acme/u1", 3)
        other = (own.partition + 1) % 3
        told = await writer.write_and_wait("decisions", b"acme/u1", b"{}", partition=other)
        assert (told.topic, told.partition, told.offset) == ("decisions", other, 0)
    with pytest.raises(GateError, match="closed"):
        await writer.write("decisions", b"k", b"v")


@pytest.mark.embedded
async def test_a_record_too_large_is_its_own_fault(world: World) -> None:
    async with Writer(brokers=world.brokers, topic_prefix=world.prefix, partitions=3) as writer:
        before = writer._producer
        with pytest.raises(GateError, match="MessageSizeTooLarge"):
            await writer.write_and_wait("decisions", b"k", b"v" * 2_000_000)
        assert writer._producer is before


@pytest.mark.embedded
async def test_a_producer_that_lost_its_sequence_is_replaced(world: World) -> None:
    async with Writer(brokers=world.brokers, topic_prefix=world.prefix, partitions=3) as writer:
        await writer.write_and_wait("decisions", b"k", b"v")
        before = writer._producer
        assert before is not None
        # As aiokafka does when a batch expired and the broker misses its sequence numbers.
        before._message_accumulator.fail_all(OutOfOrderSequenceNumber())
        with pytest.raises((KafkaError, GateError)):
            await writer.write_and_wait("decisions", b"k", b"v")
        assert writer._replacing is not None
        async with asyncio.timeout(PATIENCE_S):
            await writer._replacing
        assert writer._producer is not before
        await writer.write_and_wait("decisions", b"k", b"v")
