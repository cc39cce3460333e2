"""One producer and one reader of decisions, for any number of gates: a service of many tenants needs no more.

Every decision is read once and handed to the gates of its tenant, and to whoever listens for it by name.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Self

from synthgate.client.decisions import Decision, NotADecisionError
from synthgate.client.reader import Reader
from synthgate.client.watches import SOURCE_TOPIC, STUB_KEY, Watches
from synthgate.client.writer import Writer

DECISIONS: Final = "decisions"
HEARD_MAX: Final = 64
"""Decisions that wait for one listener; a slower one loses the oldest, and the highest revision counts."""
_log = logging.getLogger(__name__)

Named = tuple[str, str, str]
"""(tenant, source, event id)."""


class Line:
    """Opened once by whoever owns it: a gate of its own line, or a service. An async context manager."""

    def __init__(
        self,
        *,
        brokers: str,
        topic_prefix: str = "",
        partitions: int = 12,
        start_timeout_s: float = 30.0,
        security: Mapping[str, object] | None = None,
    ) -> None:
        self._start_timeout_s = start_timeout_s
        self._watches: dict[bytes, list[Watches]] = {}
        self._listeners: dict[Named, list[asyncio.Queue[Decision | None]]] = {}
        self._listening: dict[bytes, int] = {}
        self.partitions = partitions
        self.writer = Writer(
            brokers=brokers, topic_prefix=topic_prefix, partitions=partitions,
            start_timeout_s=start_timeout_s, checks=(SOURCE_TOPIC, DECISIONS), security=security,
        )  # fmt: skip
        self.reader = Reader(
            brokers=brokers, topic=topic_prefix + DECISIONS, partitions=partitions,
            on_record=self._heard, on_end=self._ended, security=security,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        # Loaded here, once, rather than inside the first decision: pydantic and the models take 0.2 s.
        import synthgate.events.plain_identity  # noqa: F401

        await self.writer.__aenter__()
        try:
            await self.reader.start(self._start_timeout_s)
        except BaseException:
            await self.writer.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ended()
        await self.reader.stop()
        await self.writer.close()

    def join(self, tenant: str, watches: Watches) -> None:
        """From here on hand decisions of this tenant to these watches."""
        self._watches.setdefault(f"{tenant}/".encode(), []).append(watches)

    def leave(self, tenant: str, watches: Watches) -> None:
        """No more of them."""
        held = self._watches.get(f"{tenant}/".encode(), [])
        if watches in held:
            held.remove(watches)

    @contextmanager
    def listen(self, name: Named) -> Iterator["asyncio.Queue[Decision | None]"]:
        """What is decided on an event from here on, whoever sent it; None when nothing comes any more."""
        queue: asyncio.Queue[Decision | None] = asyncio.Queue(HEARD_MAX)
        tenant = f"{name[0]}/".encode()
        self._listeners.setdefault(name, []).append(queue)
        self._listening[tenant] = self._listening.get(tenant, 0) + 1
        try:
            yield queue
        finally:
            self._listeners[name].remove(queue)
            if not self._listeners[name]:
                del self._listeners[name]
            self._listening[tenant] -= 1
            if not self._listening[tenant]:
                del self._listening[tenant]

    def _heard(self, record: Any) -> None:
        key: bytes = record.key or b""
        tenant = key[: key.find(b"/") + 1]
        stub = key.startswith(STUB_KEY)
        held = [*self._every()] if stub else self._watches.get(tenant, ())
        wanted = [watches for watches in held if watches.wants(record.key)]
        if not wanted and tenant not in self._listening:
            return
        try:
            decision = Decision.read(record.value, record.key, record.partition)
        except (NotADecisionError, ValueError) as error:
            _log.warning(
                "decisions %d/%d cannot be read (%s): left out",
                record.partition,
                record.offset,
                error,
            )
            return
        for watches in wanted:
            watches.take(decision)
        self._tell(decision)

    def _tell(self, decision: Decision) -> None:
        row = decision.row
        name = (str(row["tenant"]), str(row["source"]), str(decision.event_id))
        for queue in self._listeners.get(name, ()):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(decision)

    def _every(self) -> Iterator[Watches]:
        for held in self._watches.values():
            yield from held

    def _ended(self) -> None:
        for watches in self._every():
            watches.close()
        for queues in self._listeners.values():
            for queue in queues:
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(None)
