"""Between a platform's own topics and the chain, on real Kafka: a worker killed on the way loses nothing.

The chain is a script here; that both examples go through the whole of it is in ``tests/steps/test_intake.py``.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from client.decider import Decider, decision_row
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.crypto.keys import KeyFolder
from synthgate.runtime.topic_admin import create_topics
from synthgate.settings import Settings
from synthgate.steps.partition import partition_of

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]
COUNT = 120
GUIDES = Path(__file__).parents[2] / "src" / "guides" / "mapping"


@pytest.fixture
async def settings(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Settings:
    """Our topics, and two of the platform's with as many partitions as it likes."""
    made = chain_settings(
        kafka, topic_prefix, tmp_path, intake_map=str(GUIDES / "chat.toml"),
        intake_in=f"{topic_prefix}theirs.in", intake_out=f"{topic_prefix}theirs.out",
    )  # fmt: skip
    KeyFolder.init(made.keys_dir)
    await create_topics(made)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(made.intake_in, 5, 1), NewTopic(made.intake_out, 3, 1)])
    finally:
        await admin.close()
    return made


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Any]:
    given = {
        f"SYNTHGATE_{name.upper()}": str(getattr(settings, name))
        for name in (
            "brokers", "topic_prefix", "data_dir", "partitions", "intake_map", "intake_in", "intake_out",
            "session_timeout_s",
        )
    }  # fmt: skip
    given["SYNTHGATE_INSTANCE"] = "intake"  # who comes back need not wait for itself to be missed
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synthgate", "worker", "intake", "replies", env=os.environ | given,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def record(number: int) -> bytes:
    user = f"u{number % 40}"
    return json.dumps({
        "kind": "prompt", "msg": f"m-{number}", "job": f"j-{number}", "ts": 1_795_000_000_000,
        "text": "p", "who": {"uid": user, "device": "d"}, "from": {"ip": "203.0.113.7", "port": 1},
        "to": {"ip": "198.51.100.20", "port": 443},
    }).encode()  # fmt: skip


async def read_all(settings: Settings, topic: str, until: Any) -> list[Any]:
    """Everything on a topic, until ``until`` says that it is enough."""
    found: list[Any] = []
    async with asyncio.timeout(120):
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=settings.brokers, auto_offset_reset="earliest"
        ) as consumer:
            while not until(found):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
    return found


async def test_a_worker_killed_between_a_platform_s_topics_loses_nothing(
    settings: Settings,
) -> None:
    decider = Decider(
        settings.brokers,
        settings.topic_prefix,
        settings.partitions,
        lambda row: [decision_row(row)],
    )
    async with decider, AIOKafkaProducer(bootstrap_servers=settings.brokers) as producer:

        async def put(numbers: range) -> None:
            for number in numbers:
                key = f"u{number % 40}".encode()
                await producer.send_and_wait(settings.intake_in, record(number), key=key)

        await producer.send_and_wait(settings.intake_in, b'{"kind":"sticker"}', partition=0)
        async with working(settings) as first:
            await put(range(COUNT // 2))
            async with asyncio.timeout(90):
                while not decider.heard:
                    await asyncio.sleep(0.01)
            first.send_signal(signal.SIGKILL)
            await first.wait()
        await put(range(COUNT // 2, COUNT))
        wanted = {f"m-{number}" for number in range(COUNT)}
        async with working(settings) as second:
            replies = await read_all(
                settings, settings.intake_out,
                lambda rows: {json.loads(row.value)["msg"] for row in rows} >= wanted,
            )  # fmt: skip
            sealed = await read_all(settings, settings.topic("quarantine"), bool)
            second.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(second.wait(), 60) == 0
    assert {json.loads(row.value)["msg"] for row in replies} == wanted
    assert all(row.partition == partition_of(row.key, 3) for row in replies)
    assert all(row.partition == partition_of(row.key, 4) for row in decider.heard)
    for user in range(40):
        numbers = [
            int(dict(row.headers)["ce_id"].decode()[2:])
            for row in decider.heard
            if row.key == f"acme/u{user}".encode()
        ]
        # In order, whatever was read twice after the kill.
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers))
    heads = dict(sealed[0].headers)
    assert (heads["sg_code"], heads["sg_why"].split(b":")[0]) == (b"unmapped", b"no rule")
