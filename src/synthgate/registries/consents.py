"""Separate consents of edited persons (DSP Art. 14; PIPL Art. 29): ``facts.consents``.

Key tenant/subject/grant. A change of purpose or scope is a new consent and takes a new grant id (PIPL Art. 14
para 2) that may name the grants it supersedes; a new version of a grant corrects its row and replaces it.
A refusal is a row too: it permits nothing, and starts the time in which the person is not asked again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple, Self

from synthgate.events.event import Event, time_ms
from synthgate.events.facts import PROOFS, ConsentRow
from synthgate.registries.entries import RocksEntries
from synthgate.registries.revocations import Revocations
from synthgate.registries.table import Table, until_ms
from synthgate.registries.templates import TemplateSeen

REFUSALS_KEPT: Final = 16
"""Refusals of one person recorded with a verdict, the newest."""
CHARACTERS_KEPT: Final = 256
"""A longer list of names is recorded only as far as an event asks for it."""


class Consents(Table[ConsentRow]):
    """Grants by the person who gave them. What cannot be read gives nothing."""

    topic = "facts.consents"
    grows = True

    def __init__(self, store: RocksEntries[Any] | None = None) -> None:
        super().__init__(store)
        self._by_subject: dict[str, tuple[str, ...]] = {}

    def grants(self, tenant: str, subject: str) -> tuple[ConsentRow, ...]:
        """Every answer of one person, refusals too, newest first."""
        person = f"{tenant}/{subject}"
        keys: Iterable[str] = self._by_subject.get(person, ())
        if self._store is not None:
            keys = [key for key, _ in self._store.under(f"{person}/")]
        rows = [row for key in keys if (row := self.permitted(key)) is not None]
        if len(rows) > 1:
            rows.sort(key=lambda row: (-until_ms(row.granted_at), row.grant))
        return tuple(rows)

    def answers(self, tenant: str, subject: str) -> "Answers":
        """What one person said when asked: grants with those superseded, and refusals."""
        rows = self.grants(tenant, subject)
        if not rows:
            return _NO_ANSWERS
        given = tuple(row for row in rows if row.answer == "granted")
        gone = frozenset(name for row in given for name in row.supersedes)
        refused = tuple(time_ms(row.granted_at) for row in rows if row.answer == "refused")
        return Answers(given, gone, refused[:REFUSALS_KEPT])

    def strictness(self, row: ConsentRow) -> tuple[Any, ...]:
        """A refusal; then narrower: not for the public, for one user, few purposes, soon over, given late."""
        return (
            row.answer == "refused",
            not row.publish,
            row.granted_to is not None,
            -len(row.purposes),
            -len(row.biometric),
            row.templates is not None,
            row.models is not None,
            row.classes is not None,
            row.territories is not None,
            -len(row.recipients),
            -until_ms(row.expires_at),
            until_ms(row.granted_at),
        )

    def added(self, key: str) -> None:
        """Index the grant by its subject; a store finds it by the beginning of its key."""
        if self._store is not None:
            return
        person = key.rpartition("/")[0]
        keys = self._by_subject.get(person, ())
        if key not in keys:
            self._by_subject[person] = (*keys, key)

    def removed(self, key: str) -> None:
        """Drop the grant from the index."""
        person = key.rpartition("/")[0]
        keys = tuple(held for held in self._by_subject.get(person, ()) if held != key)
        if keys:
            self._by_subject[person] = keys
        else:
            self._by_subject.pop(person, None)


class Use(NamedTuple):
    """What a grant must cover: kinds of edit, purpose, template, and whether the public sees it.

    ds_class: technology class of the template; model, territory: as the event says, None if it does not.
    """

    edits: tuple[str, ...]
    purpose: str
    template: str | None
    publish: bool
    ds_class: str | None = None
    model: str | None = None
    territory: str | None = None

    @classmethod
    def of(cls, event: Event, edits: tuple[str, ...], template: TemplateSeen | None) -> Self:
        """What an event with these edits asks for."""
        ds_class = None if template is None else template.ds_class
        return cls(
            edits, event.purpose, event.template, event.publish, ds_class, event.model, event.territory
        )  # fmt: skip


class GrantSeen(NamedTuple):
    """One grant as a verdict records it; no user in it. Times in Unix ms.

    guardian: a named guardian gave it. for_user: granted to anyone, or to the user who asks.
    revoked: taken back, or nobody can read whether it was. superseded: another grant of the person says so.
    notice: hash of the notice it was given on. recipients: processors of the template the person was told of.
    proofs: what of the record shows that the consent was free and informed. by_subject: nobody had asked.
    """

    subject: str
    grant: str
    version: int
    guardian: bool
    age_band: str
    biometric: tuple[str, ...]
    purposes: tuple[str, ...]
    templates: tuple[str, ...] | None
    publish: bool
    for_user: bool
    granted_at: int
    expires_at: int | None
    revoked: bool
    superseded: bool = False
    notice: str = ""
    recipients: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    by_subject: bool = False
    models: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None
    territories: tuple[str, ...] | None = None

    @classmethod
    def of(
        cls,
        row: ConsentRow,
        event: Event,
        *,
        revoked: bool,
        superseded: bool = False,
        processors: Iterable[str] = (),
    ) -> Self:
        """A row of the registry, as this event's user meets it; ``processors``: those of the template."""
        return cls(  # by place: naming them costs as much as looking them up
            row.subject,
            row.grant,
            row.version,
            row.grantor == "guardian" and row.guardian is not None,
            row.age_band,
            tuple(row.biometric),
            _cut(row.purposes, event.purpose),
            _cut_any(row.templates, event.template),
            row.publish,
            row.granted_to is None or row.granted_to == event.user,
            time_ms(row.granted_at),
            None if row.expires_at is None else time_ms(row.expires_at),
            revoked,
            superseded,
            row.notice_sha256,
            tuple([name for name in processors if name in row.recipients]),
            tuple([name for name in PROOFS if getattr(row, name)]),
            row.by_subject,
            _cut_any(row.models, event.model),
            None if row.classes is None else tuple(row.classes),
            _cut_any(row.territories, event.territory),
        )

    def covers(self, use: Use) -> bool:
        """Whether the person agreed to all of this use (time, age and revocation apart)."""
        return (
            all(map(self.biometric.__contains__, use.edits))
            and use.purpose in self.purposes
            and (self.templates is None or use.template in self.templates)
            and (self.models is None or use.model in self.models)
            and (self.classes is None or use.ds_class in self.classes)
            and (self.territories is None or use.territory in self.territories)
            and (self.publish or not use.publish)
            and self.for_user
        )

    def row(self) -> dict[str, Any]:
        """As recorded."""
        row = self._asdict()
        for name, value in row.items():
            if type(value) is tuple:
                row[name] = list(value)
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from a record."""
        lists = {name: tuple(value) for name, value in row.items() if isinstance(value, list)}
        return cls(**{**row, **lists})


class Met(NamedTuple):
    """What meets the grants: event, use they must cover, template, time (Unix ms)."""

    event: Event
    use: Use
    template: TemplateSeen | None
    as_of: int


@dataclass(frozen=True, slots=True)
class Answers:
    """What one person said, newest first. superseded: grant ids; refused_at: Unix ms."""

    given: tuple[ConsentRow, ...] = ()
    superseded: frozenset[str] = frozenset()
    refused_at: tuple[int, ...] = ()

    def joined(self, signed: ConsentRow) -> Self:
        """With a consent that came by itself; a signed refusal or supersession counts too."""
        given, refused = (signed, *self.given), self.refused_at
        if signed.answer == "refused":
            given, refused = self.given, (time_ms(signed.granted_at), *refused)
        return replace(
            self,
            given=given,
            superseded=self.superseded.union(signed.supersedes),
            refused_at=refused,
        )

    def seen(self, met: Met, revocations: Revocations) -> list[GrantSeen]:
        """The grants as this event meets them, those that come nearest first."""
        template = met.template
        named = () if template is None else tuple(each.name for each in template.processors)
        grants = [
            GrantSeen.of(
                row,
                met.event,
                revoked=revocations.revoked(row.tenant, row.subject, row.grant),
                superseded=row.grant in self.superseded,
                processors=named,
            )
            for row in self.given
        ]
        notice = None if template is None else template.notice
        return nearest_first(grants, met.use, met.as_of, notice)


_NO_ANSWERS: Final = Answers()


def nearest_first(
    grants: Iterable[GrantSeen], use: Use, as_of: int, notice: str | None = None
) -> list[GrantSeen]:
    """One person's grants, those first that permit a use if any does, so that a short list will do."""
    listed = list(grants)
    if len(listed) < 2:
        return listed
    return sorted(
        listed,
        key=lambda grant: (
            not grant.covers(use),
            grant.granted_at > as_of,
            grant.expires_at is not None and grant.expires_at <= as_of,
            grant.revoked,
            grant.superseded,
            grant.notice != notice,
            -len(grant.recipients),
            not grant.guardian,
            -len(grant.proofs),
        ),
    )


def _cut_any(names: Sequence[str] | None, wanted: str | None) -> tuple[str, ...] | None:
    return None if names is None else _cut(names, wanted or "")


def _cut(names: Sequence[str], wanted: str) -> tuple[str, ...]:
    if len(names) < 2 or sum(map(len, names)) <= CHARACTERS_KEPT:
        return tuple(names)
    return (wanted,) if wanted in names else ()
