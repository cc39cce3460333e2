"""What the operator activates: ``control``, key name (see ``ControlRow`` for the names and bodies)."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from synthgate.events import canary
from synthgate.events.event import time_ms
from synthgate.events.facts import COUNT_MAX, ControlRow
from synthgate.registries import interfaces, seals, terms, withdrawals
from synthgate.registries.entries import RocksEntries
from synthgate.registries.table import UNREADABLE, Table, Unreadable
from synthgate.registries.terms import CANARYS, Clauses, Terms

_PAUSE = re.compile(r"pause/[a-z]+/[0-9]+")
_LOSS = re.compile(r"loss/([A-Za-z0-9._-]+)/([0-9]+)/([0-9]+)")
_OBSERVE: Final = "observe/"
_PENALTIES: Final = "penalties/"
IMPORT: Final = "import/"
"""Before the name of an import of lists: told before its first entry and behind its last."""


class InForce(NamedTuple):
    """A library version in force; until ``counts_from`` (Unix ms) what ``before`` lacks is only watched.

    seal, sealed_before: what these versions were when they were put in force; None: nobody said.
    """

    version: int
    before: int | None = None
    counts_from: int = 0
    seal: seals.Seal | None = None
    sealed_before: seals.Seal | None = None


class Loss(NamedTuple):
    """An unreadable range of a source that the operator accepted as lost: from_offset <= offset < to_offset."""

    topic: str
    partition: int
    from_offset: int
    to_offset: int
    by: str
    reason: str


class Control(Table[ControlRow]):
    """Law and library in force, reviewers by tenant, accepted losses, pauses."""

    topic = "control"

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        super().__init__(store)
        self._terms: dict[str, set[str]] = {}
        self._interfaces: dict[tuple[str, str], set[str]] = {}
        self._known: dict[str, tuple[Terms, ...] | Unreadable] = {}
        self._taken_back: withdrawals.TakenBack | None = None

    def apply(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; what was made of the rows before it is made again."""
        self._known.clear()
        self._taken_back = None
        super().apply(partition, offset, key, value)

    def terms(self, tenant: str, as_of: int) -> Terms | Unreadable | None:
        """The terms in force at a time (Unix ms): the last to take effect.

        None: none is; UNREADABLE: nobody can read one of the tenant's versions, so nobody knows.
        """
        if tenant == canary.TENANT:
            return CANARYS
        known = self._known.get(tenant)
        if known is None:
            known = self._known[tenant] = self._versions(tenant)
        if isinstance(known, Unreadable):
            return known
        for one in known:
            if one.effective_at <= as_of:
                return one
        return None

    def clauses(self, tenant: str, as_of: int) -> Clauses | None:
        """The clauses of the terms in force at a time (Unix ms); None if nobody can say which those are."""
        found = self.terms(tenant, as_of)
        if found is None or isinstance(found, Unreadable):
            return None
        row = self.permitted(f"{terms.PREFIX}{tenant}/{found.version}")
        return None if row is None else terms.clauses_of(row)

    def _versions(self, tenant: str) -> tuple[Terms, ...] | Unreadable:
        """A tenant's terms, the last to take effect first."""
        rows = [self.permitted(key) for key in self._terms.get(tenant, ())]
        known = [terms.terms_of(row) for row in rows if row is not None]
        if len(known) < len(rows):
            return UNREADABLE
        return tuple(sorted(known, key=lambda t: (t.effective_at, t.version), reverse=True))

    def added(self, key: str) -> None:
        """Index versions of terms by tenant, of contracts by surface."""
        surface = interfaces.surface_of(key)
        if surface is not None:
            self._interfaces.setdefault(surface, set()).add(key)
        if key.startswith(terms.PREFIX):
            tenant = key.removeprefix(terms.PREFIX).partition("/")[0]
            self._terms.setdefault(tenant, set()).add(key)

    def removed(self, key: str) -> None:
        """Drop a version from the index."""
        surface = interfaces.surface_of(key)
        if surface is not None:
            self._interfaces.get(surface, set()).discard(key)
        if key.startswith(terms.PREFIX):
            self._terms.get(key.removeprefix(terms.PREFIX).partition("/")[0], set()).discard(key)

    def interface(
        self, tenant: str, surface: str, as_of: int, shows: str = interfaces.LABEL
    ) -> interfaces.Contract | str:
        """The interface contract of a kind that counts at a time (Unix ms), or the code of why none does.

        One that nobody can read does not count.
        """
        rows = map(self.permitted, self._interfaces.get((tenant, surface), ()))
        known = (interfaces.contract_of(row) for row in rows if row is not None)
        return interfaces.in_force([one for one in known if one.shows == shows], as_of)

    def library_version(self) -> int | Unreadable | None:
        """The feature library in force; None: none was activated; UNREADABLE: wait until mended."""
        held = self.library()
        return held.version if isinstance(held, InForce) else held

    def library(self) -> InForce | Unreadable | None:
        """The same, with how long what is new in it is only watched."""
        row = self.held("library")
        if row is None or row is UNREADABLE:
            return row
        before, since = row.body.get("before"), row.body.get("counts_from")
        version = row.body["version"]
        assert isinstance(version, int)  # readable() has seen to it
        seal = seals.read(row.body.get("seal"))
        if not isinstance(before, int) or not isinstance(since, str):
            return InForce(version, seal=seal)
        sealed_before = seals.read(row.body.get("sealed_before"))
        return InForce(version, before, time_ms(since), seal, sealed_before)

    def seal(self, version: int) -> seals.Seal | None:
        """What a version was when it was put in force; None: it never was, or nobody can say."""
        row, held = self.permitted(f"{seals.PREFIX}{version}"), self.library()
        if row is not None:
            return seals.read(row.body)
        return held.seal if isinstance(held, InForce) and held.version == version else None

    def library_agreed(self) -> bool:
        """Whether two people put the library in force (DSP 10 ¶2)."""
        row = self.permitted("library")
        other = None if row is None else row.body.get("agreed_by")
        return row is not None and isinstance(other, str) and bool(other) and other != row.by

    def law_hash(self) -> str | Unreadable | None:
        """Hash of the law rows in force; None: the worker's own; UNREADABLE: wait until mended."""
        row = self.held("law")
        return row if row is None or row is UNREADABLE else str(row.body["hash"])

    def reviewers(self, tenant: str) -> frozenset[str]:
        """Reviewers whose results count for a tenant; none if nothing can be read."""
        row = self.permitted(f"reviewers/{tenant}")
        listed = None if row is None else row.body["reviewers"]
        return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()

    def reviews(self, tenant: str, medium: str) -> frozenset[str]:
        """Of a tenant's listed reviewers, those who may speak of a medium: all not bound to others."""
        row = self.permitted(f"reviewers/{tenant}")
        bound = {} if row is None else row.body.get("media") or {}
        assert isinstance(bound, dict)  # readable() has seen to it
        return frozenset(
            name for name in self.reviewers(tenant) if medium in bound.get(name, (medium,))
        )

    def paused(self, duty: str, partition: int) -> bool:
        """Whether an operator has paused a duty there; so long as nobody can read the row, it is."""
        row = self.held(f"pause/{duty}/{partition}")
        return row is UNREADABLE or (row is not None and row.body["paused"] is True)

    def penalties_paused(self, tenant: str) -> bool:
        """Whether penalties are paused for a tenant, or for all: a new library may be at fault."""
        rows = (self.permitted(f"{_PENALTIES}{name}") for name in (tenant, "*"))
        return any(row is not None and row.body["paused"] is True for row in rows)

    def taken_back(self) -> withdrawals.TakenBack:
        """Library versions rolled back, guards let go."""
        if self._taken_back is None:
            self._taken_back = withdrawals.taken_back(self.rows())
        return self._taken_back

    def unfinished_import(self, version: int) -> str | None:
        """The lists of an import that was begun, not finished, and concerns a version; None if none is."""
        for row in self.rows():
            if row.name.startswith(IMPORT) and row.body.get("done") is not True:
                first = row.body.get("from_version")
                if not isinstance(first, int) or first <= version:
                    lists = row.body.get("lists")
                    return ", ".join(map(str, lists)) if isinstance(lists, list) else row.name
        return None

    def observe(self, tenant: str) -> tuple[frozenset[str], int]:
        """Duties observed only, and for how many percent of a tenant's users; none if unreadable."""
        row = self.permitted(f"{_OBSERVE}{tenant}")
        if row is None:
            return frozenset(), 0
        duties, percent = row.body["duties"], row.body["percent"]
        named = frozenset(map(str, duties)) if isinstance(duties, list) else frozenset[str]()
        return named, percent if isinstance(percent, int) else 0

    def losses(self, topic: str, partition: int) -> tuple[Loss, ...]:
        """Accepted losses of one source partition, in order."""
        return tuple(sorted(loss for loss in self._losses() if loss[:2] == (topic, partition)))

    def strictness(self, row: ControlRow) -> tuple[Any, ...]:
        """Nothing here is stricter than another; the later row by its own clock stands."""
        return (row.at,)

    def readable(self, row: ControlRow) -> bool:
        """The body is what its name demands."""
        check = _READABLE.get("".join(row.name.partition("/")[:2]))
        return check is None or check(row)

    def _losses(self) -> list[Loss]:
        found = []
        for row in self.rows():
            named = _LOSS.fullmatch(row.name)
            to = row.body.get("to")
            if named and isinstance(to, int):
                topic, partition, start = named.groups()
                reason = str(row.body.get("reason", ""))
                found.append(
                    Loss(
                        topic,
                        int(partition),
                        int(start),
                        to,
                        str(row.body.get("by", row.by)),
                        reason,
                    )
                )
        return found


def _readable_shadow(body: dict[str, object]) -> bool:
    if any(name in body and seals.read(body[name]) is None for name in ("seal", "sealed_before")):
        return False
    before, since = body.get("before"), body.get("counts_from")
    if before is None and since is None:
        return True
    try:
        return _counts(before) and isinstance(since, str) and time_ms(since) >= 0
    except ValueError:
        return False


def _names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _readable_media(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_names, value.values())))


def _counts(value: object) -> bool:
    return type(value) is int and 0 <= value <= COUNT_MAX


def _readable_observe(row: ControlRow) -> bool:
    duties, percent = row.body.get("duties"), row.body.get("percent")
    return isinstance(duties, list) and _counts(percent) and int(str(percent)) <= 100


def _readable_loss(row: ControlRow) -> bool:
    return _LOSS.fullmatch(row.name) is not None and _counts(row.body.get("to"))


def _readable_pause(row: ControlRow) -> bool:
    return _PAUSE.fullmatch(row.name) is not None and type(row.body.get("paused")) is bool


_READABLE: Mapping[str, Callable[[ControlRow], bool]] = {
    "library": lambda row: _counts(row.body.get("version")) and _readable_shadow(row.body),
    seals.PREFIX: lambda row: seals.read(row.body) is not None,
    "law": lambda row: isinstance(row.body.get("hash"), str),
    "reviewers/": lambda row: (
        _names(row.body.get("reviewers")) and _readable_media(row.body.get("media"))
    ),
    terms.PREFIX: terms.readable,
    interfaces.PREFIX: interfaces.readable,
    _OBSERVE: _readable_observe,
    "loss/": _readable_loss,
    _PENALTIES: lambda row: type(row.body.get("paused")) is bool,
    "pause/": _readable_pause,
    withdrawals.GUARD: withdrawals.readable,
    withdrawals.ROLLBACK: withdrawals.readable,
}
"""By the first part of a row's name, its stroke included."""
