"""Face and voice templates owed to be deleted: consents taken back, with or without the proof of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

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
    """Read both registries whole; those of a tenant, taken back first comes first."""
    registries = Registries(TOPICS)
    for topic in TOPICS:
        async for one in records(settings, topic, whole=True, follow=False):
            registries.apply(topic, one.partition, one.offset, one.key, one.value)
    return sorted(found(registries, tenant), key=lambda each: (each.revoked_at, each.key))


def found(registries: Registries, tenant: str) -> Iterator[Deletion]:
    """What the registries say of a tenant's consents taken back; one nobody can read is owed too."""
    table = registries.revocations
    for key in table.unreadable:
        if key.startswith(f"{tenant}/"):
            yield Deletion(key, (), "unreadable", proved=False)
    for key, row in table.pairs():
        if row.tenant == tenant:
            granted = registries.consents.permitted(key)
            kinds = () if granted is None else tuple(DELETED.intersection(granted.biometric))
            if granted is None or kinds:
                yield Deletion(key, tuple(sorted(kinds)), row.revoked_at, proved=_proved(row))


def _proved(row: RevocationRow) -> bool:
    return row.deleted_at is not None and row.deletion_sha256 is not None
