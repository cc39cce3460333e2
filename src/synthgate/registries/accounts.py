"""What forbids a user, by the platform (DSP Art. 10): ``facts.accounts``, key tenant/user."""

from typing import Any

from synthgate.events.facts import STANDING_ORDER, AccountRow
from synthgate.registries.table import Held, Table, until_ms


class Accounts(Table[AccountRow]):
    """Accounts that are warned, limited, suspended or closed; no row means ok.

    A row counts from when it is known, whatever its ``since``; ``until`` ends it.
    """

    topic = "facts.accounts"
    grows = True

    def get(self, tenant: str, user: str) -> Held[AccountRow]:
        """The row of a user, UNREADABLE (forbids), or None (nothing is held against them)."""
        return self.held(f"{tenant}/{user}")

    def strictness(self, row: AccountRow) -> tuple[Any, ...]:
        """Sterner standing, longer, more functions restricted."""
        return (STANDING_ORDER.index(row.standing), until_ms(row.until), len(row.restricted))
