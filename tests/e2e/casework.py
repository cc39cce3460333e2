"""Cases as a platform's people and machines make them, straight onto ``case.events``; and as they stand."""

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Producer

from e2e.followed import latest
from e2e.recorder import Topics
from synthgate.demo.chain import Chain
from synthgate.settings import Settings

SAID_SECONDS = 60.0
SECONDS_MAX = 120.0
"""Nothing here may take longer, on a machine that is ten times slower than ours."""


def said(at_ms: int) -> str:
    """A time as events have it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def tell(settings: Settings, events: Iterable[tuple[str, str, str, dict[str, Any]]]) -> None:
    """Events by id, type, case and data; each under its case's key. They are on the topic when this returns."""
    producer = Producer(
        {"bootstrap.servers": settings.brokers, "log_level": 2, "partitioner": "murmur2", "linger.ms": 5,
         "enable.idempotence": True}
    )  # fmt: skip
    for id_, kind, case, data in events:
        event = {
            "specversion": "1.0", "id": id_, "source": "app", "type": kind,
            "time": said(time.time_ns() // 1_000_000), "data": {"tenant": "demo", "case": case, **data},
        }  # fmt: skip
        producer.produce(settings.topic("case.events"), json.dumps(event).encode(), case.encode())
        producer.poll(0)
    assert producer.flush(SAID_SECONDS) == 0


def written(settings: Settings, topic: str = "cases") -> list[dict[str, Any]]:
    """Every row ever written to a topic of rows, by partition in order."""
    with Topics(settings) as topics:
        read = topics.read(topic)
    return [json.loads(record.value) for records in read.values() for record in records]


def rows(settings: Settings, kind: str) -> dict[str, dict[str, Any]]:
    """Cases of a kind as they stand."""
    with Topics(settings) as topics:
        held = latest(topics.read("cases"))
    return {name: row for name, row in held.items() if row["kind"] == kind}


def supervised(chain: Chain) -> None:
    """Start what ended by itself, as whoever runs workers does."""
    for worker in list(chain.workers.values()):
        if worker.process is not None and worker.process.poll() is not None:
            chain.start(worker.name)


def until(done: Callable[[], bool], what: str, chain: Chain) -> None:
    """Wait for it, while workers are looked after."""
    end = time.monotonic() + SECONDS_MAX
    while not done():
        assert time.monotonic() < end, f"no {what} in {SECONDS_MAX} s"
        supervised(chain)
        time.sleep(0.3)
