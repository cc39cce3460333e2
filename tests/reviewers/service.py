"""A scoring service for tests: a real HTTP server on loopback that does as it is told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import orjson
from aiohttp import web

from synthgate.reviewers.http_scorer import HttpScorer
from synthgate.reviewers.roster import Scorer


class Service:
    """``answers``: (asked body) to a response; by default every item is harmless."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answers: Callable[[dict[str, Any]], Any] = harmless
        self.url = ""
        self.over = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        self.asked.append(body)
        self.headers.append(dict(request.headers))
        said = self.answers(body)
        if isinstance(said, web.StreamResponse):
            return said
        if hasattr(said, "__await__"):
            await said
            return web.Response(status=500)
        return web.Response(body=said if isinstance(said, bytes) else orjson.dumps(said))


def harmless(body: dict[str, Any]) -> dict[str, Any]:
    return scored(body, {})


def scored(body: dict[str, Any], scores: dict[str, Any], **more: Any) -> dict[str, Any]:
    rows = [{"id": item["id"], "scores": scores, **more} for item in body["items"]]
    return {"version": "m-1", "items": rows}


@asynccontextmanager
async def a_service():
    service = Service()
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/score", service.handle)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/score"
    try:
        yield service
    finally:
        service.over.set()
        await runner.cleanup()


def scorer_of(url: str, **over: Any) -> Scorer:
    values = {
        "name": "vision", "url": url, "media": ["text", "image"], "covers": ["picture"],
        "per_second": 10_000,
    }  # fmt: skip
    return Scorer.model_validate(values | over)


def a_scorer(service: Service, token: str | None = None, clock=None, **over: Any) -> HttpScorer:
    kwargs = {} if clock is None else {"clock": clock}
    return HttpScorer(scorer_of(service.url, **over), token, **kwargs)


@contextmanager
def a_service_beside() -> Iterator[Service]:
    """The same in a thread of its own, for tests that run one event loop after another."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    holder = a_service()
    try:
        yield asyncio.run_coroutine_threadsafe(holder.__aenter__(), loop).result(60)
    finally:
        asyncio.run_coroutine_threadsafe(holder.__aexit__(None, None, None), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
