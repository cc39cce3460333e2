"""What permits a user, folded from events on their own key (DSP Art. 9, 14): ``registry.users``.

The set only grows: a fact is (source, event id, hash, event time, body); an id already there changes nothing
and other bytes under it are refused. "As of" goes by event time, so late arrival changes no past answer.
Of facts that say the same (type and value) the newest ``SAME_KEPT`` stay, and of one type the newest
``TYPE_KEPT``, which bounds the row.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple, Self

from synthgate.events.event import Event, time_ms
from synthgate.events.facts import UserFact, UserRow
from synthgate.registries.entries import RocksEntries
from synthgate.registries.table import Table

SAME_KEPT: Final = 16
TYPE_KEPT: Final = 100
"""Templates a user was told of, terms accepted: beyond this the oldest are asked for again."""
FOLDED: tuple[
    Literal["identity.verified", "terms.accepted", "consent.prompted", "account.flagged"], ...
] = ("identity.verified", "terms.accepted", "consent.prompted", "account.flagged")
"""Event types that are folded."""


class FactConflict(ValueError):
    """Other bytes came under the source and id of a fact already folded."""


class Verification(NamedTuple):
    """The verification the verdict rests on: which fact, by which method, from when to when (Unix ms).

    checker, level, evidence_ref: who checked, how strongly, where the proof lies. guardian: token of the
    guardian whose identity stands for a minor's.
    """

    source: str
    id: str
    method: str | None
    at: int
    expires_at: int | None
    checker: str | None = None
    level: str | None = None
    evidence_ref: str | None = None
    guardian: str | None = None

    def stands(self, as_of: int) -> bool:
        """Whether it was in force then."""
        return self.at <= as_of and (self.expires_at is None or as_of < self.expires_at)

    @classmethod
    def of(cls, fact: UserFact) -> Self:
        """From the folded fact."""
        return cls(
            fact.source, fact.id, fact.value, fact.at, fact.expires_at,
            fact.checker, fact.level, fact.evidence_ref, fact.guardian,
        )  # fmt: skip

    def row(self) -> dict[str, Any]:
        """As recorded."""
        return {
            "source": self.source,
            "id": self.id,
            "method": self.method,
            "at": self.at,
            "expires_at": self.expires_at,
            "checker": self.checker,
            "level": self.level,
            "evidence_ref": self.evidence_ref,
            "guardian": self.guardian,
        }


class UserPermits(NamedTuple):
    """What a user may build on at a time.

    verification: the newest one in force, or None; lapsed: there was one and it has expired.
    prompts: template to the newest moment (Unix ms) at which the user was told to inform the edited person
    and ask. terms: (version, hash of the text if told, moment) of what was accepted. nnid: a verification by
    the national network identity is in force. flagged_at: newest sign of fraud; it forbids, so it counts
    whatever ``as_of`` is.
    """

    verification: Verification | None = None
    age_band: str = "unknown"
    prompts: tuple[tuple[str, int], ...] = ()
    terms: tuple[tuple[str, str | None, int], ...] = ()
    lapsed: bool = False
    nnid: bool = False
    flagged_at: int | None = None

    def accepted_at(self, version: str, sha256: str) -> int | None:
        """Newest acceptance of these terms, Unix ms; one that tells a hash tells this text's."""
        texts = (None, sha256)
        newest = None
        for name, text, at in self.terms:
            if name == version and text in texts and (newest is None or at > newest):
                newest = at
        return newest


class Seen(NamedTuple):
    """Permits, and while they stay so: since <= as_of < until, Unix ms."""

    permits: UserPermits
    since: float
    until: float


_NOTHING: Final = UserPermits()


class Users(Table[UserRow]):
    """Permits by user. What was folded here counts at once, and is owed to the topic until it comes back."""

    topic = "registry.users"
    grows = True
    ours = True

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        super().__init__(store)
        self._folded: dict[str, UserRow] = {}

    def fold(self, event: Event, event_hash: str) -> UserRow | None:
        """Insert the fact an event states. Fold only events that pass.

        Returns the row to publish on ``registry.users``, or None if the topic holds the fact already. Until
        it comes back from the topic the same event gives a row again, so a batch may be tried again.

        Raises:
            FactConflict: other bytes under this source and id.
        """
        fact = _fact(event, event_hash)
        if fact is None or event.user is None:
            return None
        key = f"{event.tenant}/{event.user}"
        stored = self.permitted(key)
        folded = self._folded.get(key)
        for row in (stored, folded):
            for known in () if row is None else row.facts:
                if (known.source, known.id) == (fact.source, fact.id) and not _same(known, fact):
                    raise FactConflict(f"{fact.type} {fact.id} was folded with other bytes")
        if _holds(stored, fact):
            return None
        version = max((row.version for row in (stored, folded) if row is not None), default=0)
        if folded is not None and _holds(folded, fact):
            return self.merge(folded, stored) if stored is not None else folded
        rows = [row for row in (stored, folded) if row is not None]
        facts = _kept([fact, *(held for row in rows for held in row.facts)])
        if fact not in facts:
            return None
        row = UserRow(version=version + 1, tenant=event.tenant, user=event.user, facts=facts)
        self._folded[key] = row
        return row

    def permits(self, tenant: str, user: str, as_of: int) -> UserPermits:
        """What the user may build on at ``as_of`` (Unix ms)."""
        key = f"{tenant}/{user}"
        folded = self._folded.get(key) if self._folded else None
        if folded is not None:
            stored = self.permitted(key)
            row = folded if stored is None else self.merge(stored, folded)
            return _permits(row.facts, as_of)
        if self._broken and self._is_broken(key):
            return _NOTHING
        entry = self._entries.get(key)
        if entry is None:
            return _NOTHING
        seen: Seen | None = entry.seen
        if seen is None or not seen.since <= as_of < seen.until:
            seen = entry.seen = _seen(entry.row.facts, as_of)
        return seen.permits

    def strictness(self, row: UserRow) -> tuple[Any, ...]:
        """Rows are united, none is stricter."""
        return ()

    def merge(self, held: UserRow, new: UserRow) -> UserRow:
        """Both rows' facts."""
        if held == new:
            return held
        facts = _kept([*held.facts, *new.facts])
        version = max(held.version, new.version)
        return held.model_copy(update={"version": version, "facts": facts})

    def apply(self, partition: int, offset: int, key: bytes | None, value: bytes | None) -> None:
        """Take in one record; what it confirms is owed no longer."""
        super().apply(partition, offset, key, value)
        if not self._folded or key is None:
            return
        name = key.decode(errors="surrogateescape")
        folded = self._folded.get(name)
        if folded is None:
            return
        stored = self.permitted(name)
        confirmed = all(_holds(stored, fact) for fact in folded.facts)
        if value is None or confirmed:
            del self._folded[name]


def _permits(facts: Sequence[UserFact], as_of: int) -> UserPermits:
    """What facts, oldest first, permit at a time: the newest of a kind stays."""
    verification, age_band, lapsed, nnid, flagged_at = None, "unknown", False, False, None
    prompts: dict[str, int] = {}
    terms: list[tuple[str, str | None, int]] = []
    for fact in facts:
        kind = fact.type
        if kind == "account.flagged":
            flagged_at = fact.at
        elif fact.at > as_of:
            continue
        elif kind == "identity.verified":
            if fact.expires_at is None or as_of < fact.expires_at:
                verification, age_band = fact, fact.age_band
                nnid = nnid or fact.value == "nnid"
            else:
                lapsed = True
        elif fact.value is not None:
            if kind == "consent.prompted":
                prompts[fact.value] = fact.at
            else:
                terms.append((fact.value, fact.sha256, fact.at))
    held = None if verification is None else Verification.of(verification)
    lapsed = lapsed and held is None
    told = tuple(sorted(prompts.items()))
    return UserPermits(held, age_band, told, tuple(terms), lapsed, nnid, flagged_at)


def _seen(facts: Sequence[UserFact], as_of: int) -> Seen:
    """The permits at a time, and the moments (Unix ms) between which they stay so."""
    moments = [fact.at for fact in facts]
    moments += [fact.expires_at for fact in facts if fact.expires_at is not None]
    since = max((moment for moment in moments if moment <= as_of), default=-math.inf)
    until = min((moment for moment in moments if moment > as_of), default=math.inf)
    return Seen(_permits(facts, as_of), since, until)


def _holds(row: UserRow | None, fact: UserFact) -> bool:
    return row is not None and any(_same(held, fact) for held in row.facts)


def _same(one: UserFact, two: UserFact) -> bool:
    """The same event: an older release may have folded fewer members of it."""
    return one.type == two.type and _order(one) == _order(two)


def _fact(event: Event, event_hash: str) -> UserFact | None:
    data = event.data
    kind = next((known for known in FOLDED if known == event.type), None)
    told: dict[str, Any] = {}
    if kind is None:
        return None
    if kind == "identity.verified":
        expires = data.get("expires_at")
        told = {
            "value": data["method"],
            "expires_at": None if expires is None else time_ms(expires),
            "age_band": data.get("age_band", "unknown"),
        }
        told |= {name: data.get(name) for name in ("checker", "level", "evidence_ref", "guardian")}
    elif kind == "terms.accepted":
        told = {"value": data["terms_version"], "sha256": data.get("terms_sha256")}
    elif kind == "consent.prompted":
        told = {"value": data["template"]}
    return UserFact(
        source=event.source, id=event.id, hash=event_hash, at=event.time_ms, type=kind, **told
    )


def _order(fact: UserFact) -> tuple[Any, ...]:
    return (fact.at, fact.source, fact.id, fact.hash)


def _kept(facts: list[UserFact]) -> list[UserFact]:
    """The set, oldest first: one fact per source and id, the newest of those that say the same."""
    by_id: dict[tuple[str, str], UserFact] = {}
    for fact in facts:
        held = by_id.get((fact.source, fact.id))
        # Two rows can only disagree on an id if something else wrote here; the later time permits less.
        if held is None or _order(held) < _order(fact):
            by_id[fact.source, fact.id] = fact
    same: defaultdict[tuple[str, str | None], list[UserFact]] = defaultdict(list)
    for fact in sorted(by_id.values(), key=_order):
        same[fact.type, fact.value].append(fact)
    kept: defaultdict[str, list[UserFact]] = defaultdict(list)
    for fact in sorted(
        (fact for group in same.values() for fact in group[-SAME_KEPT:]), key=_order
    ):
        kept[fact.type].append(fact)
    return sorted((fact for group in kept.values() for fact in group[-TYPE_KEPT:]), key=_order)
