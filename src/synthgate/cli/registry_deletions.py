"""Face and voice templates owed to be deleted: consents taken back, with or without the proof of it.

The proof stands on the revocation's own row, or came as the answer to the work and ended the case.
"""

import hashlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from synthgate.cli import casebook
from synthgate.cli.positions import records
from synthgate.events.facts import RevocationRow
from synthgate.registries import Registries
from synthgate.settings import Settings

TOPICS: Final = ("facts.consents", "facts.revocations")
DELETED: Final = frozenset({"face", "voice"})
"""Kinds of edit for which a template of the person was made."""


@dataclass(frozen=True, slots=True)
class Deletion:
    """One consent taken back: its key, what was made of the person, and whether the proof is there.

    kinds: empty if nobody here knows the grant any more; then it counts as owed.
    """

    key: str
    kinds: tuple[str, ...]
    revoked_at: str
    proved: bool


async def deletions(settings: Settings, tenant: str) -> list[Deletion]:
    """Read both registries and the cases whole; those of a tenant, taken back first comes first."""
    registries = Registries(TOPICS)
    for topic in TOPICS:
        async for one in records(settings, topic, whole=True, follow=False):
            registries.apply(topic, one.partition, one.offset, one.key, one.value)
    ended = {
        held.row.detail["about"]["key_sha256"]
        for held in (await casebook.read(settings)).of("deletion")
        if held.row.state == "closed"
    }
    return sorted(found(registries, tenant, ended), key=lambda each: (each.revoked_at, each.key))


def found(registries: Registries, tenant: str, ended: Collection[str] = ()) -> Iterator[Deletion]:
    """What the registries say of a tenant's consents taken back; one nobody can read is owed too.

    ended: SHA-256 of the keys whose case has ended, proved by the answer to the work.
    """

    def over(key: str) -> bool:
        return hashlib.sha256(key.encode(errors="replace")).hexdigest() in ended

    table = registries.revocations
    for key in table.unreadable:
        if key.startswith(f"{tenant}/"):
            yield Deletion(key, (), "unreadable", proved=over(key))
    for key, row in table.pairs():
        if row.tenant == tenant:
            granted = registries.consents.permitted(key)
            told = row.biometric if granted is None else granted.biometric
            kinds = tuple(sorted(DELETED.intersection(told or ())))
            if told is None or kinds:
                proved = _proved(row) or over(key)
                yield Deletion(key, kinds, row.revoked_at, proved=proved)


def _proved(row: RevocationRow) -> bool:
    return row.deleted_at is not None and row.deletion_sha256 is not None
