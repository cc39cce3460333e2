"""What a test of the client plays in: topics of its own, gates and deciders on them."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from client.decider import Decider, decision_row
from synthgate.client import Events, Gate, Generation
from synthgate.events.event import Event

PARTITIONS = 3
PATIENCE_S = 60.0
"""For what must come; on a machine that has much else to do it comes late."""
TOPICS = (
    "generation.events", "operator.events", "decisions", "facts.consents", "facts.revocations",
    "facts.accounts", "facts.templates", "facts.features", "facts.switches", "facts.recalls",
    "facts.news_sources", "control",
)  # fmt: skip


class World:
    """Gates and deciders on this test's topics; all are closed with the test."""

    def __init__(self, brokers: str, prefix: str, stack: AsyncExitStack) -> None:
        self.brokers = brokers
        self.prefix = prefix
        self._stack = stack

    async def gate(self, **over: Any) -> Gate:
        settings: dict[str, Any] = {
            "brokers": self.brokers, "topic_prefix": self.prefix, "partitions": PARTITIONS,
            "tenant": "acme", "source": "//acme/app",
        }  # fmt: skip
        return await self._stack.enter_async_context(Gate(**(settings | over)))

    async def decider(self, script: Callable[[Any], Any]) -> Decider:
        return await self._stack.enter_async_context(
            Decider(self.brokers, self.prefix, PARTITIONS, script)
        )


EVENTS = Events("acme", "//acme/app")


def ask(user: str = "u1", prompt: str = "a poem", **over: Any) -> Event:
    return EVENTS.requested(user, Generation("g1", "chat"), prompt=prompt, **over)


def silent(_: Any) -> list[Any]:
    return []


def release(record: Any) -> list[Any]:
    return [decision_row(record)]


async def until_heard(decider: Any, count: int) -> Any:
    until = time.monotonic() + PATIENCE_S
    while len(decider.heard) < count:
        assert time.monotonic() < until, f"heard {len(decider.heard)} of {count}"
        await asyncio.sleep(0.01)
    return decider.heard[count - 1]
