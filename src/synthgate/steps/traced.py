"""A stage whose batches, and sampled passages in them, are told as spans: when, by which duty, what came out.

Spans are made of what a stage was given and what it answers, so nothing of them travels on a topic. A passage's
are children of the platform's span, if its ``traceparent`` says that the trace is recorded. An event that has
none is sampled by a hash of its origin; then identity's span stands over the other duties'. All ids but the
platform's derive from the origin: every worker finds the same ones.

A span holds numbers, times and names of ours (``ATTRIBUTES``): no tenant, person, key or content.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import orjson

from synthgate.events import topics
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage
from synthgate.settings import Settings
from synthgate.step import Batch, Outputs, Span, Stage, Tell
from synthgate.steps.tracing import Parent, parent_of

log = logging.getLogger(__name__)

PASSAGES_MAX: Final = 100
"""Spans of passages in one batch; a platform that samples everything must not slow the chain."""
DUTY: Final = "synthgate.duty"
OUTCOME: Final = "synthgate.outcome"
RULES: Final = "synthgate.rules"
TOPIC: Final = "messaging.destination.name"
PARTITION: Final = "messaging.destination.partition.id"
OFFSET: Final = "messaging.kafka.offset"
RECORDS: Final = "messaging.batch.message_count"
ATTRIBUTES: Final = frozenset({DUTY, OUTCOME, RULES, TOPIC, PARTITION, OFFSET, RECORDS})
"""All there are; those of a topic by OpenTelemetry's semantic conventions. A passage's are its source's."""
_PASSED_ON: Final = frozenset(
    row.name for row in topics.TOPICS if row.kind in (topics.Kind.CHAIN, topics.Kind.DECISION)
)


class _Said(NamedTuple):
    """What a passage or a decision says of itself. verdicts: duty to outcome and rules cited."""

    origin: Origin
    root: Origin
    verdicts: Mapping[str, tuple[str, Sequence[str]]]


def traced(stages: Sequence[Stage], settings: Settings, tell: Tell, *, fused: bool) -> list[Stage]:
    """The stages, each telling its spans."""
    carried = {"identity": topics.DUTIES[:-1]} if fused else {}
    return [Traced(one, carried.get(one.name, (one.name,)), settings, tell) for one in stages]


class Traced:
    """Wraps a stage. ``duties``: those it carries, in order."""

    def __init__(self, stage: Stage, duties: Sequence[str], settings: Settings, tell: Tell) -> None:
        self.name = stage.name
        self.inputs = stage.inputs
        self.stage = stage
        self._duties = duties
        self._percent = settings.otel_percent
        # Several installations may send to one collector.
        self._place = f"{settings.log_name}/{settings.topic_prefix}"
        self._tell = tell

    async def assigned(self, partitions: frozenset[int]) -> None:
        """As the stage."""
        await self.stage.assigned(partitions)

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        """As the stage; what time makes due is not told."""
        return await self.stage.tick(partition, now_ms)

    async def process(
        self, batch: Batch, now_ms: int, poison: frozenset[int] = frozenset()
    ) -> Outputs:
        """As the stage; a batch that had to wait is told when it is done, from its last try on."""
        begun = time.time_ns()
        outputs = await self.stage.process(batch, now_ms, poison)
        try:
            self._tell_of(batch, outputs, begun)
        except Exception as error:  # noqa: BLE001 (who only watches the chain never stops it)
            log.error("%s: no spans of a batch: %s", self.name, type(error).__name__)
        return outputs

    def _tell_of(self, batch: Batch, outputs: Outputs, begun: int) -> None:
        ended = time.time_ns()
        spans, left_out = self._passages(batch, outputs, (begun, ended))
        first = batch.records[0].offset
        where = f"{self._place}/{self.name}/{batch.topic}/{batch.partition}/{first}/{begun}"
        attributes: dict[str, str | int | Sequence[str]] = {
            DUTY: self.name, TOPIC: batch.topic, PARTITION: str(batch.partition), OFFSET: first,
            RECORDS: len(batch.records),
        }  # fmt: skip
        links = [(span.trace, span.id) for span in spans]
        digest = _digest(where)
        whole = Span(
            f"{self.name} batch", _number(digest[:16]), _number(digest[16:24]), 0, begun, ended,
            attributes, links,
        )  # fmt: skip
        self._tell([*spans, whole], left_out)

    def _passages(
        self, batch: Batch, outputs: Outputs, times: tuple[int, int]
    ) -> tuple[list[Span], int]:
        """Spans of sampled passages, and how many were one too many."""
        # A fused worker carries several duties from a source on, and only the last of what comes back to it.
        duties = self._duties if batch.topic in topics.SOURCES else self._duties[-1:]
        spans: list[Span] = []
        left_out = 0
        for topic, value, headers in _passed_on(batch, outputs):
            parent = parent_of(headers)
            if not (self._percent if parent is None else parent.sampled):
                continue
            full = len(spans) >= PASSAGES_MAX
            if not full or parent is None:  # those beyond it are counted without being read
                said = _read(topic, value)
                parent = parent or self._share(said.root)
            if parent is not None and full:
                left_out += len(duties)
            elif parent is not None:
                spans += self._of(said, parent, duties, times)
        return spans, left_out

    def _share(self, root: Origin) -> Parent | None:
        """The span over all of an act that came without a trace; None if it is not in the share."""
        digest = _digest(f"{self._place}/{root}")
        if int.from_bytes(digest[:8]) * 100 >= self._percent * 2**64:
            return None
        return Parent(_number(digest[8:24]), self._id(root, "identity"), sampled=True)

    def _of(
        self, said: _Said, parent: Parent, duties: Sequence[str], times: tuple[int, int]
    ) -> Iterator[Span]:
        for duty in duties:
            attributes: dict[str, str | int | Sequence[str]] = {
                DUTY: duty, TOPIC: said.origin.topic, PARTITION: str(said.origin.partition),
                OFFSET: said.origin.offset,
            }  # fmt: skip
            if duty in said.verdicts:
                attributes[OUTCOME], attributes[RULES] = said.verdicts[duty]
            elif duty != "incidents":  # it answers decisions, and gives no verdict on them
                continue
            own = self._id(said.origin, duty)
            above = 0 if own == parent.span else parent.span
            yield Span(duty, parent.trace, own, above, *times, attributes)

    def _id(self, origin: Origin, duty: str) -> int:
        return _number(_digest(f"{self._place}/{origin}/{duty}")[:8])


def _passed_on(
    batch: Batch, outputs: Outputs
) -> Iterator[tuple[str, bytes, Sequence[tuple[str, bytes]]]]:
    """Topic, value and headers of passages and decisions: those incidents hears, or that others say."""
    if batch.topic == "decisions":
        for record in batch.records:
            yield batch.topic, record.value or b"", record.headers
        return
    for topic in _PASSED_ON & outputs.by_topic.keys():
        for _, value, headers in outputs.by_topic[topic]:
            yield topic, value, headers


def _read(topic: str, value: bytes) -> _Said:
    if topic != "decisions":
        passage = Passage.parse(value, None)
        verdicts = {
            row["obligation"]: (row["outcome"], [reason["rule"] for reason in row["reasons"]])
            for row in passage.said
        }
        return _Said(passage.origin, passage.root, verdicts)
    row = orjson.loads(value)
    cited: dict[str, list[str]] = {}
    for reason in row["reasons"]:
        cited.setdefault(reason["obligation"], []).append(reason["rule"])
    verdicts = {
        one["obligation"]: (one["outcome"], cited.get(one["obligation"], []))
        for one in row["verdicts"]
    }
    return _Said(Origin.parse(row["origin"]), Origin.parse(row["root"]), verdicts)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _number(raw: bytes) -> int:
    """An id: any number but 0."""
    return int.from_bytes(raw) or 1
