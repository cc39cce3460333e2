"""Reading a topic to its end, whatever lies there: on a real Kafka, with transactions too."""

import asyncio

import pytest
from aiokafka import AIOKafkaProducer

from cli_commands import options, run, send
from synthgate.broker.choose import Broker
from synthgate.cli.positions import records
from synthgate.settings import Settings

Capture = pytest.CaptureFixture[str]


async def transaction(bootstrap: str, topic: str, *, keep: bool) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic + str(keep))
    await producer.start()
    try:
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"in a transaction", partition=0)
        await (producer.commit_transaction() if keep else producer.abort_transaction())
    finally:
        await producer.stop()


async def read(settings: Settings, **how: object) -> list[tuple[int, bytes | None]]:
    how = {"whole": True, "follow": False} | how
    return [(r.partition, r.value) async for r in records(settings, "decisions", **how)]


def test_a_topic_that_ends_in_transaction_markers_ends(
    kafka: Broker, topic_prefix: str, capsys: Capture
) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    settings = Settings.load(environ={}, brokers=kafka.bootstrap, topic_prefix=topic_prefix)
    topic = settings.topic("decisions")
    assert asyncio.run(read(settings)) == []
    send(kafka.bootstrap, topic, 1, [b"%d" % n for n in range(1, 4)])
    for keep in (True, False):
        asyncio.run(transaction(kafka.bootstrap, topic, keep=keep))
    said = asyncio.run(asyncio.wait_for(read(settings), 90))
    assert [value for partition, value in said if partition == 1] == [b"1", b"2", b"3"]
    newest = asyncio.run(asyncio.wait_for(read(settings, newest=1), 90))
    assert [value for partition, value in newest if partition == 1] == [b"3"]
