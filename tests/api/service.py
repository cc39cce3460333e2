"""The service without a network and without Kafka: requests as ASGI calls, a chain that does as it is told."""

import asyncio
import hashlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from client.decider import decision_row
from synthgate.api.app import Service, create
from synthgate.api.keys import KeyFile
from synthgate.api.lookup import Wanted
from synthgate.api.serve import Http, configured
from synthgate.client import Decision, EventError, EventsError, Gate
from synthgate.client.decisions import Answer, Undecided
from synthgate.client.writer import partition_of
from synthgate.events.event import Event
from synthgate.settings import Settings

PARTITIONS = 4
NET = {"src_ip": "10.0.0.1", "src_port": 1, "dst_ip": "10.0.0.2", "dst_port": 2,
       "client_fingerprint": "f"}  # fmt: skip


def decision(event: Event, **over: Any) -> Decision:
    """The chain's word on an event."""

    class Record:
        value = orjson.dumps(event.data)
        key = f"{event.tenant}/{event.user}".encode()
        partition = partition_of(key, PARTITIONS)
        topic, offset, timestamp = "generation.events", 7, 1_795_000_000_000
        headers = tuple(
            (f"ce_{name}", str(event.attrs[name]).encode()) for name in ("id", "source", "type")
        )

    row = decision_row(Record, **over)
    return Decision.read(orjson.dumps(row), Record.key, Record.partition)


@dataclass
class FakeChain:
    """Answers from ``say``; ``found`` is what a look-up finds or raises."""

    say: Callable[[Event], Answer] = decision
    partitions: int = PARTITIONS
    ready: bool = True
    sent: list[tuple[str, str, Event, float]] = field(default_factory=list)
    found: Any = None
    asked: list[Wanted] = field(default_factory=list)
    heard: list[asyncio.Queue[Decision | None]] = field(default_factory=list)

    async def decide(
        self, tenant: str, source: str, events: Sequence[Event], wait_s: float
    ) -> list[Answer]:
        Gate(brokers="x", tenant=tenant, source=source)._all_checked(events)
        self.sent += [(tenant, source, event, wait_s) for event in events]
        return [self.say(event) for event in events]

    async def find(self, wanted: Wanted) -> Decision | None:
        self.asked.append(wanted)
        if isinstance(self.found, Exception):
            raise self.found
        found: Decision | None = self.found
        return found

    @contextmanager
    def listen(self, wanted: Wanted) -> Iterator[asyncio.Queue[Decision | None]]:
        queue: asyncio.Queue[Decision | None] = asyncio.Queue()
        self.heard.append(queue)
        try:
            yield queue
        finally:
            self.heard.remove(queue)


def pending(event: Event) -> Undecided:
    return Undecided(event.id, event.generation_id, "timeout")


def unacknowledged(event: Event) -> Undecided:
    return Undecided(event.id, event.generation_id, "broker")


def refused(event: Event) -> Answer:
    raise EventsError(((0, EventError("too_large", "/data", "300000 bytes", "send less")),))


@dataclass
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


class Api:
    """One replica. ``secret``: a key of acme for everything."""

    def __init__(self, folder: Path, chain: FakeChain | None = None, **over: Any) -> None:
        self.chain = chain or FakeChain()
        given = {"data_dir": folder, "partitions": PARTITIONS} | over
        self.settings = Settings.load(environ={}, **given)
        self.keys = KeyFile(self.settings.api_keys_path)
        self.service = Service(self.chain, self.keys, self.settings)
        self.app = create(self.service)
        self.secret = self.key()

    def key(self, **over: Any) -> str:
        given: dict[str, Any] = {
            "tenant": "acme", "sources": ["//acme/app"], "days": 1, "by": "li", "rate": 1000.0,
            "scopes": ("events", "decisions", "complaints", "labels"), "now_ms": now_ms(),
        }  # fmt: skip
        return self.keys.make(**(given | over))[1]

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        key: str | None = "",
        kind: str | None = "application/json",
        **headers: str,
    ) -> Answered:
        """key "": the one for everything; None: none. Headers by their names with ``_`` for ``-``."""
        parts = [
            part async for part in self.stream(method, path, body, key=key, kind=kind, **headers)
        ]
        (start,) = [part for part in parts if isinstance(part, dict)]
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answered(
            start["status"], told, b"".join(part for part in parts if isinstance(part, bytes))
        )

    async def stream(
        self,
        method: str,
        path: str,
        body: Any = b"",
        *,
        key: str | None = "",
        kind: str | None = "application/json",
        **headers: str,
    ) -> AsyncIterator[Any]:
        """The answer's head, then its body as it comes."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            given["authorization"] = f"Bearer {key or self.secret}"
        if kind is not None:
            given["content-type"] = kind
        where, _, query = path.partition("?")
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquoted(where), "raw_path": where.encode(),
            "query_string": query.encode(), "root_path": "", "client": ("10.1.1.1", 5),
            "server": ("api", 80),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        }  # fmt: skip
        said: asyncio.Queue[Any] = asyncio.Queue()
        incoming = [{"type": "http.request", "body": raw, "more_body": False}]
        gone = asyncio.Event()

        async def receive() -> Any:
            if incoming:
                return incoming.pop()
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            await said.put(message)

        running = asyncio.create_task(self.app(scope, receive, send))  # type: ignore[arg-type]
        running.add_done_callback(lambda _: said.put_nowait(None))
        try:
            while (message := await asyncio.wait_for(said.get(), 30)) is not None:
                yield message if message["type"] == "http.response.start" else message["body"]
            running.result()
        finally:
            gone.set()
            await asyncio.wait([running])


@contextmanager
def served(api: Api) -> Iterator[str]:
    """The service on a port of this machine; its chain is a script."""
    http = Http(configured(api.service, api.settings))
    thread = threading.Thread(target=lambda: asyncio.run(http.serve()))
    thread.start()
    try:
        while not http.started:
            assert thread.is_alive()
            thread.join(0.02)
        scheme = "https" if api.settings.api_tls_cert_file else "http"
        yield f"{scheme}://127.0.0.1:{http.servers[0].sockets[0].getsockname()[1]}"
    finally:
        http.should_exit = True
        thread.join(60)


def unquoted(path: str) -> str:
    from urllib.parse import unquote

    return unquote(path)


def now_ms() -> int:
    from synthgate.client.build import now_ms as now

    return now()


def an_ask(event_id: str | None = "e1", user: str = "u1", **data: Any) -> dict[str, Any]:
    """A request as a CloudEvent; tenant, source and time are left to the service."""
    row: dict[str, Any] = {
        "type": "generation.requested",
        "data": {
            "user": {"id": user}, "net": NET, "content": {"prompt": "a poem about rain"},
            "generation": {"id": "g1", "medium": "text", "template": "chat"}, **data,
        },
    }  # fmt: skip
    return row if event_id is None else {"id": event_id, **row}


def digest(event: Event) -> str:
    return hashlib.sha256(orjson.dumps(event.data)).hexdigest()
