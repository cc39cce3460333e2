"""The gate: hand over an event, get the chain's answer, in whichever replica you are.

async with Gate(brokers="kafka:9092", tenant="acme", source="//acme/app") as gate:
    event = gate.events.requested("u1", Generation("g1", "chat"), prompt=prompt, net=net)
    answer = await gate.decide(event, timeout=2.0)
    if not answer.released:
        return refuse(answer.reasons)      # a refusal, a hold, or no answer in time
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Final, Protocol, Self

from aiokafka.errors import KafkaError

from synthgate.client.build import Events, now_ms, rfc3339
from synthgate.client.casework import Casework
from synthgate.client.check import Checked, check
from synthgate.client.decisions import Answer, Decision, NotADecisionError
from synthgate.client.desk import Desk
from synthgate.client.errors import GateError, NotWatchedError
from synthgate.client.facts import Facts
from synthgate.client.reader import Reader
from synthgate.client.watches import SOURCE_TOPIC, Place, Watch, Watches
from synthgate.client.writer import Acknowledged, Writer
from synthgate.events.event import Event

DECISIONS: Final = "decisions"
_log = logging.getLogger(__name__)


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
    ``sasl_*``, ``security_protocol``).
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
    ) -> None:
        self.tenant = tenant
        self.source = source
        self.events = Events(tenant, source)
        self._start_timeout_s = start_timeout_s
        self._slots = asyncio.Semaphore(in_flight_max)
        self._watches = Watches(tenant, source, remembered_max)
        self._writer = Writer(
            brokers=brokers, topic_prefix=topic_prefix, partitions=partitions,
            start_timeout_s=start_timeout_s, checks=(SOURCE_TOPIC, DECISIONS), security=security,
        )  # fmt: skip
        self._reader = Reader(
            brokers=brokers, topic=topic_prefix + DECISIONS, partitions=partitions,
            on_record=self._heard, on_end=self._watches.close, security=security,
        )  # fmt: skip
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
        # Loaded here, once, rather than inside the first decision: pydantic and the models take 0.2 s.
        import synthgate.events.plain_identity  # noqa: F401

        await self._writer.__aenter__()
        try:
            await self._reader.start(self._start_timeout_s)
        except BaseException:
            await self._writer.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watches.close()
        await self._reader.stop()
        await self._writer.close()

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

    def _heard(self, record: Any) -> None:
        if not self._watches.wants(record.key):
            return
        try:
            self._watches.take(Decision.read(record.value, record.key, record.partition))
        except (NotADecisionError, ValueError) as error:
            _log.warning(
                "decisions %d/%d cannot be read (%s): left out",
                record.partition,
                record.offset,
                error,
            )

    def _must_read(self) -> None:
        if self._reader.failure is not None:
            raise GateError("the gate's reader has failed; open it again") from self._reader.failure


def _answer_by(event: Event, timeout: float | None) -> Event:
    if timeout is None or event.data.get("answer_by") is not None:
        return event
    answer_by = rfc3339(now_ms() + round(timeout * 1000))
    return Event(event.attrs, {**event.data, "answer_by": answer_by})
