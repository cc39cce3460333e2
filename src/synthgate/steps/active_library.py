"""The feature library in force, built beside the stream and put in place whole.

A large library takes seconds to build, so it is built in a thread while the one before goes on being searched;
every verdict names the version that was really searched. Without one before, the stage waits. Libraries
that were searched lately are kept, so that going back to one costs nothing.

A sealed version (``registries/seals.py``) is built once and never changes. One whose entries are not those it
was sealed with is not searched: the stage waits, unless it has built it while they were. A version that was put
in force without a seal, by an earlier release, follows its entries.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from synthgate.events.facts import FeatureRow
from synthgate.library.entries import two_people
from synthgate.library.library import AGAINST_LABEL, Library
from synthgate.registries import UNREADABLE, Registries, seals
from synthgate.registries.features import Rows
from synthgate.step import Waiting

AT_ONCE_MAX: Final = 1_000
"""Entries up to which building takes milliseconds: done on the spot, so that a change counts at once."""
LOOK_EVERY_MS: Final = 1_000
"""How often a large library is looked at for changes of its own entries; its version is looked at always."""
KEPT: Final = 3
_TOLD_MAX: Final = 10
_SEARCHED: Final = ("kind", "value", "list", "gap", "distance")
_NOT_AS_SEALED: Final = (
    "an entry of library {}, or of the one before it, was overwritten or erased since it was put in force:"
    " `synthgate library activate` another"
)
log = logging.getLogger(__name__)


class _Wanted(NamedTuple):
    """A version, and the one before it while what is new is only watched; what they were sealed as."""

    version: int
    before: int | None = None
    seal: seals.Seal | None = None
    sealed_before: seals.Seal | None = None

    @property
    def sealed(self) -> bool:
        """Whether nothing that is sent can change it."""
        return self.seal is not None and (self.before is None or self.sealed_before is not None)


class _Found(NamedTuple):
    """What the entries of a version, and of the one before it, may be: the rows its seal fits are."""

    rows: tuple[Rows, ...]
    before: tuple[Rows, ...] = ()

    def __len__(self) -> int:
        return len(self.rows[0]) + sum(map(len, self.before[:1]))

    def same(self, other: "_Found") -> bool:
        """The very same rows."""
        mine, others = (*self.rows, *self.before), (*other.rows, *other.before)
        return [*map(len, mine)] == [*map(len, others)] and all(
            one is two
            for rows, more in zip(mine, others, strict=True)
            for one, two in zip(rows, more, strict=True)
        )


class _Built(NamedTuple):
    """library: None where the entries are not what was put in force."""

    wanted: _Wanted
    found: _Found
    library: Library | None

    def is_of(self, wanted: _Wanted, found: _Found) -> bool:
        """Whether nothing has changed since."""
        return self.wanted == wanted and self.found.same(found)


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
        watched = now_ms < row.counts_from
        wanted = _Wanted(
            row.version, row.before if watched else None, row.seal,
            row.sealed_before if watched else None,
        )  # fmt: skip
        if self._building is not None and self._building.done():
            self._keep(self._building.result())
            self._building = None
        seen = (wanted, tuple(read.get("facts.features", ())))
        if self._building is None and self._to_look(wanted, seen, now_ms):
            self._looked_ms = now_ms
            if await self._follow(wanted, self._find(wanted)):
                self._seen = seen
        library = self._kept[0].library if self._kept else None
        if library is None:
            raise Waiting("registry:facts.features", _NOT_AS_SEALED.format(row.version))
        return library if library.keywords else None

    def _to_look(self, wanted: _Wanted, seen: tuple[_Wanted, Sequence[int]], now_ms: int) -> bool:
        front = self._kept[0] if self._kept else None
        if front is None or front.wanted != wanted or front.library is None:
            return True
        if wanted.sealed or seen == self._seen:
            return False
        return len(front.found) <= AT_ONCE_MAX or now_ms - self._looked_ms >= LOOK_EVERY_MS

    def _find(self, wanted: _Wanted) -> _Found:
        rows = self._candidates(wanted.version, wanted.seal)
        if wanted.before is None:
            return _Found(rows)
        return _Found(rows, self._candidates(wanted.before, wanted.sealed_before))

    def _candidates(self, version: int, seal: seals.Seal | None) -> tuple[Rows, ...]:
        back = self._registries.control.taken_back().rollbacks
        if seal is None:
            return (self._registries.features.active(version, back),)
        return self._registries.features.sealed(version, seal, back)

    async def _follow(self, wanted: _Wanted, found: _Found) -> bool:
        """Put the library of these rows in place, or begin to build it; whether it is in place."""
        for built in self._kept:
            known = wanted.sealed and built.wanted == wanted and built.library is not None
            if known or built.is_of(wanted, found):
                self._keep(built)
                return True
        if len(found) <= AT_ONCE_MAX:
            self._keep(_build(wanted, found))
            return True
        building = asyncio.create_task(asyncio.to_thread(_build, wanted, found))
        if self._kept:
            self._building = building
            return False
        self._keep(await building)
        return True

    def _keep(self, built: _Built) -> None:
        """In front: what is searched."""
        if all(built is not one for one in self._kept):
            _tell(built)
        others = [one for one in self._kept if one is not built and one.library is not None]
        self._kept = [built, *others][:KEPT]


def _tell(built: _Built) -> None:
    """What a person should know of a library that was built."""
    library = built.library
    if library is None:
        log.warning("%s", _NOT_AS_SEALED.format(built.wanted.version))
        return
    if library.unusable:
        log.warning(
            "library %s: %s entries cannot be searched for (an allowance of one person, no risk, or a value"
            " that says nothing): %s",
            library.version, len(library.unusable), ", ".join(library.unusable[:_TOLD_MAX]),
        )  # fmt: skip
    if library.alone:
        log.warning(
            "library %s: %s entries were approved by nobody else; what holds one is held for review: %s",
            library.version, len(library.alone), ", ".join(sorted(library.alone)[:_TOLD_MAX]),
        )  # fmt: skip
    if library.unbanked:
        log.warning(
            "library %s holds hashes of known pictures: install the extra `images`; until then no picture"
            " passes", library.version,
        )  # fmt: skip


def _build(wanted: _Wanted, found: _Found) -> _Built:
    """The library bears the number of the version that decides."""
    rows = _as_sealed(wanted.seal, found.rows)
    if rows is None:
        return _Built(wanted, found, None)
    if wanted.before is None:
        return _Built(wanted, found, Library.build(wanted.version, rows))
    before = _as_sealed(wanted.sealed_before, found.before)
    if before is None:
        return _Built(wanted, found, None)
    return _Built(wanted, found, Library(wanted.before, (*before, *_watched(rows, before))))


def _as_sealed(seal: seals.Seal | None, found: tuple[Rows, ...]) -> Rows | None:
    return found[0] if seal is None else seals.matching(seal, found)


def _watched(rows: Rows, before: Rows) -> Iterator[FeatureRow]:
    """What is new, or finds something else than it did. What lets words through does not before its time."""
    known = {row.entry: row for row in before}
    for row in rows:
        was = known.get(row.entry)
        if row.kind in ("allow", "list") or (was is not None and not _to_watch(row, was)):
            continue
        yield row if row.state == "off" else row.model_copy(update={"state": "shadow"})


def _to_watch(row: FeatureRow, was: FeatureRow) -> bool:
    """Beside the row before it: what is said of an entry as a whole is that row's to say."""
    same = all(getattr(row, name) == getattr(was, name) for name in _SEARCHED)
    return not same and two_people(row) and AGAINST_LABEL not in (row.legal_basis, row.criteria)
