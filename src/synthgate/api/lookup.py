"""A decision found again on the topic, by whichever replica is asked (ADR 0036).

A link says on which partition the decision lies, from when on, and of which bytes it is: a replica that never
saw the event reads one partition from there to its end. Without a link all partitions are read over the last
minutes. What was not read to the end is said to be so: it is never "not decided".
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from synthgate.client.decisions import Decision, NotADecisionError
from synthgate.events.event import STUB

SLACK_MS: Final = 120_000
"""Clocks of replicas and brokers agree within this."""
LOOKBACK_MS: Final = 600_000
"""How far back is read when there is no link."""
SEARCH_S_MAX: Final = 5.0
POLL_MS: Final = 200
_AT: Final = re.compile(r"(0|[1-9][0-9]{0,3})\.([1-9][0-9]{12})\.([0-9a-f]{8})")
_PLAIN: Final = re.compile(r"[A-Za-z0-9._:-]+")


class At(NamedTuple):
    """Where a decision is to be looked for. since: Unix ms; bytes_id: first 8 digits of the event's SHA-256."""

    partition: int
    since: int
    bytes_id: str

    def __str__(self) -> str:
        return f"{self.partition}.{self.since}.{self.bytes_id}"

    @classmethod
    def parse(cls, text: str, partitions: int) -> "At":
        """Read it. ValueError: it is none."""
        form = _AT.fullmatch(text)
        if form is None or int(form[1]) >= partitions:
            raise ValueError("at is none of ours")
        return cls(int(form[1]), int(form[2]), form[3])


class NotSearched(Exception):
    """The topic was not read to its end: nothing is known."""


class Ambiguous(Exception):
    """The id stands on several events: with other bytes (a link says which is meant), or of other types."""


class Wanted(NamedTuple):
    """Which decisions: of this tenant, source and event id, and of these bytes if ``at`` says which."""

    tenant: str
    source: str
    event_id: str
    at: At | None

    def fits(self, decision: Decision) -> bool:
        """Whether it is one of them."""
        row = decision.row
        named = (row["tenant"], row["source"], row["event_id"])
        if named != (self.tenant, self.source, self.event_id):
            return False
        return self.at is None or str(row["event_hash"]).startswith(self.at.bytes_id)


def same_act(*decisions: Decision) -> bool:
    """Whether these are about one event: the same bytes, of one type."""
    types = {decision.row.get("type") for decision in decisions} - {STUB}
    return len({decision.row["event_hash"] for decision in decisions}) <= 1 and len(types) <= 1


def counting(decisions: Sequence[Decision]) -> Decision | None:
    """The one that counts, of all that were found: on equal rank the later, whose pass is newer.

    Ambiguous: they are about different bytes, or about acts of different types.
    """
    if not same_act(*decisions):
        raise Ambiguous
    return max(reversed(decisions), key=lambda decision: decision.rank, default=None)


class Lookup:
    """Reads the topic ``decisions`` (physical name) when asked. One search at a time."""

    def __init__(
        self, *, brokers: str, topic: str, partitions: int, security: Mapping[str, Any]
    ) -> None:
        self._brokers, self._security = brokers, security
        self._every = [TopicPartition(topic, each) for each in range(partitions)]
        self._consumer: AIOKafkaConsumer | None = None
        self._turn = asyncio.Lock()

    async def find(self, wanted: Wanted) -> Decision | None:
        """The decision that counts, None if there is none yet.

        Raises:
            NotSearched: not within ``SEARCH_S_MAX``, or the broker does not answer.
            Ambiguous: see there.
        """
        try:
            async with asyncio.timeout(SEARCH_S_MAX), self._turn:
                try:
                    return counting(await self._found(wanted))
                except (KafkaError, OSError):
                    await self.close()  # a connection that failed may be good for nothing more
                    raise
        except (TimeoutError, KafkaError, OSError) as error:
            raise NotSearched(type(error).__name__) from None

    async def close(self) -> None:
        """Let the connection go."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(KafkaError):
                await consumer.stop()

    async def _found(self, wanted: Wanted) -> list[Decision]:
        consumer = await self._opened()
        at = wanted.at
        where = self._every if at is None else [self._every[at.partition]]
        since = (time.time_ns() // 1_000_000 - LOOKBACK_MS) if at is None else at.since - SLACK_MS
        starts = await consumer.offsets_for_times(dict.fromkeys(where, since))
        ends = await consumer.end_offsets(where)
        # No record is as young as that: there is nothing to read.
        spans = {tp: (start.offset, ends[tp]) for tp, start in starts.items() if start is not None}
        left = {tp: end for tp, (start, end) in spans.items() if start < end}
        if not left:
            return []
        consumer.assign(list(left))
        for tp in left:
            consumer.seek(tp, spans[tp][0])
        found: list[Decision] = []
        while left:
            fetched = await consumer.getmany(*left, timeout_ms=POLL_MS)
            for tp, records in fetched.items():
                found += _fitting(records, ends[tp], wanted)
            for tp in list(left):
                if await consumer.position(tp) >= left[tp]:
                    del left[tp]
        return found

    async def _opened(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._brokers, **self._security, group_id=None,
                enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=50,
            )  # fmt: skip
            try:
                await consumer.start()
            except BaseException:
                await consumer.stop()
                raise
            self._consumer = consumer
        return self._consumer


def _fitting(records: Sequence[Any], end: int, wanted: Wanted) -> list[Decision]:
    tenant = f"{wanted.tenant}/".encode()
    # Most records are of others: an id that JSON writes as it is can be looked for before anything is parsed.
    named = wanted.event_id.encode() if _PLAIN.fullmatch(wanted.event_id) else b""
    found = []
    for record in records:
        if record.offset >= end or not (record.key or b"").startswith(tenant):
            continue
        if named not in (record.value or b""):
            continue
        try:
            decision = Decision.read(record.value, record.key, record.partition)
        except (NotADecisionError, ValueError):
            continue
        if wanted.fits(decision):
            found.append(decision)
    return found
