"""Does an event carry the pass of the decision it follows?"""

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from synthgate.crypto.passes import PassBody, PassError
from synthgate.events.event import Event
from synthgate.events.types import TYPES

Place = tuple[int, int]
"""Log and index of the decision a pass was made for."""
SEGMENT = "generation.segment"
TRANSFORMED = "content.transformed"
SAME_PERSON = ("generation.completed", "generation.segment", "scene.started")
"""Events that must be by the very person who was let through."""
NEW = (*SAME_PERSON, TRANSFORMED)
"""Events whose objects are new and cannot have been released before."""


@dataclass(frozen=True, slots=True)
class Cited:
    """The citing event, the types it may follow, the citing person, and the broker's append time, ms.

    shown: keyed hash of what the event says was shown before it, if it is a part of a stream.
    """

    event: Event
    follows: tuple[str, ...]
    user_token: str
    at: int
    shown: str | None = None


def cite(cited: Cited, check: Callable[..., PassBody]) -> tuple[list[dict[str, str]], Place | None]:
    """Findings: none if the pass is good for this event; else what is wrong with it. And whose pass it is."""
    event = cited.event
    text = event.pass_text
    if text is None:
        return [{"code": "no_pass", "where": "/pass"}], None
    try:
        body = check(
            text, now_ms=cited.at, use="cite", tenant=event.tenant, generation=event.generation_id
        )
    except PassError as error:
        return [{"code": "pass_invalid", "where": f"/pass {error.code}"}], None
    return list(_faults(cited, body)), (body.log, body.index)


def _faults(cited: Cited, body: PassBody) -> Iterator[dict[str, str]]:
    event = cited.event
    if body.event_type not in cited.follows or body.action != "release":
        yield {"code": "pass_invalid", "where": "/pass wrong_type"}
        return
    if event.type in SAME_PERSON and body.user != cited.user_token:
        yield {"code": "pass_invalid", "where": "/pass wrong_user"}
        return
    if event.type == SEGMENT:
        yield from _out_of_order(cited, body)
    if TYPES[event.type].gates and not named(event).issuperset(body.subjects):
        # Who was edited stays edited: a consent taken back since must be seen.
        yield {"code": "pass_invalid", "where": "/subjects"}
    name = "parents" if event.type == TRANSFORMED else "objects"
    for number, row in enumerate(_objects(event)):
        if not _holds(body, row):
            yield {"code": "pass_invalid", "where": f"/content/{name}/{number}"}


def _out_of_order(cited: Cited, body: PassBody) -> Iterator[dict[str, str]]:
    """A first part follows the request; any other the part before it, and says what that left shown."""
    event = cited.event
    index = event.generation["segment"]["index"]
    if index == 0:
        if body.event_type == SEGMENT:
            yield {"code": "pass_invalid", "where": "/pass wrong_type"}
        elif event.content.get("shown"):
            yield {"code": "pass_invalid", "where": "/content/shown"}
    elif body.event_type != SEGMENT or body.segment != index - 1:
        yield {"code": "pass_invalid", "where": "/generation/segment"}
    elif (
        body.shown is None
        or cited.shown is None
        or not hmac.compare_digest(body.shown, cited.shown)
    ):
        yield {"code": "pass_invalid", "where": "/content/shown"}


def named(event: Event) -> frozenset[str]:
    """Tokens of the persons an event names."""
    return frozenset(subject.token for subject in event.subjects)


def _objects(event: Event) -> list[dict[str, Any]]:
    """Objects cited: what was released before; of what was made of it, what it was made of."""
    if event.type == TRANSFORMED:
        return list(event.content.get("parents", ()))
    if event.type in NEW:
        return []
    if event.type == "content.delivered":
        return list(event.data.get("objects", ()))
    return list(event.content.get("objects", ()))


def _holds(body: PassBody, row: dict[str, Any]) -> bool:
    return bool(body.objects.get(row["name"]) == row["sha256"])
