"""Canaries: an event of our own on every partition, every few seconds, and how long its decision took.

It is the one thing that shows from outside that decisions come. Its tenant is ours alone (events/canary.py),
it is judged like any other event, and when everything else passed it is refused for being a canary. So any
other answer, or none, is what an app would get too.
"""

import asyncio
import logging
import signal
import time
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from synthgate.client import Gate, Generation
from synthgate.client.build import now_ms, random_id, rfc3339
from synthgate.client.writer import partition_of
from synthgate.events import canary
from synthgate.events.event import Event
from synthgate.runtime import metrics
from synthgate.runtime.web import Server
from synthgate.settings import Settings

log = logging.getLogger(__name__)

SOURCE: Final = "synthgate-canary"
PROMPT: Final = "Write one line about a small yellow bird."
NET: Final = {
    "src_ip": "127.0.0.1", "src_port": 1, "dst_ip": "127.0.0.1", "dst_port": 1,
    "client_fingerprint": "canary",
}  # fmt: skip
UNKNOWN: Final = frozenset({"unverified_request", "identity_expired", "terms_not_accepted"})
"""Codes of a user nobody has vouched for yet: the first canary of an installation."""

Result = Literal["passed", "refused", "undecided"]


@dataclass(frozen=True, slots=True)
class Told:
    """One canary: what came of it, how long that took, and the reasons if they were others than its own."""

    partition: int
    result: Result
    seconds: float
    codes: tuple[str, ...]


class Canaries:
    """One canary a partition, through an open gate of the canary's tenant."""

    def __init__(self, gate: Gate, key: bytes, partitions: int) -> None:
        self._gate = gate
        self._key = key
        self._users = [_user_on(partition, partitions) for partition in range(partitions)]

    async def fly(self, timeout_s: float) -> list[Told]:
        """Send one on every partition and wait for every answer, at most this long."""
        every = [self._one(partition, timeout_s) for partition in range(len(self._users))]
        return await asyncio.gather(*every)

    async def _one(self, partition: int, timeout_s: float) -> Told:
        told = await self._asked(partition, timeout_s)
        if UNKNOWN.isdisjoint(told.codes):
            return told
        await self._vouch(self._users[partition])
        return await self._asked(partition, timeout_s)

    async def _asked(self, partition: int, timeout_s: float) -> Told:
        name = random_id()
        event = self._gate.events.requested(
            self._users[partition], Generation(name, canary.TEMPLATE), prompt=PROMPT, net=NET,
            id=name, answer_by=rfc3339(now_ms() + round(timeout_s * 1000)),
        )  # fmt: skip
        begun = time.monotonic()
        answer = await self._gate.decide(self._signed(event), timeout_s)
        seconds = time.monotonic() - begun
        codes = tuple(dict.fromkeys(reason.code for reason in answer.reasons))
        if answer.action == "undecided":
            return Told(partition, "undecided", seconds, ())
        passed = answer.action == "refuse" and codes == (canary.REFUSED,)
        return Told(partition, "passed" if passed else "refused", seconds, codes)

    async def _vouch(self, user: str) -> None:
        at = now_ms()
        verified = self._gate.events.identity_verified(
            user, method="mobile", checker=SOURCE, evidence_ref=SOURCE, verified_at_ms=at,
            at_ms=at, age_band="adult",
        )  # fmt: skip
        accepted = self._gate.events.terms_accepted(
            user, terms_version=canary.TERMS, duty_notice_shown=True, accepted_at_ms=at, at_ms=at
        )
        for event in (verified, accepted):
            await self._gate.tell(self._signed(event))

    def _signed(self, event: Event) -> Event:
        mac = canary.mac_of(self._key, event.attrs, orjson.dumps(event.data))
        return Event({**event.attrs, canary.ATTRIBUTE: mac}, event.data)


def _user_on(partition: int, partitions: int) -> str:
    """A user of the canary's tenant whose key belongs to this partition."""
    number = 0
    while True:
        user = f"p{partition}-{number}"
        if partition_of(f"{canary.TENANT}/{user}".encode(), partitions) == partition:
            return user
        number += 1


def count(told: Told) -> None:
    """Put one in the metrics."""
    metrics.CANARIES.labels(told.partition, told.result).inc()
    if told.result != "undecided":
        metrics.CANARY_SECONDS.labels(told.partition).observe(told.seconds)
    if told.result == "passed":
        metrics.CANARY_PASSED_AT.labels(told.partition).set(time.time())
    else:
        log.warning("partition %s: %s %s", told.partition, told.result, " ".join(told.codes))


async def once(settings: Settings, key: bytes, timeout_s: float) -> list[Told]:
    """One round.

    Raises:
        GateError: the broker does not answer, or does not let us in.
    """
    async with Gate.from_settings(settings, tenant=canary.TENANT, source=SOURCE) as gate:
        return await Canaries(gate, key, settings.partitions).fly(timeout_s)


async def run(settings: Settings, key: bytes, *, every_s: float, timeout_s: float) -> int:
    """A round every ``every_s`` seconds until SIGTERM, told on /metrics; 0.

    Raises:
        GateError: the broker does not answer, or does not let us in.
        Refused: the address of /metrics cannot be had.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    last: list[Told] = []

    def state() -> dict[str, Any]:
        bad = [told.partition for told in last if told.result != "passed"]
        return {"ready": bool(last) and not bad, "joining": [], "waits": [], "without": bad}

    server = Server(settings, state, stores=False)
    await server.start()
    try:
        async with Gate.from_settings(settings, tenant=canary.TENANT, source=SOURCE) as gate:
            canaries = Canaries(gate, key, settings.partitions)
            while not stop.is_set():
                until = time.monotonic() + every_s
                last = await canaries.fly(min(timeout_s, every_s))
                for told in last:
                    count(told)
                try:
                    await asyncio.wait_for(stop.wait(), max(0.0, until - time.monotonic()))
                except TimeoutError:
                    continue
    finally:
        await server.stop()
    return 0
