"""Buckets for tests: places of their own on a real server, and clients that can be stopped at any request."""

import http.server
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from synthgate.broker.object_store import ObjectServer
from synthgate.bucket import Bucket
from synthgate.bucket_access import BucketAccess, Place
from synthgate.bucket_client import client_of
from synthgate.settings import Settings

REQUESTS = ("put_object", "get_object", "delete_object", "list_objects_v2")
BUCKET = "synthgate-tests"


def settings_in(server: ObjectServer, data_dir: Path, **more: Any) -> Settings:
    """Settings whose bucket nobody else uses a place of."""
    place = f"s3://{BUCKET}/{os.urandom(6).hex()}"
    return Settings(data_dir=data_dir, bucket=place, **server.settings, **more)


def make_bucket(server: ObjectServer) -> None:
    """The one bucket of all tests."""
    shared(Settings(**server.settings)).create_bucket(Bucket=BUCKET)


_CLIENTS: dict[str, Any] = {}


def shared(settings: BucketAccess) -> Any:
    """One client a server: making one costs more than many requests."""
    if settings.s3_endpoint not in _CLIENTS:
        _CLIENTS[settings.s3_endpoint] = client_of(settings)
    return _CLIENTS[settings.s3_endpoint]


class StepClient:
    """Calls ``before(request)`` ahead of every request, and ``after(request)`` once the server has done it."""

    def __init__(
        self,
        client: Any,
        before: Callable[[str], None] = lambda step: None,
        after: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._client, self.before, self.after = client, before, after
        self.counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        if name not in REQUESTS:
            return call

        def request(**asked: Any) -> Any:
            self.counts[name] += 1
            self.before(name)
            found = call(**asked)
            self.after(name)
            return found

        return request


def a_bucket(settings: Settings, **hooks: Callable[[str], None]) -> Bucket:
    """The settings' bucket, as the log has it."""
    place = settings.place
    assert place is not None
    return Bucket(StepClient(shared(settings), **hooks), place.below("ledger"), "ledger")


def lost(_: str = "") -> None:
    """The answer does not come."""
    raise ReadTimeoutError(endpoint_url="http://127.0.0.1")


def slow_down(_: str = "") -> None:
    """The store asks us to slow down."""
    said = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}
    raise ClientError(said, "Any")  # type: ignore[arg-type]


class Told(http.server.BaseHTTPRequestHandler):
    """A server that says one thing, and notes who asked for what."""

    status, body, headers_out = 503, b"", {}  # type: ignore[var-annotated]
    asked: list[str]

    def _say(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.asked.append(f"{self.command} {self.path}")
        self.send_response(self.status)
        for name, value in self.headers_out.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _say

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def a_server_that_says(
    status: int, body: bytes = b"", **headers: str
) -> Iterator[tuple[str, list[str]]]:
    """Its address, and what it was asked."""
    asked: list[str] = []
    kind = type(
        "Says", (Told,), {"status": status, "body": body, "headers_out": headers, "asked": asked}
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


def a_place(settings: Settings) -> Place:
    """The settings' place."""
    assert settings.place is not None
    return settings.place
