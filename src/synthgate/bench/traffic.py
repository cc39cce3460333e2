"""Requests sent at a steady rate, and when their decisions were read: what a platform sees of the chain.

Open loop: a request is due by the clock, whether or not the last was answered, and its time counts from when
it was due. Sender and reader share this process and its clock.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import orjson

from synthgate.bench.load import Odd, Sent, events, load_events, producer
from synthgate.client.reader import Reader
from synthgate.settings import Settings

START_SECONDS_MAX: Final = 30.0
UNACKNOWLEDGED_MAX: Final = 10_000
MADE_SECONDS: Final = 60
"""Requests of so long are made before the first of them is due: making them takes time from none."""


class Hears(Protocol):
    """Who is told decisions."""

    def hear(self, record: Any) -> None:
        """One record of ``decisions``."""

    def reader_ended(self) -> None:
        """No more will come."""


Heard = TypeVar("Heard", bound=Hears)


class Answer(NamedTuple):
    """When a decision was read (Unix s), and what it says."""

    at: float
    action: str
    codes: tuple[str, ...]


@dataclass(slots=True)
class Phase:
    """Requests sent together: number to when it was due (Unix s); from the first sent to all answered.

    odd: those that are refused.
    """

    name: str
    due: dict[int, float] = field(default_factory=dict)
    odd: set[int] = field(default_factory=set)
    began: float = 0.0
    sent: float = 0.0
    answered: float = 0.0


class Traffic:
    """One platform. Use ``open_traffic``."""

    def __init__(self, settings: Settings, writing: Any) -> None:
        self._settings = settings
        self._writing = writing
        self._next = 0
        self.answers: dict[int, Answer] = {}
        """By number of the request; the first answer counts."""
        self.broken: str | None = None

    def hear(self, record: Any) -> None:
        """One record of ``decisions``."""
        row = orjson.loads(record.value)
        number = int(row["event_id"].rpartition("-")[2])
        codes = tuple(reason["code"] for reason in row["reasons"])
        self.answers.setdefault(number, Answer(time.time(), row["action"], codes))

    def reader_ended(self) -> None:
        """The reader gave up; what is waited for will not come."""
        self.broken = "the reader of decisions ended"

    async def steady(self, name: str, rate: float, seconds: float, odd: Odd | None = None) -> Phase:
        """Send ``rate`` requests a second for so long; all are acknowledged when it returns."""
        phase = Phase(name)
        acks: deque[Any] = deque()
        left = max(round(rate * seconds), 1)
        due = 0.0
        while left:
            many = min(left, max(round(rate * MADE_SECONDS), 1))
            made = self._made(many, phase, odd)
            due = max(due, time.time())
            phase.began = phase.began or due
            for number, sent in made:
                await asyncio.sleep(max(due - time.time(), 0))
                phase.due[number] = due
                acks.append(await self._send(sent))
                if len(acks) > UNACKNOWLEDGED_MAX:
                    await acks.popleft()
                due += 1 / rate
            left -= many
        await asyncio.gather(*acks)
        phase.sent = time.time()
        return phase

    async def burst(self, name: str, count: int, *, expired: bool = False) -> Phase:
        """Send so many as fast as they are taken; expired: nobody waits for them any more."""
        first, self._next = self._next, self._next + count
        began = time.time()
        await load_events(self._settings, count, first=first, expired=expired)
        due = dict.fromkeys(range(first, first + count), began)
        return Phase(name, due, began=began, sent=time.time())

    async def settled(self, phase: Phase, seconds_max: float) -> int:
        """Wait until all of a phase are answered, at most so long; how many are not."""
        until = time.monotonic() + seconds_max
        waiting = deque(phase.due)
        while True:
            while waiting and waiting[0] in self.answers:
                waiting.popleft()
            if not waiting or time.monotonic() > until or self.broken:
                phase.answered = time.time()
                return sum(number not in self.answers for number in waiting)
            await asyncio.sleep(0.02)

    def seconds(self, phase: Phase, *, odd: bool = False) -> list[float]:
        """From due to read, of every answered request that is odd or is not, sorted."""
        return sorted(
            self.answers[number].at - due
            for number, due in phase.due.items()
            if number in self.answers and (number in phase.odd) == odd
        )

    def _made(self, many: int, phase: Phase, odd: Odd | None) -> list[tuple[int, Sent]]:
        first, self._next = self._next, self._next + many
        numbers = range(first, self._next)
        if odd is not None:
            phase.odd.update(filter(odd.holds, numbers))
        now_ms = time.time_ns() // 1_000_000
        made = events(self._settings, many, now_ms, first=first, odd=odd)
        return list(zip(numbers, made, strict=True))

    async def _send(self, sent: Sent) -> Any:
        return await self._writing.send(
            self._settings.topic("generation.events"), sent.value, key=sent.key,
            partition=sent.partition, headers=sent.headers,
        )  # fmt: skip


@asynccontextmanager
async def hearing(
    settings: Settings, make: Callable[[Settings, Any], Heard]
) -> AsyncIterator[Heard]:
    """A platform that writes, and hears every decision from now on."""
    async with producer(settings) as writing:
        platform = make(settings, writing)
        reader = Reader(
            brokers=settings.brokers, topic=settings.topic("decisions"),
            partitions=settings.partitions, on_record=platform.hear,
            on_end=platform.reader_ended,
        )  # fmt: skip
        await reader.start(START_SECONDS_MAX)
        try:
            yield platform
        finally:
            await reader.stop()


def open_traffic(settings: Settings) -> AbstractAsyncContextManager[Traffic]:
    """A platform that sends requests."""
    return hearing(settings, Traffic)
