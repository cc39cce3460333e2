"""What the tests of the engine share: topics, records in and out, worker processes."""

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import TopicPartition

from synthgate.runtime.run import Worker
from synthgate.settings import Settings

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
PATIENCE_S = 120.0
"""How long anything is waited for: a start, a rebalance, a drain, on a machine that has much else to do."""
SESSION_S = 30.0
"""For who is alone in its group, and would do again what it had in work if it were taken for dead."""
STARTED: list["Process"] = []
"""Workers that were started; ``conftest`` ends those a test left running."""


def settings_for(brokers: str, prefix: str, folder: Path, **over: Any) -> Settings:
    """Settings with short times."""
    given: dict[str, Any] = {
        "brokers": brokers,
        "topic_prefix": prefix,
        "partitions": PARTITIONS,
        "replicas": 1,
        "insync_min": 1,
        "data_dir": str(folder),
        "session_timeout_s": 6.0,
        "revoke_s": 4.0,
    }
    return Settings.load(None, {}, **{**given, **over})


async def create(settings: Settings, *names: str, config: Mapping[str, str] | None = None) -> None:
    """Create topics on a real Kafka and wait until they can be written."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    try:
        new = [
            NewTopic(settings.topic(name), settings.partitions, 1, topic_configs=dict(config or {}))
            for name in names
        ]
        await admin.create_topics(new)
        wanted = {settings.topic(name) for name in names}
        async with asyncio.timeout(PATIENCE_S):
            while True:
                rows = await admin.describe_topics()
                ready = {
                    row["topic"] for row in rows if all(p["leader"] >= 0 for p in row["partitions"])
                }
                if wanted <= ready:
                    return
    finally:
        await admin.close()


async def produce(settings: Settings, topic: str, values: Iterable[tuple[int, bytes]]) -> None:
    """Send (partition, value) in order and await every acknowledgement."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, enable_idempotence=True)
    await producer.start()
    try:
        physical = settings.topic(topic)
        sent = [await producer.send(physical, value, key=b"k", partition=p) for p, value in values]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


class Reader:
    """Reads a topic from its start on; ``found`` grows as records come."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._topic = settings.topic(topic)
        self.found: dict[int, list[bytes]] = {p: [] for p in range(settings.partitions)}
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.brokers, fetch_max_wait_ms=50, auto_offset_reset="earliest"
        )
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        parts = [TopicPartition(self._topic, p) for p in self.found]
        self._consumer.assign(parts)
        await self._consumer.seek_to_beginning()
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await self._consumer.stop()

    async def _read(self) -> None:
        while True:
            for part, records in (await self._consumer.getmany(timeout_ms=200)).items():
                self.found[part.partition] += [record.value for record in records]

    @property
    def count(self) -> int:
        return sum(map(len, self.found.values()))

    @property
    def values(self) -> set[bytes]:
        return {value for values in self.found.values() for value in values}

    async def more_than(self, count: int) -> None:
        """Wait until more than so many records are there."""
        await self._until(lambda: self.count > count, lambda: f"no more than {count}")

    async def holds(self, values: set[bytes]) -> None:
        """Wait until all these values are there."""

        def missing() -> str:
            left = sorted(values - self.values)
            return f"{len(left)} of {len(values)} missing, such as {left[:5]}"

        await self._until(lambda: self.count >= len(values) and values <= self.values, missing)

    async def _until(self, true: Callable[[], bool], lacking: Callable[[], str]) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    if self._task is not None and self._task.done():
                        self._task.result()
                    await asyncio.sleep(0.02)
        except TimeoutError:
            read = {partition: len(values) for partition, values in self.found.items()}
            raise AssertionError(f"{lacking()} in {PATIENCE_S:g} s; read {read}") from None


async def committed(settings: Settings, group: str, topic: str) -> dict[int, int | None]:
    """Committed offsets of a group by partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        parts = [TopicPartition(settings.topic(topic), p) for p in range(settings.partitions)]
        return {part.partition: await consumer.committed(part) for part in parts}
    finally:
        await consumer.stop()


async def commit(settings: Settings, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Commit for a group that nobody is in."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(settings.topic(topic), p) for p in offsets])
        await consumer.commit(
            {TopicPartition(settings.topic(topic), p): offset for p, offset in offsets.items()}
        )
    finally:
        await consumer.stop()


@asynccontextmanager
async def working(worker: Worker) -> AsyncIterator[Worker]:
    """A worker in this process, reading; it must end well when the block ends."""
    running = asyncio.create_task(worker.run())
    reading = asyncio.create_task(worker.reading.wait())
    try:
        await asyncio.wait([running, reading], return_when=asyncio.FIRST_COMPLETED)
        assert not running.done(), f"ended with {running.result()} before it read"
        yield worker
    finally:
        reading.cancel()
        worker.stop()
        await asyncio.wait([running])
    assert running.result() == 0


class Process:
    """A worker process running Echo. Its log is kept in ``log``."""

    def __init__(self, settings: Settings, **more: Any) -> None:
        told = {**json.loads(settings.model_dump_json(exclude_defaults=True)), **more}
        folder = Path(settings.data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"worker-{time.monotonic_ns()}.log"
        with self.path.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "runtime.echo", json.dumps(told)],
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT / "tests",
                env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
            )
        STARTED.append(self)

    @property
    def log(self) -> str:
        return self.path.read_text()

    async def reading(self) -> None:
        """Wait until it has partitions."""
        await self.says("has partitions")

    async def says(self, text: str) -> None:
        """Wait until its log says so."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while text not in self.log:
                    assert self.popen.poll() is None or text in self.log, self.log
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"never said {text!r}:\n{self.log}") from None

    async def url(self) -> str:
        """Where its metrics are, once it says so."""
        await self.says("/metrics")
        found = re.search(r"metrics at (\S+)/metrics", self.log)
        assert found, self.log
        return found.group(1)

    async def shown(self) -> set[int]:
        """Partitions its metrics show the lag of."""
        async with ClientSession() as session, session.get(f"{await self.url()}/metrics") as page:
            lags = re.findall(r'synthgate_lag_records{.*partition="(\d+)".*}', await page.text())
        return set(map(int, lags))

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait(PATIENCE_S)

    def term(self) -> None:
        self.popen.terminate()

    async def code(self) -> int:
        """Its exit code, once it ended."""
        try:
            return await asyncio.to_thread(self.popen.wait, PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {PATIENCE_S:g} s:\n{self.log}") from None
