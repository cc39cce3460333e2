"""Consents taken back (PIPL Art. 15): ``facts.revocations``, key tenant/subject/grant.

A revocation counts as soon as it is known, whatever moment it names, and never ends: who consents again
takes a new grant id.
"""

from typing import Any

from synthgate.events.event import time_ms
from synthgate.events.facts import RevocationRow
from synthgate.registries.table import Held, Table


class Revocations(Table[RevocationRow]):
    """Which grants were taken back."""

    topic = "facts.revocations"
    grows = True

    def get(self, tenant: str, subject: str, grant: str) -> Held[RevocationRow]:
        """The revocation of a grant, UNREADABLE (counts as revoked), or None."""
        return self.held(f"{tenant}/{subject}/{grant}")

    def revoked(self, tenant: str, subject: str, grant: str) -> bool:
        """Whether a grant was taken back, or what stands there cannot be read."""
        return self.get(tenant, subject, grant) is not None

    def strictness(self, row: RevocationRow) -> tuple[Any, ...]:
        """Earlier is stricter."""
        return (-time_ms(row.revoked_at),)
