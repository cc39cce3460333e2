"""A scorer behind HTTP: one POST for a batch of items, scores by risk code back. It fails closed.

Asked::

    {"v":1,"items":[{"id":"0","medium":"text","sha256":…,"text":…}
                   |{"id":"0","medium":"image","sha256":…,"name":…,"media_type":…,"bytes_base64":…?}]}

Answered, 200, at most 1 MiB::

    {"version":"m-3","items":[{"id":"0","scores":{"A.1h":93},"covers":["picture"]}]}

Scores are severities 0 to 100 by the risk codes of GB/T 45654 Annex A. An item left out, a code
nobody knows or a number out of range is a fault of that item, never a low score. 400, 413, 415 and 422 mean
that it will not judge what was sent: each item is then asked alone. Content goes to a third party here: who
engages one has a contract with it (NDR 12).

``covers`` is what of a file was looked at; left out, it is what the configuration names, but only of a file
that was sent. Of one that came without ``bytes_base64`` (over ``max_bytes``, or we hold no such bytes) nothing
counts as looked at but what the answer itself names: a service that fetches files, or knows them by hash, says
so.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import aiohttp
import orjson

from synthgate.law.policy import RISKS
from synthgate.reviewers.breaker import Breaker, Pace
from synthgate.reviewers.kept import Kept
from synthgate.reviewers.reviewer import REJECTED, Answer, Item
from synthgate.reviewers.roster import Scorer

ANSWER_BYTES_MAX: Final = 1 << 20
_REFUSED: Final = frozenset({400, 413, 415, 422})
_PAUSE_S: Final = 0.05
log = logging.getLogger(__name__)


class _Failed(Exception):
    """A call without an answer. ``fault`` as in ``Answer``."""

    def __init__(self, fault: str) -> None:
        super().__init__(fault)
        self.fault = fault


class HttpScorer:
    """One service. Holds no connection between batches, so that it belongs to no event loop."""

    def __init__(
        self, scorer: Scorer, token: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = scorer.name
        self.media: frozenset[str] = frozenset(scorer.media)
        self._scorer = scorer
        self._headers = {"content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._clock = clock
        self._breaker = Breaker(scorer.breaker_failures, scorer.breaker_open_s)
        self._pace = Pace(scorer.per_second)
        self._kept = Kept(scorer.keep_entries, scorer.keep_s)

    async def review(self, items: Sequence[Item], timeout_s: float) -> Sequence[Answer]:
        """As ``Reviewer.review``: known answers first, the rest in batches, each distinct item once."""
        ends = self._clock() + timeout_s
        answers: dict[Item, Answer] = {}
        asked: list[Item] = []
        for item in dict.fromkeys(items):
            held = self._kept.get(item, self._clock())
            if held is None:
                asked.append(item)
            else:
                answers[item] = held
        if asked:
            gate = asyncio.Semaphore(self._scorer.at_once)
            connector = aiohttp.TCPConnector(limit=self._scorer.at_once)
            async with aiohttp.ClientSession(connector=connector, headers=self._headers) as session:
                size = self._scorer.batch_items
                pieces = [asked[at : at + size] for at in range(0, len(asked), size)]
                found = await asyncio.gather(
                    *(self._piece(session, gate, piece, ends) for piece in pieces)
                )
            for piece, said in zip(pieces, found, strict=True):
                answers.update(zip(piece, said, strict=True))
        return [answers[item] for item in items]

    async def _piece(
        self,
        session: aiohttp.ClientSession,
        gate: asyncio.Semaphore,
        piece: Sequence[Item],
        ends: float,
    ) -> list[Answer]:
        """One batch, asked as often as may help; each item alone if the service will not have them together."""
        async with gate:
            try:
                said = await self._asked(session, piece, ends)
            except _Failed as failed:
                said = [Answer(fault=failed.fault)] * len(piece)
        if len(piece) > 1 and all(answer.fault == REJECTED for answer in said):
            alone = [await self._piece(session, gate, [item], ends) for item in piece]
            return [answer for answers in alone for answer in answers]
        for item, answer in zip(piece, said, strict=True):
            self._kept.put(item, answer, self._clock())
        return said

    async def _asked(
        self, session: aiohttp.ClientSession, piece: Sequence[Item], ends: float
    ) -> list[Answer]:
        body = orjson.dumps({"v": 1, "items": [self._row(n, i) for n, i in enumerate(piece)]})
        fault = _Failed("timeout")
        for number in range(self._scorer.tries):
            if number:
                await asyncio.sleep(min(_PAUSE_S * 2**number, max(0.0, ends - self._clock())))
            if self._breaker.refuses(self._clock()):
                raise _Failed("breaker_open")
            await self._turn(ends)
            was_open = self._breaker.is_open
            if not self._breaker.allows(self._clock()):
                raise _Failed("breaker_open")
            try:
                said = await self._call(session, body, piece, ends)
            except _Failed as failed:
                fault = failed
                if failed.fault == REJECTED:
                    self._breaker.succeeded()
                    raise
                self._breaker.failed(self._clock())
                if self._breaker.is_open and not was_open:
                    log.warning("scorer %s: %s, its breaker is open", self.name, failed.fault)
            except BaseException:
                self._breaker.left_out()
                raise
            else:
                if was_open:
                    log.warning("scorer %s answers again", self.name)
                self._breaker.succeeded()
                return said
        raise fault

    async def _turn(self, ends: float) -> None:
        """Wait for a place in the pace; not at all if it would come too late."""
        now = self._clock()
        if now >= ends:
            raise _Failed("timeout")
        if now + self._pace.wait_s(now) >= ends:
            raise _Failed("busy")
        await asyncio.sleep(self._pace.take(now))

    async def _call(
        self, session: aiohttp.ClientSession, body: bytes, piece: Sequence[Item], ends: float
    ) -> list[Answer]:
        left = min(self._scorer.timeout_s, ends - self._clock())
        if left <= 0:
            raise _Failed("timeout")
        try:
            async with session.post(
                self._scorer.url,
                data=body,
                timeout=aiohttp.ClientTimeout(total=left),
                allow_redirects=False,
            ) as response:
                if response.status in _REFUSED:
                    raise _Failed(REJECTED)
                if response.status != 200:
                    raise _Failed("busy" if response.status == 429 else "unreachable")
                raw = b""
                while chunk := await response.content.read(ANSWER_BYTES_MAX + 1 - len(raw)):
                    raw += chunk
                    if len(raw) > ANSWER_BYTES_MAX:
                        raise _Failed("malformed")
        except TimeoutError:
            raise _Failed("timeout") from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise _Failed("unreachable") from None
        return self._read(raw, piece)

    def _row(self, number: int, item: Item) -> dict[str, Any]:
        row: dict[str, Any] = {"id": str(number), "medium": item.medium, "sha256": item.sha256}
        if item.words is not None:
            # What is no Unicode cannot be sent; it is seen as a replacement, as a reader would.
            return row | {"text": item.words.encode("utf-8", "replace").decode()}
        row |= {"name": item.name, "media_type": item.media_type}
        if item.data is not None and self._is_sent(item):
            row["bytes_base64"] = base64.b64encode(item.data).decode()
        return row

    def _is_sent(self, item: Item) -> bool:
        """Whether what is to be judged goes along: words, or a file's bytes."""
        if item.words is not None:
            return True
        return item.data is not None and len(item.data) <= self._scorer.max_bytes

    def _read(self, raw: bytes, piece: Sequence[Item]) -> list[Answer]:
        """One answer for each item; what cannot be read is a fault of the item, or of all."""
        try:
            said = orjson.loads(raw)
            version = said["version"]
            rows = {row["id"]: row for row in said["items"]}
        except (orjson.JSONDecodeError, TypeError, KeyError):
            raise _Failed("malformed") from None
        if not isinstance(version, str) or not 0 < len(version) <= 256:
            raise _Failed("malformed")
        return [self._answer(version, item, rows.get(str(n))) for n, item in enumerate(piece)]

    def _answer(self, version: str, item: Item, row: Any) -> Answer:
        unsaid = self._scorer.covers if self._is_sent(item) else ()
        scores = row.get("scores") if isinstance(row, dict) else None
        covers = row.get("covers", unsaid) if isinstance(row, dict) else None
        if not isinstance(scores, dict) or not isinstance(covers, list | tuple):
            return Answer(version, fault="malformed")
        for risk, score in scores.items():
            known = (
                risk in _KNOWN and isinstance(score, int | float) and not isinstance(score, bool)
            )
            if not known or not 0 <= score <= 100:
                return Answer(version, fault="malformed")
        risks = {risk: round(score) for risk, score in sorted(scores.items()) if round(score)}
        seen = tuple(aspect for aspect in self._scorer.covers if aspect in covers)
        return Answer(version, risks, seen)


_KNOWN: Final = frozenset(RISKS)
