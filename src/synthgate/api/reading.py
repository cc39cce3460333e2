"""Requests read: bodies within limits and strictly, events as the door admits them, how long to wait."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from synthgate.api.keys import Key
from synthgate.api.problems import Problem
from synthgate.client.build import now_ms, rfc3339
from synthgate.events.event import Event
from synthgate.events.wire import EVENT_BYTES_MAX, Malformed, parse

BATCH_MAX: Final = 100
BODY_BYTES_MAX: Final = 4 * 1_048_576
BODY_S_MAX: Final = 30.0
WAIT_S_DEFAULT: Final = 5.0
IDEMPOTENCY: Final = "idempotency-key"
_KEY_FORM: Final = re.compile(r"[\x21-\x7e]{1,200}")
_TRACE: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{1,64})?")
_WAIT: Final = re.compile(r"wait=([0-9]{1,3})")
_ATTRS: Final = ("specversion", "id", "source", "type", "time", "traceparent")
_LEFT_OUT: Final = ("datacontenttype", "dataschema", "subject", "tracestate")
"""Members of a CloudEvent that the chain has no use for; any other is refused, for it would be lost."""
ONE: Final = ("application/cloudevents+json", "application/json")
MANY: Final = ("application/cloudevents-batch+json", "application/json")


async def body(request: Request, bytes_max: int) -> bytes:
    """The body, read within a size and a time.

    Raises:
        Problem: 413, 408, 400.
    """
    too_large = Problem(413, "too_large", f"a body here has at most {bytes_max} bytes")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > bytes_max:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(BODY_S_MAX):
            async for part in request.stream():
                size += len(part)
                if size > bytes_max:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise Problem(408, "too_slow", f"the body did not come within {BODY_S_MAX:g} s") from None
    except ClientDisconnect:
        # Nobody hears it; but it is no fault of ours, which somebody would look for.
        raise Problem(400, "gone", "the connection ended before the body did") from None
    return b"".join(parts)


def media_type(request: Request) -> str:
    """Of the body, without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def wait_s(request: Request, most: float) -> float:
    """How long an answer is waited for: RFC 7240 ``Prefer: wait=N`` or ``respond-async``, within the bound."""
    wishes = [wish.strip().lower() for wish in request.headers.get("prefer", "").split(",")]
    if "respond-async" in wishes:
        return 0.0
    for wish in wishes:
        if form := _WAIT.fullmatch(wish):
            return min(float(form[1]), most)
    return min(WAIT_S_DEFAULT, most)


def parsed(raw: bytes) -> Any:
    """JSON, strictly.

    Raises:
        Problem: 400.
    """
    try:
        return parse(raw)
    except Malformed as fault:
        raise Problem(400, fault.code, "the body is no JSON that is admitted here") from None


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request of events holds. many: a batch."""

    source: str
    events: list[Event]
    many: bool


def events(request: Request, raw: bytes, key: Key) -> Sent:
    """The events of a request, completed: tenant, source, time, and ids from the Idempotency-Key.

    Raises:
        Problem: 400, 403, 415, 422.
    """
    kind = media_type(request)
    if kind not in {*ONE, *MANY}:
        raise Problem(415, "media_type", f"send {', '.join(sorted({*ONE, *MANY}))}")
    found = parsed(raw)
    many = isinstance(found, list)
    if not ((isinstance(found, dict) and kind in ONE) or (many and kind in MANY)):
        raise Problem(400, "not_events", f"{kind} holds one event, or a batch is a list of them")
    rows = found if many else [found]
    if not 0 < len(rows) <= BATCH_MAX:
        raise Problem(400, "batch_size", f"a batch has 1 to {BATCH_MAX} events")
    prefix = idempotency(request)
    made = [
        _event(row, key, f"/{at}" if many else "", _derived(prefix, key, at), request)
        for at, row in enumerate(rows)
    ]
    sources = {str(event.attrs["source"]) for event in made}
    if len(sources) > 1:
        raise Problem(422, "sources", "the events of one batch are of one source")
    return Sent(sources.pop(), made, many)


def complaint(request: Request, raw: bytes, key: Key) -> Sent:
    """The ``complaint.received`` that the body is the data of; its id is the complaint's, so it comes once.

    Raises:
        Problem: 400, 403, 415, 422.
    """
    if media_type(request) != "application/json":
        raise Problem(415, "media_type", "send application/json")
    data = parsed(raw)
    if not isinstance(data, dict):
        raise Problem(400, "not_object", "a complaint is one object")
    name = data.get("complaint")
    if not isinstance(name, str):
        raise _bad("/complaint", "bad_shape", "no name of the complaint")
    row: dict[str, Any] = {"type": "complaint.received", "data": data}
    if "source" in request.query_params:
        row["source"] = request.query_params["source"]
    made = _event(row, key, "", _derived(f"complaint {name}", key, 0), request)
    return Sent(str(made.attrs["source"]), [made], many=False)


def idempotency(request: Request) -> str | None:
    """The Idempotency-Key, if there is one.

    Raises:
        Problem: 400.
    """
    given = request.headers.get(IDEMPOTENCY)
    if given is not None and _KEY_FORM.fullmatch(given) is None:
        raise Problem(400, "idempotency_key", "1 to 200 visible ASCII characters, without a space")
    return given


def _derived(prefix: str | None, key: Key, at: int) -> str | None:
    """The same on every replica: so the chain itself knows a request that comes twice."""
    if prefix is None:
        return None
    return (
        "ik-"
        + sha256(f"{key.tenant}\n{prefix}\n{at}".encode(errors="surrogatepass")).hexdigest()[:40]
    )


def _event(row: Any, key: Key, where: str, derived: str | None, request: Request) -> Event:
    if not isinstance(row, dict) or not isinstance(row.get("data"), dict):
        raise _bad(where, "bad_envelope", "no CloudEvent with an object as its data")
    strange = sorted(row.keys() - {*_ATTRS, *_LEFT_OUT, "data"})
    if strange:
        raise _bad(where, "unknown_member", "a member that is none of a CloudEvent's")
    if row.get("datacontenttype", "application/json") != "application/json":
        raise _bad(f"{where}/datacontenttype", "bad_envelope", "not application/json")
    if "id" in row and derived is not None:
        raise _bad(
            f"{where}/id", "idempotency_key",
            "an event has its own id, or gets one of the Idempotency-Key: send one of the two",
        )  # fmt: skip
    if "id" not in row and derived is None:
        raise _bad(f"{where}/id", "bad_envelope", "neither an id nor an Idempotency-Key")
    attrs = {name: row[name] for name in _ATTRS if name in row}
    attrs.setdefault("specversion", "1.0")
    attrs.setdefault("id", derived)
    attrs.setdefault("source", key.sources[0] if len(key.sources) == 1 else None)
    attrs.setdefault("time", rfc3339(now_ms()))
    trace = request.headers.get("traceparent", "")
    if _TRACE.fullmatch(trace):
        attrs.setdefault("traceparent", trace)
    return Event(_checked(attrs, key, where), _of_tenant(row["data"], key, where))


def _checked(attrs: dict[str, Any], key: Key, where: str) -> Mapping[str, Any]:
    source = attrs["source"]
    if source is None:
        raise _bad(f"{where}/source", "source_unsaid", "this key speaks for several sources")
    if source not in key.sources:
        raise Problem(403, "source", "this key does not speak for that source")
    trace = attrs.get("traceparent")
    if trace is not None and not (isinstance(trace, str) and _TRACE.fullmatch(trace)):
        raise _bad(f"{where}/traceparent", "bad_envelope", "no traceparent (W3C Trace Context)")
    return attrs


def _of_tenant(data: dict[str, Any], key: Key, where: str) -> dict[str, Any]:
    """The data with the key's tenant in it; another's is refused."""
    if data.get("tenant", key.tenant) != key.tenant:
        raise Problem(403, "tenant", "this key is another tenant's")
    user = data.get("user")
    if not isinstance(user, dict) or not isinstance(user.get("id"), str):
        raise _bad(f"{where}/data/user/id", "bad_shape", "no id of a person")
    return {**data, "tenant": key.tenant}


def _bad(pointer: str, code: str, detail: str) -> Problem:
    fault = {"pointer": pointer, "code": code, "detail": detail}
    return Problem(422, "not_admitted", f"{detail}; nothing was sent", errors=[fault])


EVENT_BYTES: Final = EVENT_BYTES_MAX
