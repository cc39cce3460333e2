"""Real Kafka from Maven's jars, and whichever real Kafka the suite runs on."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

import synthgate
from brokers import or_not_run
from synthgate.broker.choose import Broker
from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.jars import find_java, kafka_jars
from synthgate.broker.kafka import KafkaCluster
from synthgate.runtime.acks import TP
from synthgate.runtime.offsets import UNSAID, Offsets
from synthgate.settings import Settings

SUCCEEDED_ASKS_MAX = 20
"""Each takes five seconds at most; a cluster misses a frozen node within nine, here three."""

pytestmark = pytest.mark.kafka

OPENS_ONE = """
from synthgate.broker.kafka import KafkaCluster
with KafkaCluster() as cluster:
    print(cluster.process_id(1), flush=True)
    input()
"""


def opened(cluster: KafkaCluster) -> KafkaCluster:
    or_not_run(cluster.open)
    return cluster


@pytest.fixture(scope="module")
def three() -> Iterator[KafkaCluster]:
    with_three = opened(KafkaCluster(3, settings={"broker.session.timeout.ms": "3000"}))
    yield with_three
    with_three.close()


async def create(bootstrap: str, topic: str, partitions: int, copies: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        made = await admin.create_topics([NewTopic(topic, partitions, copies)])
        assert [error for _, error, *_ in made.topic_errors] == [0]
    finally:
        await admin.close()


async def publish(bootstrap: str, topic: str, values: list[bytes], partitions: int) -> None:
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        for index, value in enumerate(values):
            await producer.send(topic, value, partition=index % partitions)
        await producer.flush()


async def read(bootstrap: str, topic: str, group: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    ) as consumer:
        got = [bytes(record.value) for _ in range(count) for record in [await consumer.getone()]]
        await consumer.commit()
        ends = await consumer.end_offsets(consumer.assignment())
        assert sum(ends.values()) == count
        return got


async def test_a_round_trip_with_a_group(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}round.trip"
    values = [f"value {index}".encode() for index in range(100)]
    await create(kafka.bootstrap, topic, partitions=4, copies=1)
    await publish(kafka.bootstrap, topic, values, partitions=4)
    got = await read(kafka.bootstrap, topic, f"{topic_prefix}group", len(values))
    assert sorted(got) == sorted(values)


async def test_what_a_group_committed_is_kept(kafka: Broker, topic_prefix: str) -> None:
    topic = f"{topic_prefix}committed"
    await create(kafka.bootstrap, topic, partitions=1, copies=1)
    await publish(kafka.bootstrap, topic, [b"a", b"b", b"c"], partitions=1)
    await read(kafka.bootstrap, topic, f"{topic_prefix}group", 3)
    async with AIOKafkaConsumer(
        bootstrap_servers=kafka.bootstrap, group_id=f"{topic_prefix}group", enable_auto_commit=False
    ) as consumer:
        assert await consumer.committed(TopicPartition(topic, 0)) == 3


async def test_a_topic_nobody_created_is_not_made(kafka: Broker, topic_prefix: str) -> None:
    if kafka.kind == "given":
        pytest.skip("the given Kafka may create topics by itself")
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.client.force_metadata_update()
        assert f"{topic_prefix}nobody" not in producer.client.cluster.topics()


@pytest.mark.slow
async def test_three_nodes_lose_one_and_nothing_else(
    three: KafkaCluster, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}three"
    before = [f"before {index}".encode() for index in range(60)]
    after = [f"after {index}".encode() for index in range(60)]
    await create(three.bootstrap, topic, partitions=6, copies=3)
    await publish(three.bootstrap, topic, before, partitions=6)
    three.kill(2)
    assert not three.alive(2)
    await publish(three.bootstrap, topic, after, partitions=6)
    got = await read(three.bootstrap, topic, f"{topic_prefix}group", len(before) + len(after))
    assert sorted(got) == sorted(before + after)
    three.start(2)
    assert three.alive(2)


@pytest.mark.slow
async def test_who_waits_for_a_frozen_node_asks_its_successor(
    three: KafkaCluster, topic_prefix: str
) -> None:
    topic = f"{topic_prefix}frozen"
    await create(three.bootstrap, topic, partitions=6, copies=3)
    offsets = Offsets(Settings.load(environ={}, brokers=three.bootstrap), committed=True)
    await offsets.start()
    parts = [TP(topic, number) for number in range(6)]
    assert set((await offsets.ends(parts)).values()) == {0}
    three.signal(2, "STOP")
    try:
        for _ in range(SUCCEEDED_ASKS_MAX):
            with suppress(*UNSAID):
                assert set((await offsets.ends(parts)).values()) == {0}
                break
        else:
            pytest.fail("the node is asked that does not answer, for as long as it does not")
    finally:
        three.signal(2, "CONT")
        await offsets.stop()


@pytest.mark.slow
async def test_a_folder_used_again_keeps_its_records(tmp_path: Path, topic_prefix: str) -> None:
    topic = f"{topic_prefix}kept"
    first = opened(KafkaCluster(folder=tmp_path))
    try:
        await create(first.bootstrap, topic, partitions=1, copies=1)
        await publish(first.bootstrap, topic, [b"kept"], partitions=1)
    finally:
        first.close()
    with KafkaCluster(folder=tmp_path) as second:
        assert await read(second.bootstrap, topic, f"{topic_prefix}group", 1) == [b"kept"]


def test_a_node_that_cannot_start_says_why(tmp_path: Path) -> None:
    cluster = KafkaCluster(folder=tmp_path, settings={"log.segment.bytes": "never"})
    with pytest.raises(BrokerUnavailableError, match=r"could not format .*never|not found"):
        cluster.open()


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux's pidfd_open")
def test_kafka_does_not_outlive_a_process_killed_with_sigkill(tmp_path: Path) -> None:
    or_not_run(find_java)
    or_not_run(kafka_jars)
    source = str(Path(synthgate.__path__[0]).parent)
    owner = subprocess.Popen(
        [sys.executable, "-c", OPENS_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": source, "TMPDIR": str(tmp_path)},
    )
    assert owner.stdout is not None
    process_id = int(owner.stdout.readline())
    broker = os.pidfd_open(process_id)
    try:
        owner.send_signal(signal.SIGKILL)
        owner.communicate()
        ended, _, _ = select.select([broker], [], [], 90)
        assert ended, f"process {process_id} still runs"
    finally:
        os.close(broker)
