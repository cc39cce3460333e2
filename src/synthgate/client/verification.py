"""Asking an outside service whether a person is who they say: bounded, patient, and never a yes by mistake.

Synthgate verifies nobody. A platform that has a checker (a carrier, the police's service, a network identity)
asks it through ``Careful`` and sends the event that ``vouched`` makes of a match. The number goes to the
checker and nowhere else: answers are kept under the person's identity token, no error holds what was asked.
"""

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol
from urllib.parse import urlsplit

from synthgate.client.build import Events
from synthgate.events.event import Event

ANSWER_BYTES_MAX: Final = 65_536
Outcome = Literal["match", "mismatch", "unknown"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the checker needs. token: identity token of the number; fields: the number and its company."""

    method: str
    token: str
    fields: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it. ``unknown`` is never a match; why: a word for logs, nothing of the person."""

    outcome: Outcome
    evidence_ref: str | None = None
    level: str | None = None
    age_band: str = "unknown"
    expires_at_ms: int | None = None
    why: str = ""


class Unavailable(Exception):
    """The checker gave no answer; asking again may help."""


class Checker(Protocol):
    """One outside service."""

    name: str

    async def check(self, asked: Asked) -> Answer:
        """Its answer. Raises Unavailable: it gave none."""


@dataclass(slots=True)
class Careful:
    """A checker asked with a time-out, retries, a circuit breaker and a cache. Fails closed: never raises.

    timeout_s: for one try. retries: further tries when there was no answer, ``pause_s`` apart and twice as long
    each time. opens_after: failures in a row after which nobody is asked for ``open_s``; then one try decides.
    cache_s: how long an answer is kept (a match no longer than it holds); unknown never is.
    """

    checker: Checker
    timeout_s: float = 3.0
    retries: int = 2
    pause_s: float = 0.2
    opens_after: int = 5
    open_s: float = 30.0
    cache_s: float = 300.0
    cached_max: int = 10_000
    clock: Callable[[], float] = time.monotonic
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    _failures: int = 0
    _closed_until: float = 0.0
    _trying: bool = False
    _cache: "OrderedDict[tuple[str, str], tuple[float, Answer]]" = field(
        default_factory=OrderedDict
    )

    async def check(self, asked: Asked) -> Answer:
        """The checker's answer, or ``unknown`` with a reason."""
        known = self._known(asked)
        if known is not None:
            return known
        if not self._may_ask():
            return Answer("unknown", why="breaker_open")
        self._trying = True
        try:
            answer = await self._asked(asked)
        finally:
            self._trying = False
        if answer.outcome != "unknown":
            self._keep(asked, answer)
        return answer

    async def _asked(self, asked: Asked) -> Answer:
        why = "unavailable"
        for turn in range(1 + self.retries):
            if turn:
                await asyncio.sleep(self.pause_s * 2 ** (turn - 1))
            try:
                async with asyncio.timeout(self.timeout_s):
                    answer = await self.checker.check(asked)
            except TimeoutError:
                why = "timeout"
            except Unavailable:
                why = "unavailable"
            except Exception as error:  # noqa: BLE001 (whatever an adapter raises, it is no match)
                why = type(error).__name__
            else:
                self._failures = 0
                return _sound(answer, self.wall_ms())
            self._failures += 1
            if self._failures >= self.opens_after:
                self._closed_until = self.clock() + self.open_s
                break
        return Answer("unknown", why=why)

    def _may_ask(self) -> bool:
        """Closed: always. Open: nobody; when the time is over one at a time, until one is answered."""
        if self._failures < self.opens_after:
            return True
        return self.clock() >= self._closed_until and not self._trying

    def _known(self, asked: Asked) -> Answer | None:
        name = asked.method, asked.token
        until, answer = self._cache.get(name, (0.0, None))
        if answer is None:
            return None
        ended = answer.expires_at_ms is not None and answer.expires_at_ms <= self.wall_ms()
        if ended or self.clock() >= until:
            del self._cache[name]
            return None
        self._cache.move_to_end(name)
        return answer

    def _keep(self, asked: Asked, answer: Answer) -> None:
        self._cache[asked.method, asked.token] = (self.clock() + self.cache_s, answer)
        if len(self._cache) > self.cached_max:
            self._cache.popitem(last=False)


def _sound(answer: Answer, now_ms: int) -> Answer:
    """A match needs a proof and must not be over already."""
    if answer.outcome not in ("match", "mismatch"):
        return Answer("unknown", why=answer.why or "no_answer")
    if answer.outcome == "match" and not answer.evidence_ref:
        return Answer("unknown", why="no_evidence")
    if answer.expires_at_ms is not None and answer.expires_at_ms <= now_ms:
        return Answer("unknown", why="expired")
    return answer


def vouched(events: Events, user: str, asked: Asked, checker: str, answer: Answer) -> Event | None:
    """The identity.verified event of a match; None for anything else."""
    if answer.outcome != "match" or answer.evidence_ref is None:
        return None
    return events.identity_verified(
        user, method=asked.method, checker=checker, evidence_ref=answer.evidence_ref,
        level=answer.level, age_band=answer.age_band, expires_at_ms=answer.expires_at_ms,
        identity_token=asked.token, result="match",
    )  # fmt: skip


class HttpChecker:
    """A checker behind one HTTPS address.

    Asked: POST ``{"method", "fields"}``. Answered: 200 with ``{"outcome", "evidence_ref"?, "level"?,
    "age_band"?, "expires_at_ms"?}``. 408, 425, 429 and 5xx, a broken line or another shape are no answer; any
    other status is ``unknown``: the question itself was wrong. Redirects are not followed.
    """

    def __init__(self, name: str, url: str, *, bearer: str | None = None) -> None:
        """Raises ValueError: not https (plain http is taken on the loopback alone)."""
        place = urlsplit(url)
        here = place.hostname in ("127.0.0.1", "::1", "localhost")
        if place.scheme != "https" and not (place.scheme == "http" and here):
            raise ValueError(f"checker {name}: the address must begin with https://")
        self.name = name
        self._url = url
        self._headers = {} if bearer is None else {"authorization": f"Bearer {bearer}"}
        self._session: Any = None

    async def check(self, asked: Asked) -> Answer:
        """Its answer. Raises Unavailable: it gave none."""
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(headers=self._headers)
        body = {"method": asked.method, "fields": dict(asked.fields)}
        try:
            async with self._session.post(self._url, json=body, allow_redirects=False) as said:
                if said.status in (408, 425, 429) or said.status >= 500:
                    raise Unavailable(f"status {said.status}")
                if said.status != 200:
                    return Answer("unknown", why=f"status_{said.status}")
                return _answer(await said.content.read(ANSWER_BYTES_MAX + 1))
        except aiohttp.ClientError as error:
            raise Unavailable(type(error).__name__) from None

    async def close(self) -> None:
        """Let the connections go."""
        if self._session is not None:
            await self._session.close()


def _answer(raw: bytes) -> Answer:
    if len(raw) > ANSWER_BYTES_MAX:
        raise Unavailable("the answer is too long")
    try:
        row = json.loads(raw)
        answer = Answer(
            outcome=row["outcome"], evidence_ref=row.get("evidence_ref"), level=row.get("level"),
            age_band=row.get("age_band", "unknown"), expires_at_ms=row.get("expires_at_ms"),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unavailable("the answer has another shape") from None
    texts = (answer.evidence_ref, answer.level)
    if not all(isinstance(text, str | None) for text in texts) or not isinstance(
        answer.expires_at_ms, int | None
    ):
        raise Unavailable("the answer has another shape")
    return answer
