"""A decision and what follows it, as server-sent events, from any replica."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import orjson

from synthgate.api.bus import Chain
from synthgate.api.keys import KeyFileError
from synthgate.api.lookup import Wanted, same_act
from synthgate.api.problems import Problem, ambiguous
from synthgate.client import Decision
from synthgate.runtime import metrics

STREAMS_MAX: Final = 200
STREAMS_OF_KEY_MAX: Final = 50
"""Of one key, so that no tenant's streams are all there are."""
STREAM_S_MAX: Final = 600.0
QUIET_S: Final = 15.0
"""After this long without a decision a comment says that the stream lives, and the key is looked at again."""


class Streams:
    """The streams of this replica."""

    def __init__(self) -> None:
        self.open = 0
        self._of: Counter[str] = Counter()

    async def told(
        self,
        chain: Chain,
        wanted: Wanted,
        first: Callable[[], Awaitable[Decision | None]],
        still: Callable[[], bool],
        key_id: str,
    ) -> AsyncIterator[bytes]:
        """What counts now, then each that counts more. Ends after ``STREAM_S_MAX``, or with the key."""
        if self.open >= STREAMS_MAX or self._of[key_id] >= STREAMS_OF_KEY_MAX:
            yield _event("problem", Problem(503, "busy", "as many streams as may be").row())
            return
        self.open += 1
        self._of[key_id] += 1
        metrics.API_STREAMS.set(self.open)
        try:
            # Listened for before it is looked for: what is decided in between is heard.
            with chain.listen(wanted) as heard:
                try:
                    latest = await first()
                except Problem as problem:
                    yield _event("problem", problem.row())
                    return
                if latest is not None:
                    yield _decision(latest)
                until = time.monotonic() + STREAM_S_MAX
                while time.monotonic() < until and _allowed(still):
                    try:
                        decision = await asyncio.wait_for(heard.get(), QUIET_S)
                    except TimeoutError:
                        yield b": nothing new\n\n"
                        continue
                    if decision is None:
                        return
                    if not wanted.fits(decision):
                        continue
                    if latest is not None and not same_act(latest, decision):
                        yield _event("problem", ambiguous().row())
                        return
                    if latest is None or decision.rank > latest.rank:
                        latest = decision
                        yield _decision(decision)
        finally:
            self.open -= 1
            self._of[key_id] -= 1
            if not self._of[key_id]:
                del self._of[key_id]
            metrics.API_STREAMS.set(self.open)


def _allowed(still: Callable[[], bool]) -> bool:
    try:
        return still()
    except KeyFileError:
        return False


def _decision(decision: Decision) -> bytes:
    head = f"id: {decision.revision}\n".encode()
    return head + _event("decision", dict(decision.row))


def _event(kind: str, row: dict[str, object]) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(row) + b"\n\n"
