"""The client on real Kafka: the same answers, and no gap when the broker dies under it."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from brokers import or_not_run
from client.decider import decision_row
from client.world import PARTITIONS, TOPICS, World
from synthgate.broker.kafka import KafkaCluster
from synthgate.client import Events, Generation
from synthgate.events.event import Event

pytestmark = pytest.mark.kafka
EVENTS = Events("acme", "//acme/app")


def opened() -> KafkaCluster:
    cluster = KafkaCluster(1)
    cluster.open()
    return cluster


@pytest.fixture(scope="module")
def cluster() -> Iterator[KafkaCluster]:
    """Its own: these tests kill it."""
    cluster = or_not_run(opened)
    yield cluster
    cluster.close()


@pytest.fixture
async def world(cluster: KafkaCluster, topic_prefix: str) -> AsyncIterator[World]:
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic_prefix + name, PARTITIONS, 1) for name in TOPICS])
    finally:
        await admin.close()
    async with AsyncExitStack() as stack:
        yield World(cluster.bootstrap, topic_prefix, stack)


def ask(user: str) -> Event:
    return EVENTS.requested(user, Generation("g1", "chat"), prompt="p")


async def test_two_replicas_and_a_fact(world: World) -> None:
    await world.decider(lambda record: [decision_row(record)])
    one, two = await world.gate(), await world.gate()
    assert (await one.facts.recall("g9", reason="rumour")).topic == "facts.recalls"
    asked = [(gate, ask(f"u{n}")) for n in range(100) for gate in (one, two)]
    answers = await asyncio.gather(*(gate.decide(event, timeout=30) for gate, event in asked))
    assert [answer.event_id for answer in answers] == [event.id for _, event in asked]
    assert all(answer.released for answer in answers)
    took_s = []
    for _ in range(5):
        started = time.monotonic()
        await one.decide(ask("u1"), timeout=30)
        took_s.append(time.monotonic() - started)
    assert min(took_s) < 0.25  # a round trip waits for no poll interval


async def test_outlives_the_broker(world: World, cluster: KafkaCluster) -> None:
    decided: list[Any] = []
    decider = await world.decider(lambda record: decided.append(record) or [])  # type: ignore[func-returns-value]
    gate = await world.gate()
    before = asyncio.create_task(gate.decide(ask("before"), timeout=90))
    async with asyncio.timeout(20):
        while not decided:
            await asyncio.sleep(0.05)
    await asyncio.to_thread(cluster.kill, 1)
    assert (await gate.decide(ask("meanwhile"), timeout=2)).action == "undecided"
    during = asyncio.create_task(gate.decide(ask("during"), timeout=90))
    await asyncio.to_thread(cluster.start, 1)
    decider.script = lambda record: [decision_row(record)]
    await decider.publish(decided[0], decision_row(decided[0]))
    assert (await before).released
    assert (await during).released
    assert (await gate.decide(ask("after"), timeout=90)).released
