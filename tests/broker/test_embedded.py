"""The embedded broker under aiokafka: groups, offsets, topics by name."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import synthgate
from synthgate.broker.embedded import AUTO_PARTITIONS, EmbeddedBroker

pytestmark = pytest.mark.embedded

OPENS_ONE = """
from synthgate.broker.embedded import EmbeddedBroker
with EmbeddedBroker() as broker:
    print(broker.process_id, flush=True)
    input()
"""


async def test_a_round_trip_with_a_group(embedded: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}round.trip"
    embedded.create_topics({topic: 6})
    async with AIOKafkaProducer(
        bootstrap_servers=embedded.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for index in range(120):
            value = b"%d" % index
            await producer.send(topic, value, partition=index % 6, headers=[("h", b"v")])
        await producer.flush()
    group = {"group_id": f"{topic_prefix}group", "group_instance_id": "one"}
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=embedded.bootstrap,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **group,
    ) as consumer:
        got = [await consumer.getone() for _ in range(120)]
        assert sorted(int(record.value) for record in got) == list(range(120))
        assert all(record.headers == (("h", b"v"),) for record in got)
        ends = await consumer.end_offsets(consumer.assignment())
        assert sorted(ends.values()) == [20] * 6
        await consumer.commit()
        assert await consumer.committed(TopicPartition(topic, 3)) == 20


async def test_a_member_that_comes_back_goes_on_where_it_committed(
    embedded: EmbeddedBroker, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}back"
    embedded.create_topics({topic: 1})
    async with AIOKafkaProducer(bootstrap_servers=embedded.bootstrap) as producer:
        for index in range(4):
            await producer.send_and_wait(topic, b"%d" % index)
    for expected in ([b"0", b"1"], [b"2", b"3"]):
        async with AIOKafkaConsumer(
            topic,
            bootstrap_servers=embedded.bootstrap,
            group_id=f"{topic_prefix}group",
            group_instance_id="one",
            session_timeout_ms=1000,
            heartbeat_interval_ms=200,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        ) as consumer:
            got = [await consumer.getone() for _ in range(2)]
            assert [record.value for record in got] == expected
            await consumer.commit({TopicPartition(topic, 0): got[-1].offset + 1})


async def test_topics_named_and_unnamed() -> None:
    with EmbeddedBroker({"twelve": 12, "one": 1}) as broker:
        async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            assert len(await producer.partitions_for("twelve")) == 12
            assert len(await producer.partitions_for("one")) == 1
            assert len(await producer.partitions_for("unnamed")) == AUTO_PARTITIONS


def test_what_cannot_be_made_is_refused(embedded: EmbeddedBroker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}twice"
    embedded.create_topics({topic: 2})
    with pytest.raises(ValueError, match="already exists"):
        embedded.create_topics({topic: 3})
    for name, count in ((f"{topic_prefix}none", 0), ("two words", 1), ("line\nbreak", 1), ("", 1)):
        with pytest.raises(ValueError, match="not a topic"):
            embedded.create_topics({name: count})
    with pytest.raises(ValueError, match="give the topics by name"):
        EmbeddedBroker(AUTO_PARTITIONS + 1)


def test_a_closed_broker_is_gone() -> None:
    broker = EmbeddedBroker()
    broker.open()
    process_id = broker.process_id
    broker.close()
    broker.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    with pytest.raises(RuntimeError, match="not open"):
        broker.create_topics({"a": 1})


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's pidfd_open")
def test_the_broker_does_not_outlive_a_process_killed_with_sigkill() -> None:
    source = str(Path(synthgate.__path__[0]).parent)
    owner = subprocess.Popen(
        [sys.executable, "-c", OPENS_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": source},
    )
    assert owner.stdout is not None
    broker = os.pidfd_open(int(owner.stdout.readline()))
    try:
        owner.kill()
        owner.communicate()
        ended, _, _ = select.select([broker], [], [], 90)
        assert ended
    finally:
        os.close(broker)
