"""The chain as the service sees it: one line, a gate for each tenant and source, a reader to look things up."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol, Self

import orjson

from synthgate.api.lookup import At, Lookup, Wanted
from synthgate.client import Answer, Decision, Gate, Line
from synthgate.client.line import DECISIONS
from synthgate.client.writer import partition_of
from synthgate.connection import security
from synthgate.events.event import Event

if TYPE_CHECKING:
    import asyncio

    from synthgate.settings import Settings


class Chain(Protocol):
    """What the service asks of the chain."""

    partitions: int

    @property
    def ready(self) -> bool:
        """Whether answers are heard."""

    async def decide(
        self, tenant: str, source: str, events: Sequence[Event], wait_s: float
    ) -> list[Answer]:
        """As ``Gate.decide_all``."""

    async def find(self, wanted: Wanted) -> Decision | None:
        """As ``Lookup.find``."""

    def listen(self, wanted: Wanted) -> "AbstractContextManager[asyncio.Queue[Decision | None]]":
        """As ``Line.listen``."""


def at_of(event: Event, partitions: int, now_ms: int) -> At:
    """Where the decision on an event that is sent now will lie."""
    key = f"{event.tenant}/{event.user}".encode()
    told = sha256(orjson.dumps(event.data)).hexdigest()
    return At(partition_of(key, partitions), now_ms, told[:8])


class Bus:
    """A ``Chain`` on Kafka; an async context manager."""

    def __init__(self, settings: "Settings") -> None:
        """Raises SettingsError: a file of TLS or SASL cannot be used."""
        let_in = security(settings)
        self.partitions = settings.partitions
        self._line = Line(
            brokers=settings.brokers, topic_prefix=settings.topic_prefix,
            partitions=settings.partitions, security=let_in,
        )  # fmt: skip
        self._lookup = Lookup(
            brokers=settings.brokers, topic=settings.topic(DECISIONS),
            partitions=settings.partitions, security=let_in,
        )  # fmt: skip
        self._gates: dict[tuple[str, str], Gate] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._line.__aenter__()
        return self

    async def __aexit__(self, *exit_: object) -> None:
        await self._open.aclose()
        await self._lookup.close()
        await self._line.__aexit__(*exit_)

    @property
    def ready(self) -> bool:
        """Whether answers are heard."""
        return self._line.reader.failure is None

    async def decide(
        self, tenant: str, source: str, events: Sequence[Event], wait_s: float
    ) -> list[Answer]:
        """Send, and wait for the answers. Raises EventsError, GateError."""
        return await (await self._gate(tenant, source)).decide_all(events, wait_s)

    async def find(self, wanted: Wanted) -> Decision | None:
        """What counts: heard here, or else on the topic. Raises NotSearched, Ambiguous."""
        gate = self._gates.get((wanted.tenant, wanted.source))
        heard = None if gate is None else gate.heard(wanted.event_id)
        if heard is not None and wanted.fits(heard):
            return heard
        return await self._lookup.find(wanted)

    @contextmanager
    def listen(self, wanted: Wanted) -> "Iterator[asyncio.Queue[Decision | None]]":
        """What is decided from here on."""
        with self._line.listen((wanted.tenant, wanted.source, wanted.event_id)) as heard:
            yield heard

    async def _gate(self, tenant: str, source: str) -> Gate:
        gate = self._gates.get((tenant, source))
        if gate is None:
            gate = Gate(
                brokers="", tenant=tenant, source=source, line=self._line, keeps_events=False
            )
            self._gates[tenant, source] = gate
            await self._open.enter_async_context(gate)
        return gate


def now_ms() -> int:
    """This machine's clock, Unix ms."""
    return time.time_ns() // 1_000_000
