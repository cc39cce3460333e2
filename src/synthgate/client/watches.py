"""Which decision belongs to which event of ours.

Every replica reads every decision. A decision is ours if it bears our event's (tenant, source, id), its type
**and** the hash of our bytes, or if its first record is the very one the broker acknowledged to us. The id
alone would not do: another replica may have used it for other bytes or another type, and its refusal (or
release) is not our answer. The place alone would not do: a repeat is answered by the decision on its first
copy, and what comes back has another.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final, NamedTuple

from synthgate.client.decisions import Answer, Cause, Decision, Undecided
from synthgate.client.errors import EventError
from synthgate.events.event import STUB, Event

SOURCE_TOPIC: Final = "generation.events"
STUB_KEY: Final = b"_stub/"
UNPLACED_MAX: Final = 1000
"""Decisions kept until the broker's acknowledgement says whose they are; it is at most a moment late."""


class Place(NamedTuple):
    """Where the broker put a record."""

    partition: int
    offset: int


def id_reused() -> EventError:
    """Of an id that stands on other bytes already."""
    return EventError(
        "id_reused", "/id", "this id was sent before with other bytes or another type",
        "give every event an id of its own; to ask again, send the same event object",
    )  # fmt: skip


@dataclass(slots=True, eq=False)
class Watch:
    """One event and the answer that counts so far. ``arrivals`` counts answers, repeats among them.

    type: of the event, known also where the event itself is not kept.
    """

    event_id: str
    key: bytes
    event_hash: str | None
    event: Event | None = None
    type: str | None = None
    places: list[Place] = field(default_factory=list)
    latest: Decision | None = None
    arrivals: int = 0
    askers: int = 0
    closed: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, decision: Decision) -> None:
        """An answer arrived."""
        decision = replace(decision, following=self.following)
        latest = self.latest
        # On equal rank the later one: a repeat is answered with a pass made at sending.
        if latest is None or decision.rank >= latest.rank:
            self.latest = decision
        self.arrivals += 1
        self._wake()

    def let_go(self, *, keeps_event: bool) -> None:
        """One asks no more; with the last of them the event's content may be forgotten."""
        self.askers -= 1
        if not (keeps_event or self.askers):
            self.event = None

    def close(self) -> None:
        """No answer will come any more."""
        self.closed = True
        self._wake()

    async def arrival(self, seen: int) -> Decision | None:
        """The answer that counts once more than ``seen`` have arrived; None if closed."""
        while self.arrivals <= seen or self.latest is None:
            if self.closed:
                return None
            await self._changed.wait()
        return self.latest

    async def after(self, decision: Decision | None) -> Decision | None:
        """The first answer known that counts more than ``decision``; None if closed."""
        while self.latest is None or (decision is not None and self.latest.rank <= decision.rank):
            if self.closed:
                return None
            await self._changed.wait()
        return self.latest

    async def following(self, decision: Decision | None, timeout: float | None) -> Answer:
        """As ``after``, bounded; what an answer's ``next`` calls."""
        return await self.bounded(lambda: self.after(decision), timeout)

    async def bounded(
        self, answer: Callable[[], Awaitable[Decision | None]], timeout: float | None
    ) -> Answer:
        """The answer, or why there is none. Whoever asks keeps the watch from being forgotten."""
        self.askers += 1
        try:
            async with asyncio.timeout(timeout) as clock:
                found = await answer()
        except TimeoutError:
            if not clock.expired():
                raise
            return self.undecided("timeout")
        finally:
            self.askers -= 1
        return found if found is not None else self.undecided("closed")

    def undecided(self, cause: Cause) -> Undecided:
        """No answer, for this event."""
        generation = None if self.event is None else self.event.generation_id
        return Undecided(self.event_id, generation, cause, self.event, self.following)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class Watches:
    """The events this replica remembers, at most ``remembered_max`` beside those being waited for."""

    def __init__(self, tenant: str, source: str, remembered_max: int) -> None:
        self._tenant = tenant
        self._source = source
        self._remembered_max = remembered_max
        self._by_id: OrderedDict[str, Watch] = OrderedDict()
        self._by_place: dict[Place, Watch] = {}
        self._keys: Counter[bytes] = Counter()
        self._unplaced: OrderedDict[Place, Decision] = OrderedDict()
        self._closed = False

    def open(
        self, event_id: str, key: bytes, event_hash: str | None, event: Event | None = None
    ) -> Watch:
        """The watch on an event, the one there is or a new one.

        Raises:
            EventError: this replica used the id for other bytes; the chain would refuse them.
        """
        watch = self._by_id.get(event_id)
        if watch is None:
            self._forget_oldest()
            of = None if event is None else event.type
            watch = Watch(event_id, key, event_hash, event, of, closed=self._closed)
            self._by_id[event_id] = watch
            self._keys[key] += 1
            return watch
        if event_hash is not None:
            self.same(event_id, event_hash, None if event is None else event.type)
        watch.event_hash = watch.event_hash or event_hash
        watch.event = watch.event or event
        watch.type = watch.type or (None if event is None else event.type)
        self._by_id.move_to_end(event_id)
        return watch

    def same(self, event_id: str, event_hash: str, type_: str | None = None) -> None:
        """Raise EventError if this replica used the id for other bytes, or for an event of another type."""
        watch = self._by_id.get(event_id)
        if watch is None:
            return
        other_type = None not in (type_, watch.type) and type_ != watch.type
        if other_type or watch.event_hash not in (None, event_hash):
            raise id_reused()

    def get(self, event_id: str) -> Watch | None:
        """The watch on an event, if there is one."""
        return self._by_id.get(event_id)

    def as_sent(self, event: Event) -> Event | None:
        """The event as this replica sent it before, if it did; ``answer_by`` was added then."""
        watch = self._by_id.get(event.id)
        sent = None if watch is None else watch.event
        if sent is None or sent.attrs != event.attrs:
            return None
        added = {"answer_by": sent.data["answer_by"]} if "answer_by" in sent.data else {}
        return sent if {**added, **event.data} == sent.data else None

    def wants(self, key: bytes | None) -> bool:
        """Whether a decision under this key can concern us: asked before anything is parsed.

        What the door could not understand is answered under a key of its own, never the sender's.
        """
        return key is not None and (key in self._keys or key.startswith(STUB_KEY))

    def place(self, watch: Watch, place: Place) -> None:
        """The broker acknowledged the event there. Its decision may have been read already."""
        if self._by_id.get(watch.event_id) is watch:
            watch.places.append(place)
            self._by_place[place] = watch
        early = self._unplaced.pop(place, None)
        if early is not None:
            watch.take(early)

    def take(self, decision: Decision) -> None:
        """Hand a decision to the event it answers."""
        watch = self._named(decision)
        if watch is not None:
            watch.take(decision)
            return
        for origin in decision.origins:
            if origin.topic != SOURCE_TOPIC:
                continue
            place = Place(origin.partition, origin.offset)
            watch = self._by_place.get(place)
            if watch is not None:
                watch.take(decision)
                return
            self._unplaced[place] = decision
        while len(self._unplaced) > UNPLACED_MAX:
            self._unplaced.popitem(last=False)

    def close(self) -> None:
        """Wake everybody who waits; nothing comes any more."""
        self._closed = True
        for watch in self._by_id.values():
            watch.close()

    def _named(self, decision: Decision) -> Watch | None:
        row = decision.row
        if row["tenant"] != self._tenant or row["source"] != self._source:
            return None
        watch = self._by_id.get(decision.event_id or "")
        if watch is None or watch.key != decision.key:
            return None
        # One id, one act: the same bytes under another type, sent by another replica, are another act.
        if watch.type is not None and row.get("type") not in (watch.type, STUB):
            return None
        return watch if watch.event_hash in (None, row["event_hash"]) else None

    def _forget_oldest(self) -> None:
        excess = len(self._by_id) + 1 - self._remembered_max
        idle = (watch for watch in self._by_id.values() if not watch.askers)
        for watch in list(islice(idle, max(0, excess))):
            del self._by_id[watch.event_id]
            for place in watch.places:
                self._by_place.pop(place, None)
            self._keys[watch.key] -= 1
            if not self._keys[watch.key]:
                del self._keys[watch.key]
