"""On real Kafka: what one replica sent is found by another that has just begun, and by a process with TLS."""

import asyncio
import json
import os
import re
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from api.service import Api, an_ask
from certificates import Authority
from client.decider import decision_row
from client.world import World
from synthgate.api.bus import Bus
from synthgate.broker.choose import Broker

pytestmark = pytest.mark.kafka
TOPICS = ("generation.events", "operator.events", "decisions")
PARTITIONS = 3


@pytest.fixture
async def world(kafka: Broker, topic_prefix: str) -> AsyncIterator[World]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic_prefix + name, PARTITIONS, 1) for name in TOPICS])
    finally:
        await admin.close()
    async with AsyncExitStack() as stack:
        yield World(kafka.bootstrap, topic_prefix, stack)


class Replica:
    """A service on a bus of its own, with the file of keys that all share."""

    def __init__(self, world: World, folder: Path) -> None:
        self.api = Api(
            folder, brokers=world.brokers, topic_prefix=world.prefix, partitions=PARTITIONS
        )
        self.bus = Bus(self.api.settings)
        self.api.service.chain = self.bus
        self.ask = self.api.ask

    async def __aenter__(self) -> "Replica":
        await self.bus.__aenter__()
        return self

    async def __aexit__(self, *exit_: object) -> None:
        await self.bus.__aexit__(*exit_)


async def until_heard(decider: Any, count: int) -> None:
    async with asyncio.timeout(60):
        while len(decider.heard) < count:
            await asyncio.sleep(0.01)


async def until_decided(replica: Replica, link: str) -> Any:
    async with asyncio.timeout(60):
        while (said := await replica.ask("GET", link)).status != 200:
            assert said.status in (202, 503), said.body
            await asyncio.sleep(0.05)
    return said.json


async def test_a_replica_that_never_saw_the_event_finds_its_decision(
    world: World, tmp_path: Path
) -> None:
    decider = await world.decider(lambda _: [])
    async with Replica(world, tmp_path) as one:
        body = [an_ask("known"), an_ask("known-too", user="u2"), an_ask("späť", user="u3")]
        sent = await one.ask("POST", "/v1/events", body, prefer="respond-async")
        assert sent.status == 202, sent.body
        await until_heard(decider, 3)
        records = {dict(r.headers)["ce_id"].decode(): r for r in decider.heard}
        links = {row["event_id"]: row["link"] for row in sent.json["answers"]}
        for record in records.values():
            await decider.publish(record, decision_row(record))
        # Read before the second replica begins: it cannot have heard them.
        assert (await until_decided(one, links["known"]))["released"]
        async with Replica(world, tmp_path) as two:
            for link in links.values():
                assert (await until_decided(two, link))["released"]
            plain = await two.ask("GET", "/v1/decisions/known")
            assert (plain.status, plain.json["decision"]["event_id"]) == (200, "known")
            assert (await two.ask("GET", "/v1/decisions/other")).status == 404
            other = two.api.key(tenant="other")
            assert (await two.ask("GET", "/v1/decisions/known", key=other)).status == 404
            again = decision_row(records["known"], event_hash="f" * 64, action="refuse")
            await decider.publish(records["known"], again)
            assert (await until_decided(two, links["known"]))["released"]
            assert (await two.ask("GET", "/v1/decisions/known")).json["code"] == "ambiguous"
            await streamed_from(two, decider, records["known"], links["known"])


async def streamed_from(replica: Replica, decider: Any, record: Any, link: str) -> None:
    """The decision at once, and a recall that another replica's event gets later."""
    stream = replica.api.stream("GET", link, accept="text/event-stream")
    assert (await anext(stream))["status"] == 200
    assert b'"action":"release"' in await asyncio.wait_for(anext(stream), 60)
    await decider.publish(record, decision_row(record, revision=2, action="recall"))
    assert b'"action":"recall"' in await asyncio.wait_for(anext(stream), 60)
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_process_serves_with_tls_and_ends_when_told(world: World, tmp_path: Path) -> None:
    decider = await world.decider(lambda record: [decision_row(record)])
    authority = Authority(tmp_path)
    signed = authority.sign("localhost")
    api = Api(tmp_path)
    names = {
        "BROKERS": world.brokers, "TOPIC_PREFIX": world.prefix, "PARTITIONS": str(PARTITIONS),
        "DATA_DIR": str(tmp_path), "API_PORT": "0", "API_TLS_CERT_FILE": str(signed[0]),
        "API_TLS_KEY_FILE": str(signed[1]),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synthgate", "api",
        env=os.environ | {f"SYNTHGATE_{name}": value for name, value in names.items()},
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        said = b""
        async with asyncio.timeout(90):
            while (found := re.search(rb"api at https://127.0.0.1:(\d+)", said)) is None:
                line = await process.stderr.readline()
                assert line, said
                said += line
        trusted = ssl.create_default_context(cafile=str(authority.file))
        async with aiohttp.ClientSession(f"https://127.0.0.1:{int(found[1])}") as session:
            given = {"authorization": f"Bearer {api.secret}", "prefer": "wait=10"}
            async with session.post(
                "/v1/events", json=an_ask("over-tls"), headers=given, ssl=trusted
            ) as answer:
                assert answer.status in (200, 202), await answer.text()
                row = json.loads(await answer.read())
                assert row["event_id"] == "over-tls"
            async with session.post("/v1/events", json=an_ask(), ssl=trusted) as answer:
                assert answer.status == 401
        await until_heard(decider, 1)
        process.send_signal(signal.SIGTERM)
        rest = await asyncio.wait_for(process.stderr.read(), 60)
        assert await process.wait() == 0, said + rest
        assert b"over-tls" not in said + rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
