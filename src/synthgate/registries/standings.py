"""What forbids a user, by incidents (DSP Art. 10), and the stricter of that and the platform's word."""

from dataclasses import dataclass
from typing import Any, Final, Self

from synthgate.events.facts import STANDING_ORDER, AccountRow, Standing, StandingRow
from synthgate.registries.table import UNREADABLE, Held, Table, until_ms


class Standings(Table[StandingRow]):
    """``standings``, key tenant/user; no row means ok."""

    topic = "standings"
    grows = True
    ours = True

    def get(self, tenant: str, user: str) -> Held[StandingRow]:
        """The row of a user, UNREADABLE (forbids), or None (nothing is held against them)."""
        return self.held(f"{tenant}/{user}")

    def strictness(self, row: StandingRow) -> tuple[Any, ...]:
        """Sterner standing, more causes."""
        return (STANDING_ORDER.index(row.standing), len(row.causes))


@dataclass(frozen=True, slots=True)
class StandingSeen:
    """What is held against a user, from both registries; JSON-able, no identity in it.

    restricted: functions denied by name. limited_by_default: limited without a list of functions, so that
    the law's list for limited accounts counts. unreadable: topics whose row nobody can read.
    versions: what was read, by topic.
    """

    standing: Standing = "ok"
    restricted: tuple[str, ...] = ()
    limited_by_default: bool = False
    unreadable: tuple[str, ...] = ()
    versions: tuple[tuple[str, int], ...] = ()

    def denies(self, functions: tuple[str, ...], limited: tuple[str, ...]) -> bool:
        """Whether an act with these functions is forbidden. ``limited``: functions a limited account lacks."""
        if self.unreadable or self.standing in ("suspended", "closed"):
            return True
        denied = {*self.restricted, *(limited if self.limited_by_default else ())}
        return not denied.isdisjoint(functions)

    def row(self) -> dict[str, Any]:
        """As recorded with a verdict; to be read alone."""
        if self is NOTHING_SEEN:
            return _NOTHING_RECORDED
        return self._row()

    def _row(self) -> dict[str, Any]:
        return {
            "standing": self.standing,
            "restricted": list(self.restricted),
            "limited_by_default": self.limited_by_default,
            "unreadable": list(self.unreadable),
            "versions": [list(pair) for pair in self.versions],
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """Back from a record."""
        return cls(
            row["standing"],
            tuple(row["restricted"]),
            row["limited_by_default"],
            tuple(row["unreadable"]),
            tuple((topic, version) for topic, version in row["versions"]),
        )


NOTHING_SEEN: Final = StandingSeen()
"""Of nearly everyone."""
_NOTHING_RECORDED: Final = NOTHING_SEEN._row()  # noqa: SLF001 (made once)


def stricter(account: Held[AccountRow], standing: Held[StandingRow], at: int) -> StandingSeen:
    """The stricter of both at a time (Unix ms). A row that ended by then says nothing."""
    if account is None and standing is None:
        return NOTHING_SEEN
    unreadable = []
    if account is UNREADABLE:
        unreadable.append("facts.accounts")
        account = None
    if standing is UNREADABLE:
        unreadable.append("standings")
        standing = None
    versions = []
    if account is not None:
        versions.append(("facts.accounts", account.version))
        if until_ms(account.until) <= at:
            account = None
    if standing is not None:
        versions.append(("standings", standing.version))
    platform: Standing = "ok" if account is None else account.standing
    incidents: Standing = "ok" if standing is None else standing.standing
    named = () if account is None else tuple(account.restricted)
    return StandingSeen(
        max(platform, incidents, key=STANDING_ORDER.index),
        named,
        incidents == "limited" or (platform == "limited" and not named),
        tuple(unreadable),
        tuple(versions),
    )
