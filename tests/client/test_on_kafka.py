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
from client.world import PARTITIONS, PATIENCE_S, TOPICS, World
from synthgate.broker.kafka import KafkaCluster
from synthgate.client import Events, GateError, Generation
from synthgate.client.reader import POLL_MS
from synthgate.events.event import Event

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]
KILLED_S = 200.0
"""A broker comes back within it."""
EVENTS = Events("acme", "//acme/app")


def opened() -> KafkaCluster:
    cluster = KafkaCluster(1, settings={"auto.create.topics.enable": "true"})  # Kafka's own default
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


async def test_a_wrong_prefix_is_named_and_makes_no_topic(
    world: World, cluster: KafkaCluster
) -> None:
    with pytest.raises(GateError, match=r"has no topic wrong-generation\.events"):
        await world.gate(topic_prefix="wrong-", start_timeout_s=2.0)
    admin = AIOKafkaAdminClient(bootstrap_servers=cluster.bootstrap)
    await admin.start()
    try:
        there = await admin.list_topics()
    finally:
        await admin.close()
    assert there and not [name for name in there if name.startswith("wrong-")]


async def test_two_replicas_and_a_fact(world: World) -> None:
    await world.decider(lambda record: [decision_row(record)])
    one, two = await world.gate(), await world.gate()
    assert (await one.facts.recall("g9", reason="rumour")).topic == "facts.recalls"
    asked = [(gate, ask(f"u{n}")) for n in range(100) for gate in (one, two)]
    answers = await asyncio.gather(
        *(gate.decide(event, timeout=PATIENCE_S) for gate, event in asked)
    )
    assert [answer.event_id for answer in answers] == [event.id for _, event in asked]
    assert all(answer.released for answer in answers)
    took_s: list[float] = []
    # A round trip waits for no poll interval: of some, on a machine however busy, one is much shorter.
    while min(took_s, default=1.0) > POLL_MS / 2000:
        assert len(took_s) < 50, took_s
        started = time.monotonic()
        await one.decide(ask("u1"), timeout=PATIENCE_S)
        took_s.append(time.monotonic() - started)


async def test_outlives_the_broker(world: World, cluster: KafkaCluster) -> None:
    decided: list[Any] = []
    decider = await world.decider(lambda record: decided.append(record) or [])  # type: ignore[func-returns-value]
    gate = await world.gate()
    before = asyncio.create_task(gate.decide(ask("before"), timeout=KILLED_S))
    async with asyncio.timeout(PATIENCE_S):
        while not decided:
            await asyncio.sleep(0.05)
    await asyncio.to_thread(cluster.kill, 1)
    assert (await gate.decide(ask("meanwhile"), timeout=2)).action == "undecided"
    during = asyncio.create_task(gate.decide(ask("during"), timeout=KILLED_S))
    await asyncio.to_thread(cluster.start, 1)
    decider.script = lambda record: [decision_row(record)]
    await decider.publish(decided[0], decision_row(decided[0]))
    assert (await before).released
    assert (await during).released
    assert (await gate.decide(ask("after"), timeout=KILLED_S)).released
