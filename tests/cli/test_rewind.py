"""``synthgate rewind``: only back, only an empty group, only what the broker still has."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from aiokafka import AIOKafkaConsumer

from cli_commands import commit, delete_before, options, position, read_all, run, send
from synthgate.broker.choose import Broker

Capture = pytest.CaptureFixture[str]
TOPIC = "generation.events"


@pytest.fixture
def read_to_five(kafka: Broker, topic_prefix: str, capsys: Capture) -> tuple[str, str, list[str]]:
    """Six records on partition 1, of which five are read; physical topic, group, options."""
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    topic, group = topic_prefix + TOPIC, f"{topic_prefix}synthgate.identity"
    send(kafka.bootstrap, topic, 1, [b"%d" % n for n in range(6)])
    commit(kafka.bootstrap, group, topic, 1, 5)
    return topic, group, where


@contextmanager
def member(bootstrap: str, group: str, topic: str) -> Iterator[None]:
    """Somebody in the group while the block runs."""
    joined, leave = threading.Event(), threading.Event()

    async def stay() -> None:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group)
        await consumer.start()
        try:
            while not consumer.assignment():
                await asyncio.sleep(0.05)
            joined.set()
            while not leave.is_set():
                await asyncio.sleep(0.05)
        finally:
            await consumer.stop()

    thread = threading.Thread(target=lambda: asyncio.run(stay()))
    thread.start()
    try:
        assert joined.wait(60)
        yield
    finally:
        leave.set()
        thread.join()


def test_back_to_an_offset(
    kafka: Broker, read_to_five: tuple[str, str, list[str]], capsys: Capture
) -> None:
    topic, group, where = read_to_five
    code, said, why = run(capsys, "rewind", TOPIC, "1", "--offset", "2", *where)
    assert (code, why) == (0, "")
    assert "from 5 back to 2; 3 offsets will be read again" in said
    assert position(kafka.bootstrap, group, topic, 1) == 2
    assert "nothing to do" in run(capsys, "rewind", TOPIC, "1", "--offset", "2", *where)[1]


def test_back_to_a_time(
    kafka: Broker, read_to_five: tuple[str, str, list[str]], capsys: Capture
) -> None:
    topic, group, where = read_to_five
    third = read_all(kafka.bootstrap, topic, 6)[3]
    at = datetime.fromtimestamp(third.timestamp / 1000, UTC).isoformat()
    assert run(capsys, "rewind", TOPIC, "1", "--time", at, *where)[0] == 0
    assert position(kafka.bootstrap, group, topic, 1) == min(
        record.offset
        for record in read_all(kafka.bootstrap, topic, 6)
        if record.timestamp >= third.timestamp
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("1", "--offset", "6"), "never goes forward"),
        (("1", "--time", "2999-01-01T00:00:00Z"), "never goes forward"),
        (("1", "--time", "yesterday"), "write it like"),
        (("0", "--offset", "0"), "has never read"),
        (("7", "--offset", "0"), "has no partition 7"),
    ],
)
def test_what_is_refused(
    argv: tuple[str, ...],
    words: str,
    kafka: Broker,
    read_to_five: tuple[str, str, list[str]],
    capsys: Capture,
) -> None:
    topic, group, where = read_to_five
    code, _, why = run(capsys, "rewind", TOPIC, *argv, *where)
    assert code == 1
    assert words in why
    assert position(kafka.bootstrap, group, topic, 1) == 5


def test_what_the_broker_lost_cannot_be_read_again(
    kafka: Broker, read_to_five: tuple[str, str, list[str]], capsys: Capture
) -> None:
    topic, _, where = read_to_five
    delete_before(kafka.bootstrap, topic, 1, 4)
    code, _, why = run(capsys, "rewind", TOPIC, "1", "--offset", "2", *where)
    assert code == 1
    assert "begins at 4" in why


def test_a_group_with_members_is_left_alone(
    kafka: Broker, read_to_five: tuple[str, str, list[str]], capsys: Capture
) -> None:
    topic, group, where = read_to_five
    with member(kafka.bootstrap, group, topic):
        code, _, why = run(capsys, "rewind", TOPIC, "1", "--offset", "2", *where)
    assert code == 75
    assert "has members" in why
    assert position(kafka.bootstrap, group, topic, 1) == 5


def test_only_sources_are_rewound(capsys: Capture) -> None:
    code, _, why = run(capsys, "rewind", "passages.consented", "0", "--offset", "0")
    assert code == 78
    assert "is not read by the door" in why
