"""Asking the broker where its logs begin and end: a connection of its own.

A broker answers one request per connection at a time, so a question sent behind a fetch's long-poll waits
for it. Nothing is consumed here.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError, KafkaError
from aiokafka.structs import TopicPartition

from synthgate import connection
from synthgate.runtime.acks import TP
from synthgate.runtime.exits import CONFIGURATION, TRY_LATER, Refused
from synthgate.settings import Settings

ASK_MS_MAX = 5000
ANSWER_MS_MAX = 2000
"""Of one broker; in what is left of an ask its successor is found and asked."""
START_SECONDS_MAX = 20.0


async def reach(client: Any, settings: Settings) -> None:
    """Start a Kafka client of a worker.

    Raises:
        Refused: the broker cannot be reached (exit 75), or does not let us in (exit 78).
    """
    try:
        await connection.start(client, settings)
    except connection.NotLetIn as error:
        raise Refused(CONFIGURATION, str(error)) from None
    except KafkaConnectionError:
        raise Refused(
            TRY_LATER,
            f"no broker answers at {settings.brokers}; is it up, is SYNTHGATE_BROKERS right, and"
            " SYNTHGATE_SECURITY_PROTOCOL that of its listener?",
        ) from None


class Offsets:
    """Log starts and ends. ``committed``: ends as a reader of committed records may read them."""

    def __init__(self, settings: Settings, *, committed: bool) -> None:
        self._settings = settings
        self._isolation = "read_committed" if committed else "read_uncommitted"
        self._client: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect.

        Raises:
            Refused: the broker cannot be reached (exit 75), or does not let us in (exit 78).
        """
        client = AIOKafkaConsumer(
            **connection.arguments(self._settings),
            isolation_level=self._isolation,
            request_timeout_ms=ASK_MS_MAX,
            client_id="synthgate-offsets",
        )
        connection.watch(client._client, ANSWER_MS_MAX)  # noqa: SLF001
        try:
            await asyncio.wait_for(reach(client, self._settings), START_SECONDS_MAX)
        except TimeoutError:
            await client.stop()
            raise Refused(TRY_LATER, f"no broker answers at {self._settings.brokers}") from None
        except Refused:
            await client.stop()
            raise
        self._client = client

    async def stop(self) -> None:
        """Disconnect."""
        if self._client is not None:
            await self._client.stop()
            self._client = None

    async def begins(self, tps: Iterable[TP]) -> dict[TP, int]:
        """First offset each partition still has. KafkaError or TimeoutError: the broker did not say."""
        assert self._client is not None
        parts = [TopicPartition(*tp) for tp in tps]
        found = await asyncio.wait_for(self._client.beginning_offsets(parts), ASK_MS_MAX / 1000)
        return {TP(*part): offset for part, offset in found.items()}

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """One past the last offset of each partition. KafkaError or TimeoutError: did not say."""
        assert self._client is not None
        parts = [TopicPartition(*tp) for tp in tps]
        found = await asyncio.wait_for(self._client.end_offsets(parts), ASK_MS_MAX / 1000)
        return {TP(*part): offset for part, offset in found.items()}


UNSAID = (KafkaError, TimeoutError)
"""What is raised when the broker does not say."""
