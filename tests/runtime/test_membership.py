"""How a member of a group stops reading unseen (ADR 0058, 0063); how partitions change hands. Real Kafka."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import InconsistentGroupProtocolError, KafkaError

from runtime.bench import PARTITIONS, PATIENCE_S, Process, create, produce, settings_for, working
from runtime.echo import Echo
from synthgate.broker.choose import Broker
from synthgate.runtime.run import Worker
from synthgate.runtime.transport import Consumer
from synthgate.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(300)]
PARKED_SECONDS = 3.0
"""Without an error a member that is alone in its group has partitions much sooner."""


@pytest.fixture
async def settings(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    made = settings_for(kafka.bootstrap, topic_prefix, tmp_path)
    await create(made, "in", "out")
    return made


def member(settings: Settings, assignor: Any, *topics: str) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        *topics,
        bootstrap_servers=settings.brokers,
        group_id=settings.group("echo"),
        partition_assignment_strategy=[assignor],
        enable_auto_commit=False,
    )


async def has_partitions(consumer: AIOKafkaConsumer) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not consumer.assignment():
            await asyncio.sleep(0.05)


async def test_aiokafka_parks_a_member_whose_join_failed_until_it_is_asked(
    settings: Settings,
) -> None:
    """The cause, without Faust: what failed is over, and still nothing is consumed."""
    topic = settings.topic("in")
    other = member(settings, RoundRobinPartitionAssignor, topic)
    await other.start()
    parked = member(settings, RangePartitionAssignor)
    await parked.start()
    try:
        parked.subscribe([topic])
        async with asyncio.timeout(PATIENCE_S):
            while parked._coordinator._pending_exception is None:
                await asyncio.sleep(0.05)
        await other.stop()
        await asyncio.sleep(PARKED_SECONDS)
        assert parked.assignment() == set()
        with pytest.raises(InconsistentGroupProtocolError):
            parked._coordinator.check_errors()
        await has_partitions(parked)
    finally:
        await other.stop()
        await parked.stop()


async def test_a_worker_whose_join_failed_says_so_and_ends(settings: Settings) -> None:
    """Its supervisor starts another, which joins once the cause is gone."""
    other = member(settings, RoundRobinPartitionAssignor, settings.topic("in"))
    await other.start()
    try:
        worker = Process(settings)
        assert await worker.code() == 1, worker.log
        assert "InconsistentGroupProtocolError" in worker.log
    finally:
        await other.stop()
    worker = Process(settings)
    await worker.reading()
    worker.term()
    assert await worker.code() == 0, worker.log


async def nothing_is_fetched_any_more(*_: Any) -> None:
    raise KeyError("what aiokafka's fetching does not expect")


async def test_aiokafka_tells_nobody_that_its_fetching_has_ended(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cause, without Faust: records are there, the member stays in its group, and nobody hears of it."""
    reading = member(settings, RangePartitionAssignor, settings.topic("in"))
    await reading.start()
    try:
        await has_partitions(reading)
        monkeypatch.setattr(Fetcher, "_proc_fetch_request", nothing_is_fetched_any_more)
        async with asyncio.timeout(PATIENCE_S):
            while not reading._fetcher.error_future.done():
                await asyncio.sleep(0.05)
        monkeypatch.undo()
        await produce(settings, "in", [(0, b"one")])
        assert await reading.getmany(timeout_ms=int(PARKED_SECONDS * 1000)) == {}
        assert reading.assignment()
        with pytest.raises(KafkaError):
            reading._fetcher.error_future.result()
    finally:
        with suppress(KafkaError):
            await reading.stop()


async def test_a_worker_whose_fetching_has_ended_says_so_and_ends(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    worker = Worker([Echo()], settings, outputs=("out",))
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(PATIENCE_S):
        await worker.reading.wait()
        monkeypatch.setattr(Fetcher, "_proc_fetch_request", nothing_is_fetched_any_more)
        assert await running == 1
    (said,) = [
        line
        for line in caplog.messages
        if "fetch or membership failed" in line or "the group" in line
    ]
    assert "KafkaError" in said
    assert "caused by builtins.KeyError" in said


async def test_rebalancing_is_eager(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who keeps a partition lets it go, too, before anybody gets one: no two members ever hold the same."""
    revoked: list[set[int]] = []
    let_go = Consumer.on_partitions_revoked

    async def seen(consumer: Consumer, parts: set[Any]) -> None:
        revoked.append({part.partition for part in parts})
        await let_go(consumer, parts)

    monkeypatch.setattr(Consumer, "on_partitions_revoked", seen)
    stage = Echo()
    async with working(Worker([stage], settings, outputs=("out",))):
        async with asyncio.timeout(PATIENCE_S):
            while not stage.held or stage.held[-1] != frozenset(range(PARTITIONS)):
                await asyncio.sleep(0.05)
        before = len(revoked)
        other = Process(settings)
        await other.reading()
        async with asyncio.timeout(PATIENCE_S):
            while len(stage.held[-1]) != PARTITIONS // 2:
                await asyncio.sleep(0.05)
        assert revoked[before] == set(range(PARTITIONS))
        other.term()
        assert await other.code() == 0, other.log
