"""Who has reviewed what an event holds, besides our own library: whose word counts, and for which files.

A file counts as looked at only by its hash: as named in the result of a reviewer whom the tenant lists for its
medium, by a person at the desk, or because it was released before under the pass the event cites.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from synthgate.effects.objects import TEXT_SUFFIX
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.events.review_facts import FileFact, NewsFact
from synthgate.events.types import TYPES
from synthgate.obligations.moderation import INPUT
from synthgate.registries import Registries
from synthgate.registries.control import Control
from synthgate.steps.citing import NEW

_RISK: Final = re.compile(r"A\.[1-5][a-i]")
_SAID: Final = ("pass", "review", "block")
_ANSWERED: Final = ("pass", "refuse")
_MAJOR: Final = {"image": "image", "audio": "audio", "video": "video", "model": "virtual_scene"}
"""Major media types and what we call them; anything else is ``other``."""
_TEXTS: Final = ("text/plain",)


class Said(NamedTuple):
    """What people and services of the platform said about an event; only those whose word counts.

    platform: the result it carries (pass | review | block). answer: to the hold it comes back from (pass |
    refuse). reviewer: who spoke last. risks: the ones they named. unheard: why an answer does not count.
    """

    platform: str | None = None
    answer: str | None = None
    reviewer: str | None = None
    risks: tuple[str, ...] = ()
    unheard: str | None = None


_NOTHING: Final = Said()


def said_of(passage: Passage, control: Control) -> Said:
    """A listed reviewer's result in the event, and a listed person's answer."""
    review = passage.event.review
    back = passage.reentry
    if review is None and (back is None or back.cause != "review"):
        return _NOTHING
    listed = control.reviewers(passage.event.tenant)
    platform = answer = reviewer = unheard = None
    named: object = ()
    if (
        isinstance(review, dict)
        and review.get("outcome") in _SAID
        and str(review.get("reviewer")) in listed
    ):
        platform, reviewer = review["outcome"], str(review["reviewer"])
        named = review.get("risks")
    if back is not None and back.cause == "review":
        who = back.evidence.get("reviewer")
        # A person's word comes back through a topic: it counts only from whom the tenant lists.
        if not isinstance(who, str) or who not in listed:
            unheard = "reviewer"
        elif back.evidence.get("outcome") not in _ANSWERED:
            unheard = "outcome"
        else:
            answer, reviewer = back.evidence["outcome"], who[:256]
            named = back.evidence.get("risks")
    return Said(platform, answer, reviewer, _risks(named), unheard)


def news_of(event: Event, registries: Registries) -> NewsFact | None:
    """Whose news the output is, if it is any: as the event says, and as the template is registered.

    A source permits only while it is listed at the event's own time.
    """
    said = event.generation.get("news")
    if not isinstance(said, dict):
        if event.template is None:
            return None
        row = registries.templates.get(event.tenant, event.template)
        return NewsFact("unsaid") if row is not None and row.news else None
    source = said.get("source")
    listed = None
    if said["kind"] == "repost" and isinstance(source, str):
        listed = registries.news_sources.version(source, event.time_ms)
    checked = said.get("verified_by") in registries.control.reviews(event.tenant, event.medium)
    return NewsFact(
        said["kind"], source, listed, verified=checked, fabricated=said.get("fabricated") is True
    )


def files_of(
    event: Event, said: Said, control: Control, parts: Sequence[str]
) -> Iterator[FileFact]:
    """Files the event names and the library has not read, and who has looked at them.

    parts: what the library has read: texts that are there or lie in our store are no files.
    """
    rows = event.content.get("objects")
    if not rows or not isinstance(rows, list):
        return
    kind = TYPES[event.type]
    released = bool(kind.follows) and event.type not in NEW
    texts_read = event.type != INPUT and any(
        part == "text" or part.startswith("object/") for part in parts
    )
    for number, row in enumerate(rows):
        if is_text(row):
            if not texts_read:
                yield FileFact(number, "text")
            continue
        medium = medium_of(row)
        seen = ["released"] if released else []
        seen += _looks(event, said, row, control.reviews(event.tenant, medium))
        yield FileFact(number, medium, tuple(seen))


def configured(
    event: Event,
    files: Sequence[FileFact],
    registries: Registries,
    scored: frozenset[str] = frozenset(),
    *,
    blind: bool = False,
) -> tuple[bool, bool]:
    """Whether the template is registered and enabled, and whether somebody reviews every medium concerned.

    scored: media a scorer is configured for. blind: there are known pictures we cannot look for.
    """
    if event.template is None:
        return False, False
    row = registries.templates.get(event.tenant, event.template)
    if row is None or row.status != "enabled":
        return False, False
    for medium in {event.medium, *(file.medium for file in files)}:
        if medium not in row.reviewed_media:
            return True, False
        if medium == "image" and blind:
            return True, False
        # The library reads texts and nothing else.
        somebody = medium == "text" or medium in scored
        if not somebody and not registries.control.reviews(event.tenant, medium):
            return True, False
    return True, True


def is_text(row: Mapping[str, Any]) -> bool:
    """Whether an object is a plain text, by type or by name: only the library's own reading lets it pass."""
    media_type = str(row.get("media_type")).partition(";")[0].strip().lower()
    return media_type in _TEXTS or str(row.get("name")).endswith(TEXT_SUFFIX)


def medium_of(row: Mapping[str, Any]) -> str:
    """The medium of an object, by its media type."""
    return _MAJOR.get(str(row.get("media_type")).partition("/")[0].strip().lower(), "other")


def _looks(
    event: Event, said: Said, row: Mapping[str, Any], reviewers: frozenset[str]
) -> Iterator[str]:
    review = event.review
    if said.platform is not None and review is not None and review["reviewer"] in reviewers:
        named, covers = review.get("objects"), review.get("covers")
        if isinstance(named, list) and isinstance(covers, list) and row["sha256"] in named:
            yield from dict.fromkeys(covers)
    if said.answer == "pass" and said.reviewer in reviewers:
        yield "person"


def _risks(named: object) -> tuple[str, ...]:
    """Risk codes among what somebody named; anything else might be content."""
    if not isinstance(named, list):
        return ()
    codes = [item for item in named if isinstance(item, str) and _RISK.fullmatch(item)]
    return tuple(dict.fromkeys(codes))
