"""A TCP proxy between workers and brokers that can misbehave. It knows frames and Produce, nothing more.

Kafka's framing: a request and its answer are each a length of four bytes and as many bytes after it; a request
begins with api key, api version and correlation id, an answer with the correlation id (KIP-482 changes nothing
of that). Produce has the api key 0.
"""

import asyncio
import contextlib
import struct
import threading
from collections import Counter
from collections.abc import Coroutine, Mapping
from enum import StrEnum
from typing import Any, Self

LOOPBACK = "127.0.0.1"
PRODUCE = 0
LOOK_SECONDS = 0.02


class Mode(StrEnum):
    """What is done to what passes."""

    OPEN = "open"
    SHUT = "shut"  # every connection is cut, none is taken
    FROZEN = "frozen"  # nothing passes, either way
    DENY = "deny"  # a Produce request never reaches the broker; its connection is cut
    MUTE = "mute"  # the broker takes the Produce request; its answer is lost with the connection
    WITHHOLD = "withhold"  # the broker takes it; its answer waits until the mode changes


class Proxy:
    """Listens on each door's outer port and leads to its inner one. A context manager; one thread.

    ``hurt`` counts what was done, by mode: connections cut or refused, requests and answers kept from arriving.
    """

    def __init__(self, doors: Mapping[int, int]) -> None:
        self._doors = dict(doors)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._links: set[asyncio.Task[None]] = set()
        self._servers: list[asyncio.Server] = []
        self.mode = Mode.OPEN
        self.hurt: Counter[Mode] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._leave())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def turn(self, mode: Mode) -> None:
        """From now on, for what passes and for what waits."""
        self._call(self._take(mode))

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    async def _listen(self) -> None:
        for outer, inner in self._doors.items():

            async def taken(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inner: int = inner
            ) -> None:
                await self._link(reader, writer, inner)

            self._servers.append(await asyncio.start_server(taken, LOOPBACK, outer))

    async def _leave(self) -> None:
        for server in self._servers:
            server.close()
        await self._cut()

    async def _take(self, mode: Mode) -> None:
        self.mode = mode
        if mode is Mode.SHUT:
            self.hurt[mode] += len(self._links)
            await self._cut()

    async def _cut(self) -> None:
        links = list(self._links)
        for link in links:
            link.cancel()
        await asyncio.gather(*links, return_exceptions=True)

    async def _link(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, inner: int
    ) -> None:
        """One connection, from end to end."""
        this = asyncio.current_task()
        assert this is not None
        self._links.add(this)
        ends = [writer]
        pumps: list[asyncio.Task[None]] = []
        try:
            if self.mode is Mode.SHUT:
                self.hurt[Mode.SHUT] += 1
                return
            answers, asks = await asyncio.open_connection(LOOPBACK, inner)
            ends.append(asks)
            produced: set[int] = set()
            pumps = [
                asyncio.create_task(self._ask(reader, asks, produced)),
                asyncio.create_task(self._answer(answers, writer, produced)),
            ]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        except (OSError, asyncio.CancelledError):
            pass  # the broker is down, or we cut it: to the worker it is all one
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for end in ends:
                end.close()
                with contextlib.suppress(OSError):
                    await end.wait_closed()
            self._links.discard(this)

    async def _ask(
        self, worker: asyncio.StreamReader, broker: asyncio.StreamWriter, produced: set[int]
    ) -> None:
        while True:
            frame = await _frame(worker)
            await self._while(Mode.FROZEN)
            api_key, _, correlation = struct.unpack(">hhi", frame[4:12])
            if api_key == PRODUCE:
                if self.mode is Mode.DENY:
                    self.hurt[Mode.DENY] += 1
                    return
                produced.add(correlation)
            broker.write(frame)
            await broker.drain()

    async def _answer(
        self, broker: asyncio.StreamReader, worker: asyncio.StreamWriter, produced: set[int]
    ) -> None:
        while True:
            frame = await _frame(broker)
            await self._while(Mode.FROZEN)
            (correlation,) = struct.unpack(">i", frame[4:8])
            if correlation in produced:
                produced.discard(correlation)
                if self.mode is Mode.MUTE:
                    self.hurt[Mode.MUTE] += 1
                    return
                await self._while(Mode.WITHHOLD)
            worker.write(frame)
            await worker.drain()

    async def _while(self, mode: Mode) -> None:
        """Hold something up as long as the mode lasts."""
        if self.mode is mode:
            self.hurt[mode] += 1
        while self.mode is mode:
            await asyncio.sleep(LOOK_SECONDS)


async def _frame(reader: asyncio.StreamReader) -> bytes:
    """One request or answer whole. The end of the connection ends the pump quietly."""
    try:
        length = await reader.readexactly(4)
        return length + await reader.readexactly(int.from_bytes(length, "big"))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise asyncio.CancelledError from None
