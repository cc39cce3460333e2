"""Topics on a real broker: made from the table, and held to it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import IncompatibleBrokerVersion, TopicAlreadyExistsError, for_code

from synthgate import connection
from synthgate.events.topic_configs import configs
from synthgate.events.topics import TOPICS
from synthgate.settings import Settings

ANSWER_MS: Final = 30_000
SEEN_S: Final = 60.0


@asynccontextmanager
async def admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client for the length of a block.

    Raises:
        KafkaConnectionError: no broker answers.
        NotLetIn: one does, and refuses us.
    """
    client = AIOKafkaAdminClient(
        **connection.arguments(settings), client_id="synthgate-cli", request_timeout_ms=ANSWER_MS
    )
    try:
        await connection.start(client, settings)
        yield client
    finally:
        await client.close()


async def create_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing; physical names of those made. One that exists is left alone.

    Raises:
        KafkaError: the broker refused one, with its reason; or it cannot make topics at all.
    """
    async with admin(settings) as client:
        there = await _described(client)
        missing = [topic for topic in TOPICS if settings.topic(topic.name) not in there]
        if not missing:
            return []
        cluster = await client.describe_cluster()
        if cluster["controller_id"] not in {node["node_id"] for node in cluster["brokers"]}:
            raise IncompatibleBrokerVersion("it names no controller to ask for topics")
        response = await client.create_topics(
            [
                NewTopic(
                    settings.topic(topic.name),
                    settings.partitions,
                    settings.replicas,
                    topic_configs=configs(topic, settings.insync_min),
                )
                for topic in missing
            ]
        )
        made = []
        for name, code, *why in response.topic_errors:
            fault = for_code(code)
            if code and fault is not TopicAlreadyExistsError:
                raise fault(f"topic {name}: {why[0] if why and why[0] else fault.__name__}")
            if not code:
                made.append(name)
        await _seen(client, made)
        return made


async def _seen(client: AIOKafkaAdminClient, names: Iterable[str]) -> None:
    """Return once the broker tells the topics it has just made: it answers before it knows them all.

    Raises:
        TimeoutError: it still does not, after ``SEEN_S``.
    """
    wanted = set(names)
    async with asyncio.timeout(SEEN_S):
        # The broker sends no word when it is so.
        while wanted - set(await _described(client)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def differences(settings: Settings) -> list[str]:
    """How the broker's topics differ from the table, a sentence each; empty when they do not."""
    found = []
    async with admin(settings) as client:
        there = await _described(client)
        present = [topic for topic in TOPICS if settings.topic(topic.name) in there]
        told = await _configs(client, [settings.topic(topic.name) for topic in present])
        for topic in TOPICS:
            name = settings.topic(topic.name)
            if name not in there:
                found.append(f"{name}: not there")
                continue
            found += _shape(name, there[name], settings)
            found += [
                f"{name}: {key} is {told[name].get(key, 'not told')}, should be {value}"
                for key, value in configs(topic, settings.insync_min).items()
                if told[name].get(key) != value
            ]
    return found


def _shape(name: str, row: Mapping[str, Any], settings: Settings) -> Iterable[str]:
    partitions = row["partitions"]
    if len(partitions) != settings.partitions:
        yield (
            f"{name}: {len(partitions)} partitions, should be {settings.partitions}"
            " (keys would move: drain, raise `epoch`, make it anew)"
        )
    replicas = min((len(part["replicas"]) for part in partitions), default=0)
    if replicas != settings.replicas:
        yield f"{name}: {replicas} replicas, should be {settings.replicas}"
    if leaderless := [part["partition"] for part in partitions if part["leader"] < 0]:
        yield f"{name}: no leader for partitions {leaderless}"


async def _described(client: AIOKafkaAdminClient) -> dict[str, Mapping[str, Any]]:
    rows = await client.describe_topics()
    return {row["topic"]: row for row in rows if not row["error_code"]}


async def _configs(client: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    for response in await client.describe_configs(asked):
        for code, why, _kind, name, entries in response.resources:
            if code:
                raise for_code(code)(f"topic {name}: {why}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found
