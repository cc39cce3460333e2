"""A worker from start to end: what it refuses to start on, how it waits, how it ends."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from runtime.bench import (
    PARTITIONS,
    PATIENCE_S,
    SESSION_S,
    Process,
    Reader,
    commit,
    committed,
    create,
    produce,
    settings_for,
    working,
)
from runtime.echo import Echo
from synthgate.broker.choose import Broker
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.runtime.run import Worker
from synthgate.settings import Settings

EVERY = [(n % PARTITIONS, b"%d" % n) for n in range(1000)]


@pytest.fixture
def quick(embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path) -> Settings:
    embedded.create_topics({f"{topic_prefix}{name}": PARTITIONS for name in ("in", "out")})
    return settings_for(embedded.bootstrap, topic_prefix, tmp_path, session_timeout_s=SESSION_S)


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.json()


async def test_echo_in_order_and_committed(quick: Settings) -> None:
    stage = Echo()
    async with working(Worker([stage], quick, outputs=("out",))), Reader(quick, "out") as out:
        await produce(quick, "in", EVERY)
        await out.holds({value for _, value in EVERY})
        assert out.count == len(EVERY)
        for partition, values in out.found.items():
            assert values == [value for p, value in EVERY if p == partition]
    assert set().union(*stage.held) == set(range(PARTITIONS))
    ends = await committed(quick, quick.group("echo"), "in")
    assert ends == dict.fromkeys(range(PARTITIONS), len(EVERY) // PARTITIONS)
    # Every batch says where reading started: nothing lies between it and the one before.
    for partition in range(PARTITIONS):
        positions = [(b.position, b.next_offset) for b in stage.batches if b.partition == partition]
        assert positions[0][0] == 0
        assert [end for _, end in positions[:-1]] == [begin for begin, _ in positions[1:]]


async def test_waiting_is_told_and_ends(quick: Settings, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.touch()
    async with (
        working(Worker([Echo(gate)], quick, outputs=("out",))) as worker,
        Reader(quick, "out") as out,
    ):
        await produce(quick, "in", [(2, b"1")])
        async with asyncio.timeout(PATIENCE_S):
            while not any(row["what"] == "gate" for row in worker.waits.rows()):
                await asyncio.sleep(0.01)
        status, told = await get(worker.web.url + "/readyz")
        assert status == 503
        assert "in/2" in [row["where"] for row in told["waits"] if row["what"] == "gate"], told
        gate.unlink()
        await out.holds({b"1"})
        async with asyncio.timeout(PATIENCE_S):  # a broker that is slow to answer is a wait too
            while (await get(worker.web.url + "/readyz"))[0] != 200:
                await asyncio.sleep(0.05)
        assert (await get(worker.web.url + "/livez"))[0] == 200


async def test_one_waiting_partition_holds_up_no_other(quick: Settings) -> None:
    held = asyncio.Event()

    class Slow(Echo):
        async def process(
            self, batch: Any, now_ms: int, poison: frozenset[int] = frozenset()
        ) -> Any:
            if batch.partition == 1:
                await held.wait()
            return await super().process(batch, now_ms, poison)

    async with working(Worker([Slow()], quick, outputs=("out",))), Reader(quick, "out") as out:
        await produce(quick, "in", EVERY)
        await out.holds({value for partition, value in EVERY if partition != 1})
        assert not out.found[1]
        held.set()
        await out.holds({value for _, value in EVERY})


async def test_no_broker_is_try_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = settings_for("127.0.0.1:1", "x.", tmp_path)
    assert await Worker([Echo()], settings).run() == 75
    assert "no broker answers at 127.0.0.1:1" in caplog.text


async def test_a_missing_topic_is_configuration(
    quick: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    assert await Worker([Echo()], quick, outputs=("nowhere",)).run() == 78
    assert f"topic {quick.topic('nowhere')} does not exist" in caplog.text


async def test_a_wrong_number_of_partitions_is_configuration(
    quick: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    other = quick.model_copy(update={"partitions": 3})
    assert await Worker([Echo()], other, outputs=("out",)).run() == 78
    assert "has 4 partitions and SYNTHGATE_PARTITIONS is 3" in caplog.text


async def test_a_taken_port_is_configuration(
    quick: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        taken = quick.model_copy(update={"web_port": port})
        assert await Worker([Echo()], taken, outputs=("out",)).run() == 78
    assert "set SYNTHGATE_WEB_PORT" in caplog.text


@pytest.mark.kafka
class TestStartOutsideTheLog:
    """A committed offset the log does not have."""

    @pytest.fixture
    async def settings(self, kafka: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
        made = settings_for(kafka.bootstrap, topic_prefix, tmp_path, session_timeout_s=SESSION_S)
        await create(made, "in", "out")
        await produce(made, "in", EVERY)
        return made

    async def delete_before(self, settings: Settings, partition: int, offset: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
        await admin.start()
        part = TopicPartition(settings.topic("in"), partition)
        await admin.delete_records({part: RecordsToDelete(before_offset=offset)})
        await admin.close()

    async def test_beyond_the_end(self, settings: Settings) -> None:
        await commit(settings, settings.group("echo"), "in", {2: 9999})
        worker = Process(settings)
        assert await worker.code() == 78, worker.log
        told = "echo stands at offset 9999 of in partition 2, outside its log (0 to 250)"
        assert told in worker.log
        assert "synthgate rewind in 2" in worker.log

    async def test_deleted_unread(self, settings: Settings) -> None:
        await commit(settings, settings.group("echo"), "in", {1: 10})
        await self.delete_before(settings, 1, 100)
        worker = Process(settings)
        assert await worker.code() == 78, worker.log
        assert "offsets 10 to 99 were deleted before they were read" in worker.log
        assert "synthgate topics accept-loss in 1 --reason WHY" in worker.log
        ends = await committed(settings, settings.group("echo"), "in")
        assert ends[1] == 10

    async def test_deleted_and_accepted(self, settings: Settings) -> None:
        await commit(settings, settings.group("echo"), "in", {1: 10})
        await self.delete_before(settings, 1, 100)
        asked = []

        async def accepted(topic: str, partition: int, at: int, start: int) -> bool:
            asked.append((topic, partition, at, start))
            return True

        stage = Echo()
        worker = Worker([stage], settings, accepted=accepted, outputs=("out",))
        async with working(worker), Reader(settings, "out") as out:
            await out.holds({value for p, value in EVERY if p != 1})
            await out.holds({value for p, value in EVERY if p == 1 and int(value) >= 400})
        assert asked == [("in", 1, 10, 100)]
        assert next(b for b in stage.batches if b.partition == 1).position == 100
