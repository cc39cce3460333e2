"""A fact acknowledged before an event was produced is always seen, however soon the event follows.

Rounds of verify → generate, grant → generate and revoke → generate, 0-20 ms apart, on real Kafka, while a
registry partition lags: a transaction left open keeps the copies from reading on, though the broker counts
what is in it.
Sixty rounds here; ``RACE_ROUNDS=1000`` runs the long form.
"""

import asyncio
import os
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from confluent_kafka import Producer

from live_chain import RunningChain
from synthgate.client import Decision, Gate, Generation
from synthgate.demo.acts import NET, SOURCE, TENANT, TERMS
from synthgate.demo.facts import NOTICE, facts
from synthgate.settings import Settings

ROUNDS = int(os.environ.get("RACE_ROUNDS", "60"))
AT_ONCE = 6 if ROUNDS < 500 else 12
ANSWER_S = 90.0
APART_MS = 20
SAID_S = 60.0
OPEN_MAX_MS = 90_000
"""A transaction nobody ends is aborted by the broker after this: no later test waits for it."""
LAGGING = "facts.consents"


class Lag:
    """A partition of a registry whose end the copies cannot reach while a transaction is open."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._topic = settings.topic(LAGGING)
        self._producer = Producer(
            {
                "bootstrap.servers": settings.brokers,
                "transactional.id": f"{settings.topic_prefix}{name}",
                "transaction.timeout.ms": OPEN_MAX_MS,
            }
        )
        self._producer.init_transactions(SAID_S)

    def open(self) -> None:
        self._producer.begin_transaction()
        self._producer.produce(self._topic, b"{}", f"{TENANT}/nobody-here/g", partition=0)
        assert self._producer.flush(SAID_S) == 0

    def close(self) -> None:
        self._producer.abort_transaction(SAID_S)


class Races:
    """One run. ``wrong`` names every answer that must not come."""

    def __init__(self, gate: Gate, numbers: random.Random) -> None:
        self.gate = gate
        self.numbers = numbers
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()

    async def ready(self, user: str, *, verified: bool = True) -> None:
        events = self.gate.events
        await self.gate.tell(
            events.terms_accepted(user, terms_version=TERMS, duty_notice_shown=True)
        )
        await self.gate.tell(events.consent_prompted(user, template="style"))
        if verified:
            await self.verify(user)

    async def verify(self, user: str) -> None:
        vouched = self.gate.events.identity_verified(
            user, method="mobile", checker="c", evidence_ref=f"vault/{user}", age_band="adult"
        )
        await self.gate.tell(vouched)

    async def grant(self, person: str, grant: str) -> None:
        await self.gate.facts.grant_consent(
            person, grant, separate=True, grantor="subject", age_band="adult", biometric=["style"],
            purposes=["chat"], notice_sha256=NOTICE, channel="app", proof_ref="vault/1",
            necessity_shown=True,
        )  # fmt: skip

    async def ask(self, what: str, user: str, expect: str, person: str | None = None) -> None:
        await asyncio.sleep(self.numbers.uniform(0, APART_MS) / 1000)
        template = "chat" if person is None else "style"
        name = f"{what}-{user}-{self.done.total()}-x{self.numbers.randrange(1 << 40):x}"
        subjects = [] if person is None else [{"token": person, "age_band": "adult"}]
        event = self.gate.events.requested(
            user, Generation(name, template, purpose="chat"), prompt="写一首关于春天的诗",
            subjects=subjects, net=dict(NET),
        )  # fmt: skip
        answer = await self.gate.decide(event, ANSWER_S)
        self.done[what] += 1
        if not isinstance(answer, Decision) or answer.action != expect:
            told = [r.code for r in answer.reasons] if isinstance(answer, Decision) else answer
            self.wrong.append(f"{what} {user}: {told}, not {expect}")

    async def round(self, number: int, user: str) -> None:
        fresh, person = f"fresh-{number}", f"subj-race-{number:05}"
        await self.ready(fresh, verified=False)
        await self.verify(fresh)
        await self.ask("verify", fresh, "release")
        await self.grant(person, "g")
        await self.ask("grant", user, "release", person)
        await self.gate.facts.revoke_consent(person, "g")
        await self.ask("revoke", user, "refuse", person)

    async def old_news(self, user: str) -> None:
        """A platform that sends an old fact again, under a new position, changes nothing."""
        person = "subj-old-news"
        row = {
            "tenant": TENANT, "subject": person, "grant": "g", "version": 7, "separate": True,
            "grantor": "subject", "age_band": "adult", "biometric": ["style"], "purposes": ["chat"],
            "notice_sha256": NOTICE, "channel": "app", "proof_ref": "vault/1", "necessity_shown": True,
            "granted_at": "2026-01-01T00:00:00Z",
        }  # fmt: skip
        await self.gate.facts.write(LAGGING, **row)
        await self.ask("old", user, "release", person)
        await self.gate.facts.write(LAGGING, **(row | {"version": 8, "purposes": ["news"]}))
        await self.ask("old", user, "refuse", person)
        await self.gate.facts.write(LAGGING, **row)
        await self.ask("old", user, "refuse", person)
        await self.gate.facts.write(LAGGING, **(row | {"version": 9}))
        await self.ask("old", user, "release", person)
        await self.gate.facts.revoke_consent(person, "g")
        await self.gate.facts.write(LAGGING, **(row | {"version": 10}))
        await self.ask("old", user, "refuse", person)


@asynccontextmanager
async def lagging(lag: Lag, numbers: random.Random) -> AsyncIterator[None]:
    """Open and abort transactions, 0-40 ms each, as long as the block lasts; none is open after it."""
    ended = asyncio.Event()

    async def go() -> None:
        # Not cancelled: a thread that is opening one would go on, and leave it open.
        while not ended.is_set():
            await asyncio.to_thread(lag.open)
            await asyncio.sleep(numbers.uniform(0, 0.04))
            await asyncio.to_thread(lag.close)
            await asyncio.sleep(numbers.uniform(0, 0.04))

    task = asyncio.create_task(go())
    try:
        yield
    finally:
        ended.set()
        await task


def readyz(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return f"{error}; "


async def stalled(races: Races, lag: Lag, port: int, user: str) -> None:
    """A copy that stalls makes the stage wait and say so; nothing is refused meanwhile, nothing released."""
    await asyncio.to_thread(lag.open)
    try:
        asked = asyncio.create_task(races.ask("stalled", user, "release"))
        until = time.monotonic() + SAID_S
        while f"registry:{LAGGING}" not in (said := await asyncio.to_thread(readyz, port)):
            assert time.monotonic() < until, f"no wait was declared: {said}; {races.wrong}"
            await asyncio.sleep(0.2)
        assert not asked.done(), "it was answered while nobody could know"
    finally:
        await asyncio.to_thread(lag.close)
    await asked


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_no_fact_is_too_fresh_to_be_seen(chain: RunningChain) -> None:
    numbers = random.Random(20261126)
    settings = chain.settings
    async with Gate.from_settings(settings, tenant=TENANT, source=SOURCE) as gate:
        for topic, row in facts(time.time_ns() // 1_000_000):
            await gate.facts.write(topic, **row.model_dump())
        races = Races(gate, numbers)
        users = [f"racer-{n}" for n in range(AT_ONCE)]
        for user in users:
            await races.ready(user)
        lag = await asyncio.to_thread(Lag, settings, "lag")
        each = iter(range(ROUNDS))

        async def run(user: str) -> None:
            for number in each:
                await races.round(number, user)

        async with lagging(lag, numbers):
            await asyncio.gather(*(run(user) for user in users))
        await races.old_news(users[0])
        last = await asyncio.to_thread(Lag, settings, "lag")
        await stalled(races, last, chain.chain.workers["all"].port, users[0])
    assert races.wrong == []
    assert [races.done[what] for what in ("verify", "grant", "revoke")] == [ROUNDS] * 3
