"""What is answered instead of a result: RFC 9457 problem details. No sentence of one holds what was sent."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

import orjson
from starlette.responses import Response

from synthgate.client.errors import EventError, EventsError

MEDIA_TYPE: Final = "application/problem+json"
URN: Final = "urn:synthgate:problem:"


class Problem(Exception):
    """A request that gets no result. retry_s: when asking again may help."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})
        if retry_s is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_s)))

    def row(self) -> dict[str, Any]:
        """The body."""
        row: dict[str, Any] = {
            "type": URN + self.code, "title": HTTPStatus(self.status).phrase, "status": self.status,
            "code": self.code, "detail": self.detail,
        }  # fmt: skip
        return row | ({"errors": self.errors} if self.errors else {})

    def response(self) -> Response:
        """As it is answered."""
        return Response(
            orjson.dumps(self.row()), self.status, media_type=MEDIA_TYPE, headers=self.headers
        )


def ambiguous() -> Problem:
    """Several events bear the id that was asked for."""
    return Problem(
        409, "ambiguous", "the id stands on several events; follow the link, or give each its own"
    )


def of_events(error: EventsError, *, many: bool) -> Problem:
    """The door would not admit some of the events: where, and what to mend."""
    faults = [_fault(at, fault, many=many) for at, fault in error.faults]
    return Problem(
        422, "not_admitted",
        f"{len(faults)} of the events would be refused at the door; nothing was sent", errors=faults,
    )  # fmt: skip


def _fault(at: int, fault: EventError, *, many: bool) -> dict[str, str]:
    return {
        "pointer": (f"/{at}" if many else "") + fault.where,
        "code": fault.code,
        "detail": str(fault),
    }
