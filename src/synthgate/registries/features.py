"""The feature library (DSP Art. 10 para 2): ``facts.features``, key entry id."""

import math
from typing import Any, Final

from synthgate.events.facts import FeatureRow
from synthgate.registries.table import Table

_MILD: Final = ("allow", "list")
"""Kinds that let words through: an allowance, and a list that says which disguises are not seen through."""


class Features(Table[FeatureRow]):
    """Entries, each with the span of library versions it is in force in.

    An entry that cannot be read keeps its last readable row in force, and loses an allowance.
    """

    topic = "facts.features"

    def active(self, version: int) -> tuple[FeatureRow, ...]:
        """Entries in force in one library version, ordered by entry id."""
        broken = {key for key in self._broken if self._is_broken(key)}
        found = [
            entry.row
            for key, entry in self._entries.items()
            if entry.row.from_version <= version
            and (entry.row.to_version is None or version < entry.row.to_version)
            and not (key in broken and entry.row.kind in _MILD)
        ]
        return tuple(sorted(found, key=lambda row: row.entry))

    def strictness(self, row: FeatureRow) -> tuple[Any, ...]:
        """What forbids before what allows; counted; more severe; longer (an allowance: shorter)."""
        ends = math.inf if row.to_version is None else row.to_version
        forbids = row.kind not in _MILD
        share = {"on": 100, "percent": row.percent}.get(row.state, 0)
        return (forbids, share, row.severity, ends if forbids else -ends)
