"""The feature library (DSP Art. 10 para 2): ``facts.features``, key entry id/first version.

A later version changes an entry by a row of its own beside the earlier one, so that earlier versions stay as
they were. Rows of earlier releases stand under the entry id alone.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from synthgate.events.facts import FeatureRow
from synthgate.registries.seals import Seal
from synthgate.registries.table import Table
from synthgate.registries.withdrawals import Rollback

_MILD: Final = ("allow", "list")
"""Kinds that let words through: an allowance, and a list that says which disguises are not seen through."""

Rows = tuple[FeatureRow, ...]


class Features(Table[FeatureRow]):
    """Entries by library version. Of an entry's rows up to a version the last counts; if that ended, none does.

    back: rollbacks; what came with a version they withdrew is in no later one.

    An entry that cannot be read keeps its last readable row in force, and loses an allowance.
    """

    topic = "facts.features"

    def active(self, version: int, back: Iterable[Rollback] = ()) -> Rows:
        """Entries of one library version as they stand, ordered by entry id."""
        broken = {key.partition("/")[0] for key in self._broken if self._is_broken(key)}
        rows = self._of(version, back)
        return tuple(row for row in rows if not (row.kind in _MILD and row.entry in broken))

    def sealed(self, version: int, seal: Seal, back: Iterable[Rollback] = ()) -> tuple[Rows, ...]:
        """What the entries of a sealed version may be; ``seals.matching`` says which they are.

        All there is, should rows have been sent again; or without what was sent later.
        """
        back = tuple(back)
        whole, then = self._of(version, back), self._of(version, back, seal.ends)
        return (whole,) if whole == then else (whole, then)

    def exactly(self, entry: str, version: int) -> FeatureRow | None:
        """The row by which a version brought or changed an entry, readable or not by now; None: none did."""
        held = (self._entries.get(key) for key in (f"{entry}/{version}", entry))
        return next((one.row for one in held if one and one.row.from_version == version), None)

    def latest(self) -> Rows:
        """The last row of every entry, ended or not, ordered by entry id."""
        found: dict[str, FeatureRow] = {}
        for row in self.rows():
            self._put(found, row)
        return tuple(found[entry] for entry in sorted(found))

    def strictness(self, row: FeatureRow) -> tuple[Any, ...]:
        """What forbids before what allows; counted; more severe; longer (an allowance: shorter)."""
        ends = math.inf if row.to_version is None else row.to_version
        forbids = row.kind not in _MILD
        share = {"on": 100, "percent": row.percent}.get(row.state, 0)
        return (forbids, share, row.severity, ends if forbids else -ends)

    def fits(self, name: str, row: FeatureRow) -> bool:
        """The key of today, or the one of earlier releases."""
        return name == row.entry or super().fits(name, row)

    def ends(self) -> dict[int, int]:
        """Behind the last row that stands, by partition."""
        found: dict[int, int] = {}
        for _, entry in self._entries.items():  # noqa: PERF102 (a store has no values)
            found[entry.partition] = max(found.get(entry.partition, 0), entry.offset + 1)
        return found

    def _of(
        self, version: int, back: Iterable[Rollback], ends: Mapping[int, int] | None = None
    ) -> Rows:
        over = [one for one in back if one.version < version]
        found: dict[str, FeatureRow] = {}
        for _, entry in self._entries.items():  # noqa: PERF102 (a store has no values)
            row = entry.row
            if row.from_version > version:
                continue
            if ends is not None and entry.offset >= ends.get(entry.partition, 0):
                continue
            if not any(one.withdraws(row.from_version) for one in over):
                self._put(found, row)
        return tuple(
            row
            for _, row in sorted(found.items())
            if row.to_version is None or version < row.to_version
        )

    def _put(self, found: dict[str, FeatureRow], row: FeatureRow) -> None:
        held = found.get(row.entry)
        if held is None or held.from_version < row.from_version:
            found[row.entry] = row
        elif held.from_version == row.from_version:  # under the key of an earlier release too
            found[row.entry] = self.merge(held, row)
