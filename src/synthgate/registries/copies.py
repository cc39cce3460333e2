"""Full copies of the registry topics a duty uses, fed record by record."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from synthgate.events.lazy import lazy
from synthgate.registries.accounts import Accounts
from synthgate.registries.consents import Answers, Consents
from synthgate.registries.control import Control
from synthgate.registries.entries import RocksEntries, Saved
from synthgate.registries.features import Features
from synthgate.registries.guards import Guards
from synthgate.registries.news_sources import NewsSources
from synthgate.registries.recalls import Recalls
from synthgate.registries.revocations import Revocations
from synthgate.registries.standings import Standings, StandingSeen, stricter
from synthgate.registries.switches import Switches
from synthgate.registries.table import Table
from synthgate.registries.templates import Templates
from synthgate.registries.users import Users

_TABLES: tuple[type[Table[Any]], ...] = (
    Accounts, Consents, Control, Features, Guards, NewsSources, Recalls, Revocations, Standings, Switches,
    Templates, Users,
)  # fmt: skip

STORED: Final = frozenset(kind.topic for kind in _TABLES if kind.grows)
"""Topics that grow with the number of people; the others fit in memory anywhere."""

_NAMES: Final = {
    kind.topic: re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() for kind in _TABLES
}
"""The attribute of ``Registries`` a topic's table is asked for by."""

T = TypeVar("T", bound=Table[Any])


class Registries:
    """The tables of some registry topics. A table that is not copied raises when asked for.

    An empty copy of a topic that forbids would permit, so there is none by mistake.
    """

    def __init__(
        self, topics: Iterable[str], stores: Callable[[str], RocksEntries[Any]] | None = None
    ) -> None:
        """stores: opens the local store of a topic; those with a row for each person or user have one."""
        kinds = {kind.topic: kind for kind in _TABLES}
        self.tables: dict[str, Table[Any]] = {
            topic: kinds[topic](stores(topic) if stores and topic in STORED else None)
            for topic in topics
        }

    def apply(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        """Take in one record; KeyError if the topic is not copied here."""
        self.tables[topic].apply(partition, offset, key, value)

    def reset(self, topic: str) -> None:
        """Forget a copy, before it is built again from the start of its log."""
        self.tables[topic] = self.tables[topic].forgotten()
        self.__dict__.pop(_NAMES[topic], None)

    def saved(self, topic: str) -> Saved | None:
        """What a copy was left with by an earlier process; None: nothing, it is read from its log's start."""
        return self.tables[topic].saved

    def save(self, topic: str, positions: Mapping[int, int], at: int) -> None:
        """Keep a copy as it stands, read up to these positions at this time (Unix ms)."""
        self.tables[topic].save(positions, at)

    @property
    def unreadable(self) -> dict[str, int]:
        """Keys nobody can read, by topic, with records that no key could be given to; for the alert."""
        counts = {
            topic: len(table.unreadable) + table.unkeyed for topic, table in self.tables.items()
        }
        return {topic: count for topic, count in counts.items() if count}

    def standing(self, tenant: str, user: str, at: int) -> StandingSeen:
        """The stricter of what the platform and incidents hold against a user at a time (Unix ms)."""
        key = f"{tenant}/{user}"
        return stricter(self.accounts.held(key), self.standings.held(key), at)

    def answers(self, tenant: str, subject: str) -> Answers:
        """What a person said when asked; nothing where consents travel in the events alone."""
        if Consents.topic not in self.tables:
            return Answers()
        return self.consents.answers(tenant, subject)

    # Made when first asked for and once: every event asks for most of them. ``reset`` forgets them.

    @lazy
    def accounts(self) -> Accounts:
        """What forbids a user, by the platform."""
        return self._table(Accounts)

    @lazy
    def consents(self) -> Consents:
        """Separate consents."""
        return self._table(Consents)

    @lazy
    def control(self) -> Control:
        """What the operator activates."""
        return self._table(Control)

    @lazy
    def features(self) -> Features:
        """The feature library."""
        return self._table(Features)

    @lazy
    def guards(self) -> Guards:
        """What penalties wait for."""
        return self._table(Guards)

    @lazy
    def news_sources(self) -> NewsSources:
        """Units news may be reposted from."""
        return self._table(NewsSources)

    @lazy
    def recalls(self) -> Recalls:
        """What must not be served any more."""
        return self._table(Recalls)

    @lazy
    def revocations(self) -> Revocations:
        """Consents taken back."""
        return self._table(Revocations)

    @lazy
    def standings(self) -> Standings:
        """What forbids a user, by incidents."""
        return self._table(Standings)

    @lazy
    def switches(self) -> Switches:
        """Functions off by order."""
        return self._table(Switches)

    @lazy
    def templates(self) -> Templates:
        """Registered templates."""
        return self._table(Templates)

    @lazy
    def users(self) -> Users:
        """What permits a user."""
        return self._table(Users)

    def _table(self, kind: type[T]) -> T:
        table = self.tables[kind.topic]
        if not isinstance(table, kind):
            raise TypeError(f"{kind.topic} is held by {type(table).__name__}")
        return table
