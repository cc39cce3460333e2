"""Replay under another version of the feature library: the stored words searched anew, all else as recorded.

What moderation would have found is put in place of what it found; reviewers, templates and scorers stay as they
were. Who puts the version in force is not asked. Files are not looked at again, and words that are gone
(an object no longer there) are not re-checkable: neither counts as the same.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from synthgate.effects.objects import Objects
from synthgate.events import topics
from synthgate.events.facts import ControlRow, FeatureRow
from synthgate.events.passage import Passage
from synthgate.obligations.moderation import ModerationFacts
from synthgate.registries import Registries
from synthgate.step import Work
from synthgate.steps.moderation import ModerationDuty

_FOUND: Final = ("library", "hits", "found", "risks", "watched", "against_label", "unapproved")
"""Facts that the library alone says."""
_AT: Final = "1970-01-01T00:00:00Z"


class LibraryEmpty(Exception):
    """No entry of this version can be found: every text would be refused, which compares nothing."""


class OtherLibrary:
    """One version, made of these entries. ``objects``: labelled texts."""

    def __init__(self, rows: Iterable[FeatureRow], version: int, objects: Objects) -> None:
        """Raises LibraryEmpty."""
        self.version = version
        registries = Registries(topics.COPIES["moderation"])
        for offset, row in enumerate(rows):
            body = row.model_dump_json().encode()
            registries.apply("facts.features", 0, offset, None, body)
        active = registries.features.active(version)
        if all(row.kind in ("allow", "list") for row in active):
            raise LibraryEmpty(f"version {version} holds no entry that can be found")
        body_of = {"version": version, "agreed_by": "replay, again"}
        word = ControlRow(version=1, name="library", body=body_of, by="replay", at=_AT)
        registries.apply("control", 0, 0, b"library", word.model_dump_json().encode())
        self._duty = ModerationDuty(registries, _Still(), objects)

    def facts(self, passage: Passage, row: Mapping[str, Any]) -> ModerationFacts | str:
        """What moderation would decide on; or why nobody can say."""
        recorded = ModerationFacts.from_row(row["facts"])
        if recorded.files:
            return "files"
        work = Work(passage.origin.partition, row["gathered_at"])
        (found,) = asyncio.run(self._duty.gather([passage], work)).facts
        if found.parts != recorded.parts:
            return "words gone"
        return replace(recorded, **{name: getattr(found, name) for name in _FOUND})


class _Still:
    """Positions of a copy that follows nothing."""

    def positions(self, wanted: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """One row was read of each."""
        return {topic: [1] for topic in wanted}

    async def fresh(self, wanted: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """The same: nobody is asked."""
        return self.positions(wanted)
