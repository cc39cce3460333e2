from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from client.world import PARTITIONS, TOPICS, World
from synthgate.broker.embedded import EmbeddedBroker


@pytest.fixture
async def world(embedded: EmbeddedBroker, topic_prefix: str) -> AsyncIterator[World]:
    embedded.create_topics({topic_prefix + name: PARTITIONS for name in TOPICS})
    async with AsyncExitStack() as stack:
        yield World(embedded.bootstrap, topic_prefix, stack)
