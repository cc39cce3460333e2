"""The feature library in force, built beside the stream and put in place whole.

A large library takes seconds to build, so it is built in a thread while the one before goes on being searched;
every verdict names the version that was really searched. Without one before, the stage waits. Libraries
that were searched lately are kept, so that going back to one costs nothing.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from synthgate.events.facts import FeatureRow
from synthgate.library.library import Library, in_force
from synthgate.registries import UNREADABLE, Registries
from synthgate.step import Waiting

AT_ONCE_MAX: Final = 1_000
"""Entries up to which building takes milliseconds: done on the spot, so that a change counts at once."""
LOOK_EVERY_MS: Final = 1_000
"""How often a large library is looked at for changes of its own entries; its version is looked at always."""
KEPT: Final = 3


_TOLD_MAX: Final = 10
log = logging.getLogger(__name__)


class _Wanted(NamedTuple):
    """A version, and the one before it while what is new is only watched."""

    version: int
    before: int | None = None


class _Built(NamedTuple):
    wanted: _Wanted
    rows: tuple[FeatureRow, ...]
    library: Library

    def is_of(self, wanted: _Wanted, rows: Sequence[FeatureRow]) -> bool:
        """Whether nothing has changed since: the very same rows."""
        return (
            self.wanted == wanted
            and len(self.rows) == len(rows)
            and all(mine is other for mine, other in zip(self.rows, rows, strict=True))
        )


class ActiveLibrary:
    """Follows ``control`` and ``facts.features``."""

    def __init__(self, registries: Registries) -> None:
        self._registries = registries
        self._kept: list[_Built] = []
        self._seen: tuple[_Wanted, Sequence[int]] | None = None
        self._looked_ms = 0
        self._building: asyncio.Task[_Built] | None = None

    async def get(self, read: Mapping[str, Sequence[int]], now_ms: int) -> Library | None:
        """The library to search now; None if none was activated or it holds no entry.

        Raises:
            Waiting: nobody can read which library was activated.
        """
        row = self._registries.control.library()
        if row is None:
            return None
        if row is UNREADABLE:
            raise Waiting("control", "the row that activates the library cannot be read")
        wanted = _Wanted(row.version, row.before if now_ms < row.counts_from else None)
        if self._building is not None and self._building.done():
            self._keep(self._building.result())
            self._building = None
        seen = (wanted, tuple(read.get("facts.features", ())))
        other = not self._kept or self._kept[0].wanted != wanted
        if self._building is None and (
            other or (seen != self._seen and self._may_look_again(now_ms))
        ):
            self._looked_ms = now_ms
            if await self._follow(wanted, self._rows(wanted)):
                self._seen = seen
        library = self._kept[0].library
        return library if library.keywords else None

    def _may_look_again(self, now_ms: int) -> bool:
        small = len(self._kept[0].rows) <= AT_ONCE_MAX
        return small or now_ms - self._looked_ms >= LOOK_EVERY_MS

    def _rows(self, wanted: _Wanted) -> tuple[FeatureRow, ...]:
        """Entries in force; while a version is only watched those before it, and behind them what is new."""
        rows = self._registries.features.active(wanted.version)
        if wanted.before is None:
            return rows
        before = self._registries.features.active(wanted.before)
        known = {row.entry for row in before}
        # What lets words through does not before its time.
        new = (row for row in rows if row.entry not in known and row.kind not in ("allow", "list"))
        return (*before, *new)

    async def _follow(self, wanted: _Wanted, rows: tuple[FeatureRow, ...]) -> bool:
        """Put the library of these rows in place, or begin to build it; whether it is in place."""
        for built in self._kept:
            if built.is_of(wanted, rows):
                self._keep(built)
                return True
        if len(rows) <= AT_ONCE_MAX:
            self._keep(_build(wanted, rows))
            return True
        building = asyncio.create_task(asyncio.to_thread(_build, wanted, rows))
        if self._kept:
            self._building = building
            return False
        self._keep(await building)
        return True

    def _keep(self, built: _Built) -> None:
        """In front: what is searched."""
        if built.library.unusable and all(built is not one for one in self._kept):
            named = built.library.unusable[:_TOLD_MAX]
            log.warning(
                "library %s: %s entries cannot be searched for (an allowance of one person, no risk, or a value"
                " that says nothing): %s",
                built.library.version, len(built.library.unusable), ", ".join(named),
            )  # fmt: skip
        if built.library.alone and all(built is not one for one in self._kept):
            log.warning(
                "library %s: %s entries were approved by nobody else; what holds one is held for review: %s",
                built.library.version, len(built.library.alone),
                ", ".join(sorted(built.library.alone)[:_TOLD_MAX]),
            )  # fmt: skip
        if built.library.unbanked and all(built is not one for one in self._kept):
            log.warning(
                "library %s holds hashes of known pictures: install the extra `images`; until then no picture"
                " passes", built.library.version,
            )  # fmt: skip
        others = [one for one in self._kept if one is not built]
        self._kept = [built, *others][:KEPT]


def _build(wanted: _Wanted, rows: tuple[FeatureRow, ...]) -> _Built:
    """The library bears the number of the version that decides."""
    if wanted.before is None:
        return _Built(wanted, rows, Library.build(wanted.version, rows))
    before = wanted.before
    watched = [
        row
        if in_force(row, before) or row.state == "off"
        else row.model_copy(update={"state": "shadow"})
        for row in rows
    ]
    return _Built(wanted, rows, Library(before, watched))
