"""What a request is answered with."""

from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.responses import Response

from synthgate.api.lookup import At
from synthgate.client import Answer, Decision


def link_to(event_id: str, source: str, at: At | None) -> str:
    """Where the decision on an event is to be had, from any replica."""
    asked = {"source": source} | ({} if at is None else {"at": str(at)})
    return f"/v1/decisions/{quote(event_id, safe='')}?{urlencode(asked)}"


def row(answer: Answer, link: str) -> dict[str, Any]:
    """One event's answer; what the model ``document.Answer`` says."""
    if not isinstance(answer, Decision):
        return pending(answer.event_id, link)
    return {
        "event_id": answer.event_id, "status": "decided", "released": answer.released,
        "link": link, "decision": answer.row,
    }  # fmt: skip


def pending(event_id: str, link: str) -> dict[str, Any]:
    """The bus has it, the chain has not decided it: not released."""
    return {
        "event_id": event_id, "status": "pending", "released": False, "link": link, "decision": None,
    }  # fmt: skip


def json(said: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """As it is answered; decisions and passes are kept by no cache."""
    heads = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(said), status, media_type="application/json", headers=heads)
