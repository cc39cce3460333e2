"""Rebalances without end: workers come, go and are killed while records flow; nothing is lost or stuck."""

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from runtime.bench import PARTITIONS, PATIENCE_S, Process, Reader, create, produce, settings_for
from synthgate.broker.choose import Broker

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(600)]
ROUNDS = 8


async def each_partition_is_shown_once(workers: Sequence[Process]) -> None:
    """In the metrics: whoever let one go shows it no more."""
    every = list(range(PARTITIONS))
    until = time.monotonic() + PATIENCE_S
    while (found := sorted([p for worker in workers for p in await worker.shown()])) != every:
        assert time.monotonic() < until, f"{found}:\n" + "\n".join(one.log for one in workers)
        await asyncio.sleep(0.2)


@pytest.mark.parametrize("static", [False, True], ids=["dynamic", "static"])
async def test_nothing_is_lost_in_a_storm(
    kafka: Broker, topic_prefix: str, tmp_path: Path, static: bool
) -> None:
    chance = random.Random(7)
    # Workers are thrown out of the group again and again here: that alone must not end one.
    settings = settings_for(kafka.bootstrap, topic_prefix, tmp_path, stall_s=PATIENCE_S)
    await create(settings, "in", "out")
    sent = 0
    calm = asyncio.Event()

    async def feed() -> None:
        nonlocal sent
        while not calm.is_set():
            values = [(n % PARTITIONS, b"%d" % n) for n in range(sent, sent + 200)]
            await produce(settings, "in", values)
            sent += len(values)
            await asyncio.sleep(0.2)

    def worker(number: int) -> Process:
        return Process(settings.model_copy(update={"instance": f"w{number}" if static else ""}))

    feeding = asyncio.create_task(feed())
    workers = {number: worker(number) for number in range(3)}
    async with Reader(settings, "out") as out:
        for _ in range(ROUNDS):
            await asyncio.sleep(chance.uniform(0.5, 4))
            number = chance.choice(list(workers))
            if chance.random() < 0.5:
                await workers[number].says("metrics at")  # from then on it hears SIGTERM
                workers[number].term()
                assert await workers[number].code() == 0, workers[number].log
            else:
                workers[number].kill()
            workers[number] = worker(number)
        calm.set()
        await feeding
        await out.holds({b"%d" % n for n in range(sent)})
        await each_partition_is_shown_once(list(workers.values()))
    for number, last in workers.items():
        assert last.popen.poll() is None, f"worker {number} ended by itself: {last.log}"
        await last.says("metrics at")
        last.term()
    for last in workers.values():
        assert await last.code() == 0, last.log
