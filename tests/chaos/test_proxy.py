"""The proxy passes frames whole, and does to Produce what its mode says. The peer here speaks frames alone."""

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chaos.proxy import LOOPBACK, PRODUCE, Mode, Proxy
from synthgate.broker.node import free_ports

FETCH = 1
LARGE = 300_000


class Peer:
    """Answers each request with its correlation id and its body; ``heard`` are the api keys that came."""

    def __init__(self) -> None:
        self.heard: list[int] = []
        self._listening = socket.create_server((LOOPBACK, 0))  # whoever comes from now on is taken
        self.port: int = self._listening.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, sock=self._listening)
        )
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
                self.heard.append(struct.unpack(">h", frame[:2])[0])
                writer.write(struct.pack(">i", len(frame) - 4) + frame[4:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def close(self) -> None:
        async def end() -> None:
            self._server.close()
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Client:
    """One connection through the proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0

    async def ask(self, api_key: int, body: bytes = b"body", seconds: float = 60.0) -> bytes:
        """The answer's body; ConnectionError when the connection ends."""
        self._number += 1
        frame = struct.pack(">hhi", api_key, 9, self._number) + body
        self._writer.write(struct.pack(">i", len(frame)) + frame)
        try:
            async with asyncio.timeout(seconds):
                length = int.from_bytes(await self._reader.readexactly(4), "big")
                answer = await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise ConnectionError from None
        assert struct.unpack(">i", answer[:4]) == (self._number,)
        return answer[4:]

    def close(self) -> None:
        self._writer.close()


@pytest.fixture
def world() -> Iterator[tuple[Proxy, Peer, int]]:
    (outer,) = free_ports(1)
    peer = Peer()
    with Proxy({outer: peer.port}) as proxy:
        yield proxy, peer, outer
    peer.close()


async def joined(port: int) -> Client:
    return Client(*await asyncio.open_connection(LOOPBACK, port))


async def test_open_passes_everything_whole(world: Any) -> None:
    proxy, peer, port = world
    client = await joined(port)
    assert await client.ask(FETCH, b"x" * LARGE) == b"x" * LARGE
    assert await client.ask(PRODUCE) == b"body"
    assert peer.heard == [FETCH, PRODUCE] and not proxy.hurt
    client.close()


async def test_denied_never_arrives(world: Any) -> None:
    proxy, peer, port = world
    proxy.turn(Mode.DENY)
    client = await joined(port)
    assert await client.ask(FETCH) == b"body"
    with pytest.raises(ConnectionError):
        await client.ask(PRODUCE)
    assert peer.heard == [FETCH] and proxy.hurt == {Mode.DENY: 1}


async def test_muted_arrives_and_its_answer_does_not(world: Any) -> None:
    proxy, peer, port = world
    proxy.turn(Mode.MUTE)
    client = await joined(port)
    with pytest.raises(ConnectionError):
        await client.ask(PRODUCE)
    assert peer.heard == [PRODUCE] and proxy.hurt == {Mode.MUTE: 1}


@pytest.mark.parametrize(("mode", "arrives"), [(Mode.WITHHOLD, True), (Mode.FROZEN, False)])
async def test_what_is_held_up_comes_when_the_mode_changes(
    world: Any, mode: Mode, arrives: bool
) -> None:
    proxy, peer, port = world
    client = await joined(port)
    proxy.turn(mode)
    asking = asyncio.create_task(client.ask(PRODUCE))
    async with asyncio.timeout(60):
        while proxy.hurt != {mode: 1}:  # it is held up: on its way there, or back
            await asyncio.sleep(0.01)
    assert not asking.done() and (peer.heard == [PRODUCE]) is arrives
    proxy.turn(Mode.OPEN)
    assert await asking == b"body" and proxy.hurt == {mode: 1}
    client.close()


async def test_shut_cuts_and_refuses(world: Any) -> None:
    proxy, peer, port = world
    client = await joined(port)
    await client.ask(FETCH)
    proxy.turn(Mode.SHUT)
    with pytest.raises(ConnectionError):
        await client.ask(FETCH)
    late = await joined(port)
    with pytest.raises(ConnectionError):
        await late.ask(FETCH)
    proxy.turn(Mode.OPEN)
    again = await joined(port)
    assert await again.ask(FETCH) == b"body" and peer.heard == [FETCH, FETCH]
    again.close()


async def test_a_broker_that_is_down_ends_the_connection(world: Any) -> None:
    _, _, port = world
    (nobody,) = free_ports(1)
    outer = free_ports(1)[0]
    del port
    with Proxy({outer: nobody}):
        client = await joined(outer)
        with pytest.raises(ConnectionError):
            await client.ask(FETCH)
