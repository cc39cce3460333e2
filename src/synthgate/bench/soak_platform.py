"""The platform of a soak: sends the mix at a rate, hears every decision, answers holds, takes consents back.

Open loop: an act is due by the clock, and its decision's age counts from when it was due.
"""

import asyncio
import time
from collections import Counter, deque
from typing import Any, Final

import orjson

from synthgate.bench.load import Sent
from synthgate.bench.mix import (
    ANSWERS,
    PERSONS,
    REVIEWED,
    ROUND,
    Mix,
    answer_to,
    kind_of,
    number_of,
    revocation,
)
from synthgate.bench.traffic import UNACKNOWLEDGED_MAX
from synthgate.events.facts import key_of
from synthgate.settings import Settings
from synthgate.steps.partition import partition_of

TURN_SECONDS: Final = 0.02


class Platform:
    """Use ``traffic.hearing``."""

    def __init__(self, settings: Settings, writing: Any) -> None:
        self._settings = settings
        self._writing = writing
        self._mix = Mix(settings)
        self._acks: deque[Any] = deque()
        self._due: dict[int, float] = {}
        self._holds: deque[Any] = deque()
        self._held: set[int] = set()
        self._ages: list[float] = []
        self.sent = Counter[str]()
        """Acts by kind."""
        self.decided = Counter[str]()
        """First answers by action."""
        self.wrong = Counter[str]()
        """First answers, and answers to holds, that are not what the mix says, as ``kind: action``."""
        self.broken: str | None = None

    @property
    def acts(self) -> int:
        """Acts of the mix sent so far."""
        return self.sent.total() - self.sent["answer"]

    @property
    def waiting(self) -> int:
        """Events that are not answered, and holds whose second answer has not come."""
        return len(self._due) + len(self._held)

    def hear(self, record: Any) -> None:
        """One record of ``decisions``."""
        row = orjson.loads(record.value)
        number = number_of(row["event_id"])
        if number is None:
            return
        if row["action"] == "hold":
            self._holds.append((row, record))
        due = self._due.pop(number, None)
        if due is None:
            if row["action"] != "hold" and number in self._held:
                self._held.discard(number)
                if row["action"] != REVIEWED:
                    self.wrong[f"held, then: {row['action']}"] += 1
            return
        self._ages.append(time.time() - due)
        self.decided[row["action"]] += 1
        if row["action"] == "hold":
            self._held.add(number)
        kind = kind_of(number)
        if row["action"] != ANSWERS[kind]:
            self.wrong[f"{kind}: {row['action']}"] += 1

    def reader_ended(self) -> None:
        """The reader gave up; what is waited for will not come."""
        self.broken = "the reader of decisions ended"

    def ages(self) -> list[float]:
        """Ages of the first answers heard since this was asked last, seconds, sorted."""
        ages, self._ages = self._ages, []
        return sorted(ages)

    async def steady(self, rate: float, seconds: float) -> None:
        """Send ``rate`` acts a second for so long; all are acknowledged when it returns."""
        begun, sent, total = time.time(), 0, max(round(rate * seconds), 1)
        while sent < total:
            now = time.time()
            owed = min(int((now - begun) * rate) + 1, total) - sent
            if owed > 0:
                await self._send(owed, begun + sent / rate, rate)
                sent += owed
            await self._follow()
            await asyncio.sleep(TURN_SECONDS)
        await self._acknowledged(0)

    async def burst(self, count: int) -> float:
        """Send so many as fast as they are taken; decisions a second over the last nine tenths."""
        await self._send(count, time.time(), 0)
        await self._acknowledged(0)
        before = self.decided.total()
        first = before + self.waiting // 10
        began = None
        while self._due:
            if began is None and self.decided.total() >= first:
                began, first = time.time(), self.decided.total()
            await self._follow()
            await asyncio.sleep(TURN_SECONDS)
            if self.broken:
                break
        return (self.decided.total() - first) / max(time.time() - (began or 0.0), 1e-3)

    async def settled(self, seconds_max: float) -> int:
        """Wait until everything is answered, at most so long; how many are not."""
        until = time.monotonic() + seconds_max
        while self.waiting and time.monotonic() < until and not self.broken:
            await self._follow()
            await asyncio.sleep(TURN_SECONDS)
        await self._acknowledged(0)
        return self.waiting

    async def _send(self, count: int, due: float, rate: float) -> None:
        now_ms = time.time_ns() // 1_000_000
        for act in self._mix.made(count, now_ms):
            if act.number is not None:
                self._due[act.number] = due
            self.sent[act.kind] += 1
            await self._put("generation.events", act.sent)
            if self.acts % ROUND == 0:
                await self._take_back(self.acts // ROUND, now_ms)
            due += 1 / rate if rate else 0

    async def _take_back(self, turn: int, now_ms: int) -> None:
        row = revocation(turn * 2 % PERSONS + 1, now_ms)
        key = key_of("facts.revocations", row).encode()
        value = row.model_dump_json().encode()
        await self._put(
            "facts.revocations", Sent(partition_of(key, self._settings.partitions), key, value, [])
        )

    async def _follow(self) -> None:
        """Answer the holds that were heard."""
        while self._holds:
            row, record = self._holds.popleft()
            value, headers = answer_to(row, time.time_ns() // 1_000_000)
            self.sent["answer"] += 1
            await self._put("operator.events", Sent(record.partition, record.key, value, headers))

    async def _put(self, topic: str, sent: Sent) -> None:
        self._acks.append(
            await self._writing.send(
                self._settings.topic(topic), sent.value, key=sent.key, partition=sent.partition,
                headers=sent.headers,
            )
        )  # fmt: skip
        await self._acknowledged(UNACKNOWLEDGED_MAX)

    async def _acknowledged(self, left: int) -> None:
        while len(self._acks) > left or (self._acks and self._acks[0].done()):
            await self._acks.popleft()
