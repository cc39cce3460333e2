"""The stages: how duties are put on topics. Separate, one duty each; or fused, the fast lane in one pass."""

import asyncio
from collections.abc import Sequence
from typing import Final

from synthgate.events import topics
from synthgate.events.passage import FAST, SLOW, Passage
from synthgate.registries import Registries
from synthgate.step import Batch, Fresh, Outputs, Plain, Step, Work
from synthgate.steps.door import Door
from synthgate.steps.quarantine import Quarantine
from synthgate.steps.retention import RetentionStep
from synthgate.steps.tracing import trace

_BEFORE_RETENTION: Final = tuple(
    {topic: None for duty in topics.DUTIES[:4] for topic in topics.COPIES[duty]}
)
"""What the duties up to labelling look up. Retention asks for itself, just before the append."""


class IdentityStage(Plain):
    """Sources in, identified passages out on their lane."""

    name = "identity"
    inputs: tuple[str, ...] = topics.SOURCES

    def __init__(self, door: Door, step: Step, registries: Registries) -> None:
        self._door = door
        self._registries = registries
        self._step = step

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Open, identify, pass on."""
        work = Work(batch.partition, now_ms)
        passages = await self.identify(batch, work, poison)
        for passage in passages:
            topic = topics.chain_output("identity", slow=passage.lane == SLOW)
            work.outputs.add(topic, passage.key, passage.render(), trace(passage))
        return work.outputs

    async def identify(
        self, batch: Batch, work: Work, poison: frozenset[int] = frozenset()
    ) -> Sequence[Passage]:
        """Passages of a source batch with identity's verdict."""
        # Before the batch's own row: records.door speaks of a source from its start to its end.
        for loss in self._registries.control.losses(batch.topic, batch.partition):
            if loss.to_offset == batch.position:
                self._door.account_lost(batch, loss.from_offset, work)
        if batch.topic == topics.SOURCES[0]:
            passages = self._door.open(batch, work, poison)
        else:  # what comes again is read from the log, wherever that lies
            passages = await asyncio.to_thread(self._door.open, batch, work, poison)
        await self._step.run(passages, work)
        return passages


class ChainStage(Plain):
    """One duty in the middle: its passages in, the same passages with one verdict more out."""

    def __init__(self, step: Step, quarantine: Quarantine) -> None:
        self.name = step.name
        self._quarantine = quarantine
        self.inputs: tuple[str, ...] = (
            topics.chain_input(step.name, slow=False),
            topics.chain_input(step.name, slow=True),
        )
        self._step = step

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Decide the batch and pass it on, in order, on its own lane."""
        work = Work(batch.partition, now_ms)
        passages = parse(batch, work, self._quarantine, poison)
        await self._step.run(passages, work)
        topic = topics.chain_output(self.name, slow=batch.topic.endswith(".slow"))
        for passage in passages:
            work.outputs.add(topic, passage.key, passage.render(), trace(passage))
        return work.outputs


class RetentionStage:
    """Labelled passages in, decisions out."""

    name = "retention"
    inputs: tuple[str, ...] = ("passages.labelled", "passages.labelled.slow")

    def __init__(self, step: RetentionStep, quarantine: Quarantine) -> None:
        self._step = step
        self._quarantine = quarantine

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Open the logs of these partitions."""
        await self._step.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """Log what was lost by accord."""
        return await self._step.tick(partition, now_ms)

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """Append the batch and answer it."""
        work = Work(batch.partition, now_ms)
        await self._step.run(parse(batch, work, self._quarantine, poison), work)
        return work.outputs


class FusedStage:
    """The fast lane through identity, consent, moderation, labelling and retention in one pass.

    The slow lane leaves after consent for the ordinary workers and comes back to this retention, the only
    one for both lanes. Group ``synthgate.identity``: a switch from separate workers takes over its offsets.
    """

    name = "identity"
    inputs: tuple[str, ...] = (*topics.SOURCES, "passages.labelled.slow")

    def __init__(
        self,
        identity: IdentityStage,
        consent: Step,
        middle: Sequence[Step],
        retention: RetentionStep,
        quarantine: Quarantine,
        fresh: Fresh,
    ) -> None:
        self._quarantine = quarantine
        self._fresh = fresh
        self._identity = identity
        self._consent = consent
        self._middle = middle
        self._retention = retention

    async def assigned(self, partitions: frozenset[int]) -> None:
        """Open the logs of these partitions."""
        await self._retention.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """Log what was lost by accord."""
        return await self._retention.tick(partition, now_ms)

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """The whole chain for one batch."""
        work = Work(batch.partition, now_ms)
        if batch.topic not in topics.SOURCES:
            labelled = parse(batch, work, self._quarantine, poison)
            await self._retention.run(labelled, work)
            return work.outputs
        await self._fresh.fresh(_BEFORE_RETENTION)
        work.brought_up = frozenset(_BEFORE_RETENTION)
        passages = await self._identity.identify(batch, work, poison)
        await self._consent.run(passages, work)
        fast = [passage for passage in passages if passage.lane == FAST]
        for passage in passages:
            if passage.lane == SLOW:
                topic = topics.chain_output("consent", slow=True)
                work.outputs.add(topic, passage.key, passage.render(), trace(passage))
        for step in (*self._middle, self._retention):
            await step.run(fast, work)
        return work.outputs


def parse(
    batch: Batch, work: Work, quarantine: Quarantine, poison: frozenset[int] = frozenset()
) -> list[Passage]:
    """Passages of a chain batch; one that killed the process three times goes on as a stub.

    PassageError is a bug or a foreign writer: the worker stops.
    """
    passages = []
    for record in batch.records:
        passage = Passage.parse(record.value or b"", record.key)
        if record.offset in poison and passage.event.stub is None:
            quarantine.stub(work, passage, "bug", "it killed the process", passage.event_bytes)
        passages.append(passage)
    return passages
