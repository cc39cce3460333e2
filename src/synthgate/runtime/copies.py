"""Registry copies: facts read in full by every process, and the one freshness rule.

After fetching a batch, gather asks the broker for the ends of the registry topics it uses and decides only
when the copies have read that far. So a fact acknowledged before the event was produced is always seen.
The ends asked for are those of everything appended, committed or not: an acknowledged transaction may not
be readable yet, and then we wait for it.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError, OffsetOutOfRangeError
from aiokafka.structs import TopicPartition

from synthgate import connection
from synthgate.events.topic_configs import TOMBSTONE_MS
from synthgate.runtime import metrics
from synthgate.runtime.acks import TP
from synthgate.runtime.exits import CRASHED, Fate, Refused
from synthgate.runtime.member import FETCH_WAIT_MAX_MS
from synthgate.runtime.offsets import UNSAID, Offsets, reach
from synthgate.runtime.rows import Rows
from synthgate.settings import Settings
from synthgate.step import Waiting

log = logging.getLogger(__name__)

FRESH_SECONDS_MAX: Final = 2.0
"""How long one call waits before it is declared as waiting; the engine then calls again."""
BY_PARTITION: Final = frozenset({"registry.users", "cases", "records.door"})
"""Read only for the partitions held: what is in them matters where the user's events are."""
RECORDS_MAX: Final = 5000
SOON: Final = 1 << 62
"""End of a partition taken while the question was under way: not known yet."""


class Copies:
    """Copies of ``topics`` (logical names) in this process, kept up to date. It is a ``step.Fresh``."""

    def __init__(self, rows: Rows, topics: Sequence[str], settings: Settings) -> None:
        self._rows = rows
        self._settings = settings
        self.topics = tuple(dict.fromkeys(topics))
        self._logical = {settings.topic(name): name for name in self.topics}
        self._held: dict[str, frozenset[int]] = {}
        self.read: dict[TP, int] = {}
        """Positions read to, by logical topic: everything before them is applied or absent."""
        self._ends: dict[TP, int] = {}
        self._offsets = Offsets(settings, committed=False)
        self._consumer: AIOKafkaConsumer | None = None
        self._changed = asyncio.Condition()
        self._reassign = asyncio.Event()
        self._asking: asyncio.Task[None] | None = None
        self._next: asyncio.Task[None] | None = None
        self._next_topics: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self, fate: Fate) -> None:
        """Connect and begin to read. Refused: the broker cannot be reached, or refuses us."""
        await self._offsets.start()
        consumer = AIOKafkaConsumer(
            **connection.arguments(self._settings),
            isolation_level="read_committed",
            auto_offset_reset="none",
            enable_auto_commit=False,
            max_poll_records=RECORDS_MAX,
            fetch_max_wait_ms=FETCH_WAIT_MAX_MS,
            client_id="synthgate-copies",
        )
        connection.watch(consumer._client)  # noqa: SLF001
        await reach(consumer, self._settings)
        self._consumer = consumer
        self._reassign.set()
        self._task = asyncio.create_task(self._run(fate), name="registry copies")

    async def stop(self) -> None:
        """Stop reading and disconnect."""
        for task in (self._task, self._asking, self._next):
            if task is not None:
                task.cancel()
        if self._consumer is not None:
            await self._consumer.stop()
        await self._offsets.stop()

    def follow(self, duty: str, partitions: frozenset[int]) -> None:
        """A duty of this process holds these partitions now; called while its lanes stand still.

        A copy that lost a partition is read anew: it must not grow, nor grow old.
        """
        before = self._all_held()
        self._held[duty] = partitions
        if before - self._all_held():
            for name in BY_PARTITION.intersection(self.topics):
                self._rows.reset(name)
                self.read = {tp: at for tp, at in self.read.items() if tp.topic != name}
        self._reassign.set()

    async def fresh(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Return positions by topic and partition (-1: not held), all at or past the broker's ends.

        Raises:
            Waiting: the broker did not say, or a copy has not read that far yet.
        """
        begun = time.monotonic()
        await self._ask(topics)
        wanted = {tp: self._ends.get(tp, SOON) for tp in self._partitions() if tp.topic in topics}
        behind: TP | None = None

        def read_on() -> bool:
            nonlocal behind
            behind = next((tp for tp, end in wanted.items() if self.read.get(tp, -1) < end), None)
            return behind is None

        if not read_on():
            try:
                async with self._changed:
                    left = FRESH_SECONDS_MAX - (time.monotonic() - begun)
                    await asyncio.wait_for(self._changed.wait_for(read_on), max(left, 0.01))
            except TimeoutError:
                if behind is not None:
                    raise Waiting(f"registry:{behind.topic}") from None
        metrics.FRESH_SECONDS.observe(time.monotonic() - begun)
        return self.positions(topics)

    def positions(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """The positions read to by now, by topic and partition (-1: not held)."""
        count = self._settings.partitions
        return {name: [self.read.get(TP(name, p), -1) for p in range(count)] for name in topics}

    def _all_held(self) -> frozenset[int]:
        return frozenset[int]().union(*self._held.values())

    def _partitions(self) -> list[TP]:
        held = sorted(self._all_held())
        every = range(self._settings.partitions)
        return [
            TP(name, partition)
            for name in self.topics
            for partition in (held if name in BY_PARTITION else every)
        ]

    async def _ask(self, topics: Sequence[str]) -> None:
        """Learn ends asked for after this call. One request is under way at most; the next serves all."""
        if self._next is not None:
            self._next_topics.update(topics)
            request = self._next
        elif self._asking is None or self._asking.done():
            request = self._asking = asyncio.create_task(self._learn(set(topics)))
        else:
            self._next_topics = set(topics)
            request = self._next = asyncio.create_task(self._learn_after(self._asking))
        await asyncio.shield(request)

    async def _learn_after(self, before: asyncio.Task[None]) -> None:
        await asyncio.wait([before])
        # From here on a caller needs another request: this one is as good as sent.
        self._asking, self._next = self._next, None
        await self._learn(self._next_topics)

    async def _learn(self, topics: set[str]) -> None:
        try:
            ends = await self._offsets.ends(
                TP(self._settings.topic(tp.topic), tp.partition)
                for tp in self._partitions()
                if tp.topic in topics
            )
        except UNSAID:
            raise Waiting("broker", "it did not say where the registries end") from None
        # Of these topics nothing older stays: a partition taken meanwhile is not known yet.
        kept = {tp: end for tp, end in self._ends.items() if tp.topic not in topics}
        new = {TP(self._logical[tp.topic], tp.partition): end for tp, end in ends.items()}
        self._ends = kept | new

    async def _run(self, fate: Fate) -> None:
        try:
            while True:
                if self._reassign.is_set():
                    await self._assign()
                await self._read()
        except OffsetOutOfRangeError:
            # Rows we have not read were cleaned away: only a copy made anew is whole.
            fate.fail(
                Refused(CRASHED, "a copy is older than its log; making it anew"), "registries"
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, it ends the process)
            fate.fail(error, "registry copies")

    async def _assign(self) -> None:
        assert self._consumer is not None
        while True:
            self._reassign.clear()
            wanted = {
                tp: TP(self._settings.topic(tp.topic), tp.partition) for tp in self._partitions()
            }
            missing = {tp: where for tp, where in wanted.items() if tp not in self.read}
            try:
                begins = await self._offsets.begins(missing.values())
                ends = await self._offsets.ends(missing.values())
            except UNSAID:
                await asyncio.sleep(0.5)
                continue
            if not self._reassign.is_set():
                break
        for name in {tp.topic for tp in missing}:
            spans = {tp: (begins[at], ends[at]) for tp, at in missing.items() if tp.topic == name}
            self._begin(name, spans)
        self._consumer.assign([TopicPartition(*where) for where in wanted.values()])
        metrics.forget("copies")
        for tp, where in wanted.items():
            self._consumer.seek(TopicPartition(*where), self.read[tp])
            metrics.put(metrics.COPY_OFFSET, self.read[tp], "copies", *tp)
        await self._tell()

    def _begin(self, name: str, spans: Mapping[TP, tuple[int, int]]) -> None:
        """Where reading a topic begins: where a local store was left, or at the log's start.

        A store is built anew that was left before the log's start or behind its end, for partitions not held
        now, or so long ago that an erasure may have been cleaned away.
        """
        saved = None if any(tp.topic == name for tp in self.read) else self._rows.saved(name)
        left = {} if saved is None else {TP(name, p): at for p, at in saved.positions.items()}
        usable = (
            saved is not None
            and set(left) == set(spans)
            and all(begin <= left[tp] <= end for tp, (begin, end) in spans.items())
            and 0 <= _now_ms() - saved.at < TOMBSTONE_MS // 2
        )
        if saved is not None and not usable:
            log.info("registry copies: the local store of %s is built anew", name)
            self._rows.reset(name)
        for tp, (begin, _) in spans.items():
            self.read[tp] = left[tp] if usable else begin

    async def _read(self) -> None:
        consumer = self._consumer
        assert consumer is not None
        if not consumer.assignment():
            await self._reassign.wait()
            return
        try:
            fetched = await consumer.getmany(timeout_ms=FETCH_WAIT_MAX_MS, max_records=RECORDS_MAX)
        except OffsetOutOfRangeError:
            raise
        except KafkaError as error:
            log.warning("registry copies: %s", type(error).__name__)
            await asyncio.sleep(0.5)
            return
        if self._reassign.is_set():
            return  # what was fetched may be of a copy that was reset: read again from where it stands
        for part, records in fetched.items():
            name = self._logical[part.topic]
            for record in records:
                self._rows.apply(name, part.partition, record.offset, record.key, record.value)
            metrics.COPY_RECORDS.labels(name).inc(len(records))
        moved: set[str] = set()
        for part, position in _positions(consumer).items():
            tp = TP(self._logical[part.topic], part.partition)
            if position > self.read.get(tp, SOON):
                self.read[tp] = position
                metrics.put(metrics.COPY_OFFSET, position, "copies", *tp)
                moved.add(tp.topic)
        for name in moved:
            places = {tp.partition: at for tp, at in self.read.items() if tp.topic == name}
            self._rows.save(name, places, _now_ms())
        if moved:
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _positions(consumer: Any) -> dict[TopicPartition, int]:
    """Where reading stands, transaction markers included; nothing is awaited in between."""
    assignment = consumer._subscription.subscription.assignment  # noqa: SLF001
    states = {tp: assignment.state_value(tp) for tp in assignment.tps}
    return {tp: state.position for tp, state in states.items() if state.has_valid_position}
