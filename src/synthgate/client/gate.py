"""The gate: hand over an event, get the chain's answer, in whichever replica you are.

async with Gate(brokers="kafka:9092", tenant="acme", source="//acme/app") as gate:
    event = gate.events.requested("u1", Generation("g1", "chat"), prompt=prompt, net=net)
    answer = await gate.decide(event, timeout=2.0)
    if not answer.released:
        return refuse(answer.reasons)      # a refusal, a hold, or no answer in time
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final, Protocol, Self

from aiokafka.errors import KafkaError

from synthgate.client.build import Events, now_ms, rfc3339
from synthgate.client.casework import Casework
from synthgate.client.check import Checked, check
from synthgate.client.decisions import Answer, Decision
from synthgate.client.desk import Desk
from synthgate.client.errors import EventError, EventsError, GateError, NotWatchedError
from synthgate.client.facts import Facts
from synthgate.client.line import Line
from synthgate.client.watches import SOURCE_TOPIC, Place, Watch, Watches, id_reused
from synthgate.client.writer import Acknowledged
from synthgate.events.event import Event

ACKNOWLEDGED_S_MAX: Final = 5.0
"""How long ``decide_all`` waits for a broker that has not acknowledged when the time is over."""


class SettingsLike(Protocol):
    """What a gate needs of the chain's settings."""

    @property
    def brokers(self) -> str:
        """Bootstrap servers, comma separated."""

    @property
    def topic_prefix(self) -> str:
        """Put before every topic name."""

    @property
    def partitions(self) -> int:
        """Partitions of every topic."""


class Gate:
    """One tenant's gate, for one source; an async context manager, one per process.

    in_flight_max: events being decided at once; further calls wait their turn within their own time-out.
    remembered_max: events whose later revisions are still heard. security: passed to aiokafka (``ssl_context``,
    ``sasl_*``, ``security_protocol``). line: one that is open already, shared with other gates; what describes
    the brokers is then not used. keeps_events: False forgets the content of what ``decide_all`` answered.
    """

    def __init__(
        self,
        *,
        brokers: str,
        tenant: str,
        source: str,
        topic_prefix: str = "",
        partitions: int = 12,
        in_flight_max: int = 1000,
        remembered_max: int = 10_000,
        start_timeout_s: float = 30.0,
        security: Mapping[str, object] | None = None,
        line: Line | None = None,
        keeps_events: bool = True,
    ) -> None:
        self.tenant = tenant
        self.source = source
        self.events = Events(tenant, source)
        self._slots = asyncio.Semaphore(in_flight_max)
        self._watches = Watches(tenant, source, remembered_max)
        self._keeps_events = keeps_events
        self._shared = line is not None
        self._line = line or Line(
            brokers=brokers, topic_prefix=topic_prefix, partitions=partitions,
            start_timeout_s=start_timeout_s, security=security,
        )  # fmt: skip
        self._writer = self._line.writer
        self.facts = Facts(self._writer, tenant)
        self.desk = Desk(self._writer, source)
        self.casework = Casework(self._writer, tenant, source)

    @classmethod
    def from_settings(
        cls, settings: SettingsLike, *, tenant: str, source: str, **rest: Any
    ) -> Self:
        """A gate onto the chain these settings describe, let in as they say.

        Raises:
            SettingsError: a file of TLS or SASL cannot be used.
        """
        from synthgate.access import Access
        from synthgate.connection import security

        if isinstance(settings, Access):
            rest = {"security": security(settings), **rest}
        return cls(
            brokers=settings.brokers, topic_prefix=settings.topic_prefix,
            partitions=settings.partitions, tenant=tenant, source=source, **rest,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        self._line.join(self.tenant, self._watches)
        if not self._shared:
            await self._line.__aenter__()
        return self

    async def __aexit__(self, *exit_: object) -> None:
        self._line.leave(self.tenant, self._watches)
        self._watches.close()
        if not self._shared:
            await self._line.__aexit__(*exit_)

    async def decide(self, event: Event, timeout: float | None = None) -> Answer:
        """Send the event and return what the chain decided, or ``Undecided`` after ``timeout`` seconds.

        The time-out covers everything, waiting for a turn included, and becomes the event's ``answer_by``
        (this machine's clock plus the time-out) unless it has one: past it the chain refuses the event as
        expired. A hold is returned as such; its ``next()`` waits for what becomes of it. The same event
        handed in again goes out byte for byte as the first time, and the chain answers it from its log;
        to be judged anew it needs a new id.

        Raises:
            EventError: the door would not admit the event; nothing was sent.
            GateError: the gate is not open, or its reader has failed.
        """
        self._must_read()
        event = self._watches.as_sent(event) or _answer_by(event, timeout)
        checked = check(event, topic=SOURCE_TOPIC, tenant=self.tenant, source=self.source)
        watch = self._watches.open(event.id, checked.key, checked.sha256, event)
        seen = watch.arrivals
        try:
            return await watch.bounded(lambda: self._sent(watch, checked, seen), timeout)
        except KafkaError:
            return watch.undecided("broker")

    async def decide_all(self, events: Sequence[Event], timeout: float) -> list[Answer]:
        """Send these in this order and return what was decided on each within ``timeout`` seconds.

        Nothing is sent unless all would be admitted, and each goes out as it is: no ``answer_by`` is added, so
        that the same events handed to another replica are the same bytes. ``Undecided`` with cause ``timeout``
        was acknowledged by the broker; with cause ``broker`` it was not.

        Raises:
            EventsError: the door would not admit some; nothing was sent.
            GateError: the gate is not open, or its reader has failed.
        """
        self._must_read()
        until = time.monotonic() + timeout
        checked = self._all_checked(events)
        asked = []
        for event, each in zip(events, checked, strict=True):
            watch = self._watches.open(event.id, each.key, each.sha256, event)
            watch.askers += 1
            asked.append((watch, watch.arrivals))
        try:
            sent = [
                await self._handed_over(watch, each)
                for (watch, _), each in zip(asked, checked, strict=True)
            ]
            return await asyncio.gather(
                *(
                    self._answer(watch, seen, ack, until)
                    for (watch, seen), ack in zip(asked, sent, strict=True)
                )
            )
        finally:
            for watch, _ in asked:
                watch.let_go(keeps_event=self._keeps_events)

    def _all_checked(self, events: Sequence[Event]) -> list[Checked]:
        checked: list[Checked] = []
        faults: list[tuple[int, EventError]] = []
        ids: dict[str, tuple[str, str]] = {}
        for at, event in enumerate(events):
            try:
                each = check(event, topic=SOURCE_TOPIC, tenant=self.tenant, source=self.source)
                act = (event.type, each.sha256)
                if ids.setdefault(event.id, act) != act:
                    raise id_reused()
                self._watches.same(event.id, each.sha256, event.type)
                checked.append(each)
            except EventError as fault:
                faults.append((at, fault))
        if faults:
            raise EventsError(tuple(faults))
        return checked

    async def _handed_over(
        self, watch: Watch, checked: Checked
    ) -> "asyncio.Future[Acknowledged] | None":
        try:
            sent = await self._writer.write(
                SOURCE_TOPIC, checked.key, checked.value, headers=checked.headers
            )
        except KafkaError:
            return None
        sent.add_done_callback(lambda done: self._placed(watch, done))
        return sent

    async def _answer(
        self, watch: Watch, seen: int, sent: "asyncio.Future[Acknowledged] | None", until: float
    ) -> Answer:
        if sent is None:
            return watch.undecided("broker")
        left = max(0.0, until - time.monotonic())
        answer = await watch.bounded(lambda: watch.arrival(seen), left)
        if answer.action != "undecided":
            return answer
        try:
            # Whoever goes away with a link must find something behind it: the broker has to have the event.
            await asyncio.wait_for(asyncio.shield(sent), ACKNOWLEDGED_S_MAX)
        except (KafkaError, TimeoutError):
            return watch.undecided("broker")
        return answer

    def heard(self, event_id: str) -> Decision | None:
        """What counts of an event this replica remembers, if it has been decided; nobody is asked."""
        watch = self._watches.get(event_id)
        return None if watch is None else watch.latest

    async def tell(self, event: Event) -> None:
        """Send an event nobody waits for (``identity.verified``, ``content.delivered``): return once
        acknowledged.

        The chain decides it none the less; ``watch`` yields the answer.

        Raises:
            EventError: the door would not admit the event; nothing was sent.
            GateError: not acknowledged.
        """
        checked = check(event, topic=SOURCE_TOPIC, tenant=self.tenant, source=self.source)
        watch = self._watches.open(event.id, checked.key, checked.sha256, event)
        placed = await self._writer.write_and_wait(
            SOURCE_TOPIC, checked.key, checked.value, headers=checked.headers
        )
        self._watches.place(watch, Place(placed.partition, placed.offset))

    async def watch(self, event_id: str, user: str | None = None) -> AsyncGenerator[Decision, None]:
        """The decision on an event that counts, then each that counts more, until the gate closes.

        Decisions made before this gate opened are not heard. user: whose event it is, needed only if this
        replica did not send it.

        Raises:
            NotWatchedError: not sent from here (or forgotten since) and no user given.
        """
        self._must_read()
        watch = self._watches.get(event_id)
        if watch is None:
            if user is None:
                raise NotWatchedError(
                    f"this replica remembers no event {event_id!r}: say whose it is with user="
                )
            watch = self._watches.open(event_id, f"{self.tenant}/{user}".encode(), None)
        watch.askers += 1
        try:
            latest: Decision | None = None
            while (latest := await watch.after(latest)) is not None:
                yield latest
        finally:
            watch.askers -= 1

    async def _sent(self, watch: Watch, checked: Checked, seen: int) -> Decision | None:
        async with self._slots:
            if watch.closed:
                return None
            sent = await self._writer.write(
                SOURCE_TOPIC, checked.key, checked.value, headers=checked.headers
            )
            sent.add_done_callback(lambda done: self._placed(watch, done))
            # A time-out here must not lose the place: it tells whose a late answer is.
            await asyncio.shield(sent)
            return await watch.arrival(seen)

    def _placed(self, watch: Watch, sent: "asyncio.Future[Acknowledged]") -> None:
        if not sent.cancelled() and sent.exception() is None:
            record = sent.result()
            self._watches.place(watch, Place(record.partition, record.offset))

    def _must_read(self) -> None:
        if self._line.reader.failure is not None:
            raise GateError(
                "the gate's reader has failed; open it again"
            ) from self._line.reader.failure


def _answer_by(event: Event, timeout: float | None) -> Event:
    if timeout is None or event.data.get("answer_by") is not None:
        return event
    answer_by = rfc3339(now_ms() + round(timeout * 1000))
    return Event(event.attrs, {**event.data, "answer_by": answer_by})
