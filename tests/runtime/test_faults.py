"""The engine on a real Kafka, with what goes wrong made to go wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from runtime import bench
from runtime.bench import Process, Reader, committed, create, produce, settings_for
from synthgate.broker.choose import Broker
from synthgate.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]


@pytest.fixture
async def out(settings: Settings) -> AsyncIterator[Reader]:
    async with Reader(settings, "out") as reader:
        yield reader


@pytest.fixture
async def settings(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    made = settings_for(kafka.bootstrap, topic_prefix, tmp_path)
    await create(made, "in", "out")
    return made


def numbered(first: int, count: int) -> list[tuple[int, bytes]]:
    """``count`` records over all partitions; a partition's numbers grow."""
    return [(n % bench.PARTITIONS, b"%d" % n) for n in range(first, first + count)]


def in_order(values: list[bytes]) -> bool:
    """Whether first copies come in the order they were produced."""
    firsts = list(dict.fromkeys(int(value) for value in values))
    return firsts == sorted(firsts)


async def test_nothing_is_lost_and_order_kept_over_five_kills(
    settings: Settings, out: Reader
) -> None:
    total, step = 0, 500
    over = asyncio.Event()

    async def feed() -> None:
        # Until the last kill, however fast the workers are: each must meet records it has not seen.
        nonlocal total
        while not over.is_set():
            await produce(settings, "in", numbered(total, step))
            total += step
            await asyncio.sleep(0.2)

    feeding = asyncio.create_task(feed())
    for _ in range(5):
        worker = Process(settings)
        await worker.reading()
        await out.more_than(out.count + 200)
        assert not feeding.done(), feeding.result()
        worker.kill()
    over.set()
    await feeding
    worker = Process(settings)
    await worker.reading()
    await out.holds({b"%d" % n for n in range(total)})
    worker.term()
    assert await worker.code() == 0
    assert all(in_order(values) for values in out.found.values())
    print("copies too many:", out.count - total, "of", total)


async def test_a_drained_worker_leaves_no_duplicates(settings: Settings, out: Reader) -> None:
    await produce(settings, "in", numbered(0, 20_000))
    first = Process(settings)
    await first.reading()
    first.term()  # in mid-stream
    assert await first.code() == 0
    await produce(settings, "in", numbered(20_000, 20_000))
    second = Process(settings)
    await out.holds({b"%d" % n for n in range(40_000)})
    second.term()
    assert await second.code() == 0
    assert out.count == 40_000
    assert all(in_order(values) for values in out.found.values())


async def test_a_produce_the_broker_refuses_ends_the_worker_without_a_commit(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = settings_for(kafka.bootstrap, topic_prefix, tmp_path)
    await create(settings, "in")
    await create(settings, "out", config={"max.message.bytes": "300"})
    await produce(settings, "in", [(0, b"1")])
    worker = Process(settings)
    async with Reader(settings, "out") as out:
        await out.holds({b"1"})
    await produce(settings, "in", [(0, b"large"), (0, b"2")])
    assert await worker.code() == 1
    assert "MessageSizeTooLarge" in worker.log
    assert (await committed(settings, settings.group("echo"), "in"))[0] in (None, 1)


async def test_an_exception_ends_the_worker_without_content_in_its_log(
    settings: Settings, out: Reader
) -> None:
    await produce(settings, "in", [(1, b"1"), (1, b"raise")])
    worker = Process(settings)
    assert await worker.code() == 1
    assert "ZeroDivisionError" in worker.log
    assert "echo.py" in worker.log
    assert "secret" not in worker.log


async def test_two_workers_share_and_one_takes_over(settings: Settings, out: Reader) -> None:
    first = Process(settings)
    await first.reading()
    await produce(settings, "in", numbered(0, 2_000))
    second = Process(settings)
    await second.reading()
    await produce(settings, "in", numbered(2_000, 2_000))
    await out.holds({b"%d" % n for n in range(4_000)})
    first.term()
    assert await first.code() == 0
    await produce(settings, "in", numbered(4_000, 2_000))
    third = Process(settings)
    await third.reading()
    await produce(settings, "in", numbered(6_000, 2_000))
    await out.holds({b"%d" % n for n in range(8_000)})
    second.kill()  # no good-bye: the third takes over when the session ends
    await produce(settings, "in", numbered(8_000, 2_000))
    await out.holds({b"%d" % n for n in range(10_000)})
    third.term()
    assert await third.code() == 0
    assert all(in_order(values) for values in out.found.values())


async def test_a_static_member_that_was_killed_comes_back_at_once(
    settings: Settings, out: Reader
) -> None:
    # Longer than anything is waited for here: who had to wait for its end would be told so.
    long = settings.model_copy(update={"session_timeout_s": 600.0, "instance": "one"})
    first = Process(long)
    await first.reading()
    await produce(long, "in", numbered(0, 100))
    await out.holds({b"%d" % n for n in range(100)})
    first.kill()
    second = Process(long)
    await produce(long, "in", numbered(100, 100))
    await out.holds({b"%d" % n for n in range(200)})
    second.term()
    assert await second.code() == 0


async def test_a_record_that_kills_is_found_and_becomes_a_stub(
    settings: Settings, out: Reader
) -> None:
    settings = settings.model_copy(update={"instance": "one"})
    before, after = numbered(0, 400), numbered(400, 400)
    await produce(settings, "in", [*before, (2, b"die"), *after])
    starts = 0
    for _ in range(20):
        starts += 1
        worker = Process(settings)
        until = time.monotonic() + bench.PATIENCE_S
        while worker.popen.poll() is None and len(out.values) < 801:
            assert time.monotonic() < until, f"{len(out.values)} of 801 came:\n{worker.log}"
            await asyncio.sleep(0.05)
        if worker.popen.poll() is None:
            break
    worker.term()
    assert await worker.code() == 0, worker.log
    assert out.values == {
        *(value for _, value in before),
        *(value for _, value in after),
        b"stub of die",
    }
    assert b"die" not in out.found[2]
    print("starts:", starts)
    assert starts >= 5  # one to suspect it, some to narrow, three alone


@pytest.mark.parametrize("how", [b"hang", b"spin"])
async def test_a_worker_that_stands_still_is_ended(settings: Settings, how: bytes) -> None:
    await produce(settings, "in", [(3, how)])
    worker = Process(settings.model_copy(update={"stall_s": 3.0}))
    assert await worker.code() == 1
    assert "watchdog" in worker.log


async def test_a_declared_wait_is_no_stall(settings: Settings, out: Reader, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    await produce(settings, "in", [(3, b"1")])
    # So long a stall that a machine which stands still for a moment is none.
    worker = Process(settings.model_copy(update={"stall_s": 5.0}), gate=str(gate))
    await worker.reading()
    await asyncio.sleep(10)
    assert worker.popen.poll() is None, worker.log
    gate.unlink()
    await out.holds({b"1"})
    worker.term()
    assert await worker.code() == 0
