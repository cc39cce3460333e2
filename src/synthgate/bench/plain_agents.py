"""Plain Faust agents: one per duty, one event at a time, ``topic.send`` to the next topic, one process.

Two ways to fill them: with no more than the six ``decide`` (``plain_decide.py``), or with the duties whole
(``plain_whole.py``).
"""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NamedTuple

import faust

from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD
from synthgate.events import topics
from synthgate.runtime import logs
from synthgate.runtime.app import COMPRESSION
from synthgate.settings import Settings
from synthgate.step import Batch
from synthgate.steps.known import Again


class Out(NamedTuple):
    """One record an agent sends."""

    topic: str
    key: bytes | None
    value: bytes
    headers: list[tuple[str, bytes]]


Hop = Callable[[Any], Coroutine[Any, Any, list[Out]]]
"""What an agent does with one message of Faust's."""


async def run(settings: Settings, hops: Mapping[str, Hop], clock: Clock) -> dict[str, Any]:
    """Run one agent per duty until the last has counted all in."""
    logs.quieten()
    app = faust.App(
        f"{settings.topic_prefix}bench-plain",
        broker=f"kafka://{settings.brokers}", datadir=str(settings.data_dir / "faust"),
        web_enabled=False, cache="memory://", topic_allow_declare=False, topic_disable_leader=True,
        consumer_auto_offset_reset="earliest", producer_acks=-1,
        producer_compression_type=COMPRESSION, worker_redirect_stdouts=False,
    )  # fmt: skip
    known = {
        topic.name: app.topic(
            settings.topic(topic.name), key_serializer="raw", value_serializer="raw"
        )
        for topic in topics.TOPICS
    }
    for duty, hop in hops.items():
        app.agent(known[HEARD[duty]], name=duty)(_agent(hop, known))
    await app.start()
    await clock.all_seen.wait()
    return {**clock.stop(), "released": clock.seen}


def one(duty: str, message: Any) -> Batch:
    """A batch of one."""
    record = Again(
        message.offset, round(message.timestamp * 1000), message.key, message.value, message.headers
    )
    topic, at = HEARD[duty], message.offset
    return Batch(topic, message.partition, [record], at, at + 1)


def _agent(hop: Hop, known: Mapping[str, Any]) -> Any:
    async def agent(stream: Any) -> None:
        async for event in stream.events():
            for topic, key, value, headers in await hop(event.message):
                await known[topic].send(
                    key=key, value=value, headers=headers, partition=event.message.partition
                )

    return agent
