"""Reads a whole run: topics off the broker, entries off the ledger folder, objects off theirs."""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from e2e.history import SOURCES, Entry, History, Record, Source, leaf_hash
from synthgate.crypto.keys import KeyFolder
from synthgate.effects.places import open_objects
from synthgate.ledger import KeyRing, LogReader
from synthgate.ledger.log_ids import decided
from synthgate.ledger.stores import open_store
from synthgate.settings import Settings

READ_SECONDS = 60.0


class Topics:
    """Reads topics from their start to their present end. A context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.brokers,
                "log_level": 2,
                "group.id": f"{settings.topic_prefix}history",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
            }
        )

    def __enter__(self) -> "Topics":
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def bounds(self, topic: str) -> list[tuple[int, int]]:
        """Log start and log end of every partition."""
        name = self._settings.topic(topic)
        return [
            self._ends(TopicPartition(name, number)) for number in range(self._settings.partitions)
        ]

    def _ends(self, part: TopicPartition) -> tuple[int, int]:
        """A partition just made, or whose leader moved, has nobody to ask for a moment."""
        until = time.monotonic() + READ_SECONDS
        while True:
            try:
                ends: tuple[int, int] = self._consumer.get_watermark_offsets(part, READ_SECONDS)
                return ends
            except KafkaException:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def read(self, topic: str) -> dict[int, list[Record]]:
        """Every record there is, by partition."""
        name = self._settings.topic(topic)
        bounds = self.bounds(topic)
        found: dict[int, list[Record]] = {number: [] for number in range(len(bounds))}
        left = {number for number, (begin, end) in enumerate(bounds) if begin < end}
        self._consumer.assign([TopicPartition(name, n, bounds[n][0]) for n in left])
        until = time.monotonic() + READ_SECONDS
        while left:
            assert time.monotonic() < until, (
                f"{topic}: {left} not at their ends in {READ_SECONDS} s"
            )
            for record in self._consumer.consume(1000, 0.02):
                if record.topic() != name:
                    continue  # the last word on what was read before
                number = record.partition()
                if record.error() is not None:
                    assert record.error().name() == "_PARTITION_EOF", record.error()
                    left.discard(number)
                    continue
                row = Record(record.offset(), record.key(), record.value() or b"")
                found[number].append(row)
        return found


def recorded(settings: Settings) -> History:
    """The run that ``settings`` name, as it stands."""
    sources = {}
    with Topics(settings) as topics:
        for name in SOURCES:
            rows = topics.read(name)
            for number, (begin, end) in enumerate(topics.bounds(name)):
                sources[name, number] = Source(begin, end, rows[number])
        return History(
            partitions=settings.partitions,
            sources=sources,
            logs={log: list(entries(reader)) for log, reader in readers(settings).items()},
            decisions=topics.read("decisions"),
            cases=topics.read("cases"),
            standings=topics.read("standings"),
            work=topics.read("work"),
            objects=objects(settings),
            epoch=settings.epoch,
        )


def readers(settings: Settings) -> dict[int, LogReader]:
    """A reader per log of passages there is."""
    store = open_store(settings)
    ring = KeyRing.open(settings.ledger_dir / "userkeys", KeyFolder(settings.keys_dir).master_key)
    return {log: LogReader(store, ring, log) for log in decided(store.logs())}


def entries(reader: LogReader) -> Iterator[Entry]:
    """Every entry of a log, hash by hash."""
    for index in range(reader.find_head()):
        entry = reader.read(index)
        content: dict[str, Any] = json.loads(entry.content)
        yield Entry(entry.header, content, leaf_hash(reader.stored(index)))


def objects(settings: Settings) -> dict[str, str]:
    """SHA-256 of every object, by name."""
    store = open_objects(settings)
    return {name: hashlib.sha256(store.get(name) or b"").hexdigest() for name in store.every()}
