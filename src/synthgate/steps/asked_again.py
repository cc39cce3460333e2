"""Facts of identity and retention that come of the registries, asked of them again; all others as recorded.

What is quoted: of identity what the user's own events told (``registry.users`` folds them, some of the same
batch, which no position shows) and what the door found; of retention what the duties before said, what the log
and the object store held, and that a pass or a stream was taken back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from synthgate.events.passage import Passage
from synthgate.law import Law
from synthgate.obligations.identity import IdentityFacts
from synthgate.obligations.retention import RetentionFacts
from synthgate.registries import UNREADABLE, Registries
from synthgate.steps.stale import stale_now

IDENTITY_ASKS: Final = ("facts.accounts", "standings", "facts.switches", "control")
"""For what is held against the user, functions that are off, and the terms in force."""
_OF_THE_LOG: Final = frozenset(
    {("recalled", "pass"), ("recalled", "generation"), ("label_missing", "/generation/segment")}
)
"""Reasons not to let out that retention knows of its log and notes, of no registry."""


def identity_again(
    recorded: IdentityFacts, passage: Passage, registries: Registries, now_ms: int
) -> IdentityFacts:
    """What identity would decide on."""
    event = passage.event
    if event.user is None:
        return recorded
    off = registries.switches.off_for(event)
    terms = registries.control.terms(event.tenant, passage.as_of)
    return recorded._replace(
        standing=registries.standing(event.tenant, event.user, min(passage.as_of, now_ms)),
        switches=tuple((name, getattr(row, "version", None)) for name, row in off),
        terms=None if terms is UNREADABLE else terms,
    )


def retention_again(
    recorded: RetentionFacts, passage: Passage, registries: Registries, law: Law, now_ms: int
) -> RetentionFacts:
    """What retention would decide on: what forbids of the registries' word, then what the log knew."""
    found = stale_now(passage, registries, law, now_ms)
    quoted = list(recorded.stale)
    for one in found:
        if one in quoted:
            quoted.remove(one)
    return replace(recorded, stale=(*found, *(one for one in quoted if one in _OF_THE_LOG)))


def ahead(recorded: Mapping[str, Any], again: Mapping[str, Any], later: Iterable[bytes]) -> bool:
    """Whether what was recorded may rest on a standing that was not on its topic yet: nobody can say.

    Where incidents decides in the same process, what it decided counts there at once. later: the user's rows
    that came to the topic behind the recorded position.
    """
    versions = [orjson.loads(row).get("version") for row in later]
    if "standing" not in recorded:
        more = [one for one in recorded["stale"] if one not in again["stale"]]
        less = [one for one in again["stale"] if one not in recorded["stale"]]
        return bool(versions) and more == [["stale_account", "user"]] and not less
    told = dict(recorded["standing"]["versions"]).get("standings")
    return told is not None and told in versions
