"""The whole chain in one process without a broker: the stages on lists. For examples and mutation checks.

What it cannot show (acknowledgement, rebalances, durability) is shown on real Kafka elsewhere.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from synthgate import worker
from synthgate.crypto.keys import KeyFolder
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.effects.workshop import WAITING_FOR
from synthgate.events import topics
from synthgate.events.decision import Decision
from synthgate.events.facts import Row, key_of
from synthgate.law import LawBook
from synthgate.parts import parts
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Stage, Waiting
from synthgate.steps.partition import partition_of
from synthgate.steps.recording import RecordsStage


@dataclass
class Stored:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass
class NoFresh:
    """Copies are always up to date here: records are applied as they are appended."""

    ends: Callable[[str], list[int]] = field(default=lambda _: [])

    def positions(self, wanted: Sequence[str]) -> dict[str, list[int]]:
        return {topic: self.ends(topic) for topic in wanted}

    async def fresh(self, wanted: Sequence[str]) -> dict[str, list[int]]:
        return self.positions(wanted)


@dataclass
class LocalBus:
    """Topics as lists, stages run in turn until nothing moves."""

    settings: Settings
    book: LawBook | None = None
    fused: bool = False
    recording: bool = False
    """Whether what decisions rest on is logged too: most tests ask nothing of it."""
    now_ms: int = 1_795_000_000_000
    logs: dict[tuple[str, int], list[Stored]] = field(default_factory=lambda: defaultdict(list))
    read: dict[tuple[str, str, int], int] = field(default_factory=lambda: defaultdict(int))

    order: random.Random | None = None
    """Which of its inputs a stage reads first: theirs in the order named, unless shuffled."""
    poison: set[tuple[str, int]] = field(default_factory=set)
    """(stage, offset) of records that killed the process three times."""

    def __post_init__(self) -> None:
        if not (self.settings.keys_dir / "master.key").exists():
            KeyFolder.init(self.settings.keys_dir)
        self.start()

    def start(self) -> None:
        """Build the stages anew, as after a restart; copies are read again from the start."""
        duties = topics.DUTIES
        self.parts = parts(self.settings, NoFresh(self.ends), duties, self.book)
        self.stages: list[Stage] = worker.stages(self.parts, duties, fused=self.fused)
        recorder = self.stages.pop()
        assert isinstance(recorder, RecordsStage)
        if self.recording:
            recorder.gather_seconds = 0
            self.stages.append(recorder)
        for (topic, partition), records in self.logs.items():
            for record in records:
                self._copy(topic, partition, record)
        partitions = frozenset(range(self.settings.partitions))
        for stage in self.stages:
            asyncio.run(stage.assigned(partitions))

    def append(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int | None = None,
    ) -> Stored:
        if partition is None:
            partition = partition_of(key or b"", self.settings.partitions)
        log = self.logs[topic, partition]
        record = Stored(len(log), self.now_ms, key, value, headers)
        log.append(record)
        self._copy(topic, partition, record)
        return record

    def fact(self, topic: str, row: Row) -> None:
        self.append(topic, key_of(topic, row).encode(), row.model_dump_json().encode())

    def send(self, event: dict[str, Any], topic: str = "generation.events") -> None:
        """A whole CloudEvent as a dict with ``data``; key tenant/user."""
        data = event["data"]
        attrs = {k: v for k, v in event.items() if k != "data"}
        headers = [(f"ce_{k}", str(v).encode()) for k, v in attrs.items()]
        key = f"{data['tenant']}/{data['user']['id']}".encode()
        self.append(topic, key, orjson.dumps(data), headers)

    def run(self, rounds: int = 50) -> None:
        """Until nothing moves."""
        asyncio.run(self._run(rounds))

    def tick(self) -> None:
        asyncio.run(self._tick())

    def prove(self) -> None:
        """Tick until checkpoints are made and told: builds run beside the ticks."""
        asyncio.run(self._prove())

    def decisions(self) -> list[Decision]:
        return [Decision.model_validate_json(r.value or b"") for r in self.records("decisions")]

    def decision(self, event_id: str) -> Decision:
        """The decision with the highest revision on an event."""
        found = [d for d in self.decisions() if d.event_id == event_id]
        assert found, f"no decision on {event_id}"
        return max(found, key=lambda d: d.revision)

    def ends(self, topic: str) -> list[int]:
        return [len(self.logs.get((topic, p), ())) for p in range(self.settings.partitions)]

    def since(self, topic: str, ends: list[int]) -> list[Stored]:
        return [r for p, end in enumerate(ends) for r in self.logs.get((topic, p), [])[end:]]

    def unread(self, stage: Stage) -> list[Stored]:
        return [
            record
            for topic in stage.inputs
            for partition in range(self.settings.partitions)
            for record in self.logs.get((topic, partition), [])[
                self.read[stage.name, topic, partition] :
            ]
        ]

    def records(self, topic: str) -> Iterable[Stored]:
        for partition in range(self.settings.partitions):
            yield from self.logs.get((topic, partition), ())

    async def _run(self, rounds: int) -> None:
        for _ in range(rounds):
            moved = False
            for stage in self.stages:
                inputs = list(stage.inputs)
                if self.order is not None:
                    self.order.shuffle(inputs)
                for topic in inputs:
                    for partition in range(self.settings.partitions):
                        moved |= await self._step(stage, topic, partition)
            if not moved:
                return
        raise AssertionError("the chain does not come to rest")

    async def _step(self, stage: Stage, topic: str, partition: int) -> bool:
        at = self.read[stage.name, topic, partition]
        records = self.logs.get((topic, partition), [])[at:]
        if not records:
            return False
        batch = Batch(topic, partition, records, at, at + len(records))
        poison = frozenset(o for name, o in self.poison if name == stage.name)
        self._publish(await self._process(stage, batch, poison), partition)
        self.read[stage.name, topic, partition] = at + len(records)
        return True

    async def _process(self, stage: Stage, batch: Batch, poison: frozenset[int]) -> Outputs:
        """Files being labelled are waited for, as the engine does; any other wait is a fault here."""
        while True:
            try:
                return await stage.process(batch, self.now_ms, poison)
            except Waiting as wait:
                if wait.what != WAITING_FOR:
                    raise

    async def _prove(self) -> None:
        self.now_ms += 10_000  # a build that a tick began and its loop cut short is begun again
        await self._tick()
        if builds := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(builds, timeout=60)
        await self._tick()

    async def _tick(self) -> None:
        for stage in self.stages:
            for partition in range(self.settings.partitions):
                self._publish(await stage.tick(partition, self.now_ms), partition)

    def _publish(self, outputs: Outputs, partition: int) -> None:
        for topic, keyed in outputs.keyed.items():
            for key, value, headers in keyed:
                self.append(topic, key, value, headers)
        for topic, records in (*outputs.by_topic.items(), *outputs.last.items()):
            for key, value, headers in records:
                named = sum(len(name) + len(text) + 8 for name, text in headers)
                size = len(value) + len(key or b"") + named
                assert size < topics.BY_NAME[topic].bytes_max - 300, f"{topic}: {size} bytes"
                self.append(topic, key, value, headers, partition)

    def _copy(self, topic: str, partition: int, record: Stored) -> None:
        if topic in topics.OUTSIDE:
            return
        kind = topics.BY_NAME[topic].kind
        if kind is topics.Kind.FACT or topic in ("cases", "records.door"):
            self.parts.apply(topic, partition, record.offset, record.key, record.value)


def local_settings(folder: Path, **over: Any) -> Settings:
    values = {
        "partitions": 2, "data_dir": folder, "provider_code": SAMPLE_CODE,
        "provider_sample": True, "replicas": 1, "insync_min": 1, "media_roots": f"demo={folder}/media",
    }  # fmt: skip
    return Settings.load(environ={}, **{**values, **over})
