"""The service: routes, who is let in, and what is answered. It judges nothing; the chain does.

Nothing but ``/livez`` and ``/readyz`` is answered without a key. No content, no user and no key is logged.
"""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from synthgate.api import document, reading, streaming
from synthgate.api.answering import json, link_to, pending, row
from synthgate.api.bus import Chain, at_of, now_ms
from synthgate.api.keys import Key, KeyFile, KeyFileError
from synthgate.api.limits import Buckets
from synthgate.api.lookup import Ambiguous, At, NotSearched, Wanted
from synthgate.api.problems import Problem, ambiguous, of_events
from synthgate.client import Decision, EventsError, GateError
from synthgate.effects.isolated import Limits, inspected
from synthgate.events.topics import BY_NAME
from synthgate.runtime import metrics
from synthgate.settings import Settings

log = logging.getLogger(__name__)

UNKNOWN_RATE: Final = 5.0
"""Wrong keys a second from one address, before it is told to wait."""
CHECKS_AT_ONCE: Final = 2
CHECK_LIMITS: Final = Limits(seconds=30, memory_mib=2048)
NAME_CHARS_MAX: Final = 200
_DECISIONS_MS: Final = BY_NAME["decisions"].kept_ms or 0
Handler = Callable[[Request], Awaitable[Response]]


class Service:
    """What the routes share. Counted per replica: rates, files looked into at once, streams."""

    def __init__(self, chain: Chain, keys: KeyFile, settings: Settings) -> None:
        self.chain = chain
        self.keys = keys
        self.settings = settings
        self.rates = Buckets()
        self.strangers = Buckets(seconds=4.0)
        self.streams = streaming.Streams()
        self.checking = 0

    def key(self, request: Request, scope: str, cost: float = 1.0) -> Key:
        """Who asks.

        Raises:
            Problem: 401, 403, 429; 503 while the file of keys cannot be read.
        """
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        try:
            key = self.keys.holder(secret.strip(), now_ms()) if kind.lower() == "bearer" else None
        except KeyFileError as error:
            log.error("%s", error)
            raise Problem(503, "keys_unreadable", "nobody is let in now", retry_s=10) from None
        if key is None:
            address = request.client.host if request.client else "?"
            wait = self.strangers.take(address, 1.0, UNKNOWN_RATE)
            if wait:
                raise Problem(
                    429, "too_many", "too many requests without a valid key", retry_s=wait
                )
            asked = {"WWW-Authenticate": 'Bearer realm="synthgate"'}
            raise Problem(401, "no_key", "a valid bearer key is needed", headers=asked)
        if scope not in key.scopes:
            raise Problem(403, "scope", f"this key is not for {scope}")
        self.pay(key, cost)
        return key

    def pay(self, key: Key, cost: float) -> None:
        """Count what a key asks for. Raises Problem: 429."""
        if wait := self.rates.take(key.id, cost, key.rate):
            raise Problem(429, "too_many", "more than this key may ask", retry_s=wait)

    async def send(self, request: Request, key: Key, sent: reading.Sent) -> Response:
        """Hand events to the chain; answer with what it decided, or with where that will be.

        Raises:
            Problem: 422, 503.
        """
        at_ms = now_ms()
        wait = reading.wait_s(request, self.settings.api_wait_s)
        try:
            answers = await self.chain.decide(key.tenant, sent.source, sent.events, wait)
        except EventsError as error:
            raise of_events(error, many=sent.many) from None
        except GateError:
            raise Problem(503, "broker", "the bus does not answer", retry_s=5) from None
        if any(getattr(answer, "cause", None) in ("broker", "closed") for answer in answers):
            raise Problem(
                503, "not_acknowledged",
                "the bus has not acknowledged everything; sending the same again is safe", retry_s=2,
            )  # fmt: skip
        rows = [
            row(answer, link_to(event.id, event.source, at_of(event, self.chain.partitions, at_ms)))
            for event, answer in zip(sent.events, answers, strict=True)
        ]
        waited = any(one["status"] == "pending" for one in rows)
        headers = {"Location": rows[0]["link"]} if not sent.many else {}
        if waited:
            headers["Retry-After"] = "1"
        told = {"answers": rows} if sent.many else rows[0]
        return json(told, 202 if waited else 200, headers)

    def wanted(self, request: Request, key: Key) -> Wanted:
        """Which decision is asked for.

        Raises:
            Problem: 400, 403, 404.
        """
        event_id = request.path_params["event_id"]
        source = request.query_params.get("source") or (
            key.sources[0] if len(key.sources) == 1 else None
        )
        if source is None:
            raise Problem(400, "source_unsaid", "this key speaks for several sources: say source=")
        if source not in key.sources:
            raise Problem(403, "source", "this key does not speak for that source")
        if not 0 < len(event_id) <= 256:
            raise Problem(404, "unknown", "no event has such an id")
        told = request.query_params.get("at")
        try:
            at = None if told is None else At.parse(told, self.chain.partitions)
        except ValueError:
            raise Problem(400, "at", "at is what a link of ours says, or is left out") from None
        if at is not None and at.since < now_ms() - _DECISIONS_MS:
            raise Problem(404, "gone", "older than what the bus keeps; the log still has it")
        return Wanted(key.tenant, source, event_id, at)


def create(service: Service) -> FastAPI:
    """The application."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    def route(path: str, method: str, handler: Handler, name: str) -> None:
        async def guarded(request: Request) -> Response:
            return await _answered(request, handler, name)

        app.add_api_route(path, guarded, methods=[method], include_in_schema=False, name=name)

    async def events(request: Request) -> Response:
        key = service.key(request, "events")
        raw = await reading.body(request, reading.BODY_BYTES_MAX)
        sent = reading.events(request, raw, key)
        service.pay(key, len(sent.events) - 1)
        return await service.send(request, key, sent)

    async def complaints(request: Request) -> Response:
        key = service.key(request, "complaints")
        raw = await reading.body(request, reading.EVENT_BYTES)
        return await service.send(request, key, reading.complaint(request, raw, key))

    async def decisions(request: Request) -> Response:
        key = service.key(request, "decisions")
        wanted = service.wanted(request, key)
        if "text/event-stream" in request.headers.get("accept", ""):
            return _stream(service, wanted, request, key)
        return await _found(service, wanted)

    async def labels(request: Request) -> Response:
        service.key(request, "labels")
        return await _label(service, request)

    async def openapi(request: Request) -> Response:
        service.key(request, "decisions")
        return Response(orjson.dumps(document.openapi()), media_type="application/json")

    async def live(_: Request) -> Response:
        return json({"live": True})

    async def ready(_: Request) -> Response:
        return json({"ready": service.chain.ready}, 200 if service.chain.ready else 503)

    route("/v1/events", "POST", events, "events")
    route("/v1/complaints", "POST", complaints, "complaints")
    route("/v1/decisions/{event_id:path}", "GET", decisions, "decisions")
    route("/v1/label-checks", "POST", labels, "labels")
    route("/v1/openapi.json", "GET", openapi, "openapi")
    route("/livez", "GET", live, "health")
    route("/readyz", "GET", ready, "health")
    app.add_exception_handler(HTTPException, _no_route)
    return app


async def _answered(request: Request, handler: Handler, name: str) -> Response:
    """Run a route: a known fault is a problem, an unknown one a problem too, and told without what was sent."""
    begun = time.monotonic()
    try:
        response = await handler(request)
    except Problem as problem:
        response = problem.response()
    except Exception as error:  # noqa: BLE001 (whatever it is: its text may hold content)
        log.error("%s: %s", name, type(error).__name__)
        response = Problem(500, "bug", "a fault of ours; it was logged").response()
    metrics.API_SECONDS.labels(name).observe(time.monotonic() - begun)
    metrics.API_REQUESTS.labels(name, response.status_code).inc()
    return response


async def _no_route(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(getattr(error, "headers", None) or {})
    metrics.API_REQUESTS.labels("none", status).inc()
    code, what = (
        ("method", "not a method of this path") if status == 405 else ("unknown", "nothing is here")
    )
    return Problem(status, code, what, headers=headers).response()


async def _found(service: Service, wanted: Wanted) -> Response:
    decision = await find(service.chain, wanted)
    link = link_to(wanted.event_id, wanted.source, wanted.at)
    if decision is not None:
        return json(row(decision, link))
    if wanted.at is None:
        raise Problem(
            404, "unknown", "nothing was decided on it in the last minutes; follow its link"
        )
    return json(pending(wanted.event_id, link), 202, {"Retry-After": "1"})


async def find(chain: Chain, wanted: Wanted) -> Decision | None:
    """What counts.

    Raises:
        Problem: 409, 503.
    """
    try:
        return await chain.find(wanted)
    except Ambiguous:
        raise ambiguous() from None
    except NotSearched:
        raise Problem(503, "not_searched", "the bus was not read to its end", retry_s=2) from None


def _stream(service: Service, wanted: Wanted, request: Request, key: Key) -> Response:
    _, _, secret = request.headers["authorization"].partition(" ")

    def still() -> bool:
        return service.keys.holder(secret.strip(), now_ms()) is not None

    async def first() -> Decision | None:
        return await find(service.chain, wanted)

    told: AsyncIterator[bytes] = service.streams.told(service.chain, wanted, first, still, key.id)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


async def _label(service: Service, request: Request) -> Response:
    name = request.query_params.get("name", "")
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable() or "/" in name:
        raise Problem(400, "name", f"name= is the file's name, 1 to {NAME_CHARS_MAX} characters")
    if service.checking >= CHECKS_AT_ONCE:
        raise Problem(503, "busy", "as many files are being looked into as may be", retry_s=2)
    service.checking += 1
    try:
        data = await reading.body(request, service.settings.api_upload_bytes_max)
        found = await inspected(data, name, CHECK_LIMITS)
    finally:
        service.checking -= 1
    return json({"file": name} | found)
