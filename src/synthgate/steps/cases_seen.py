"""Open cases by partition and kind: how many, and for how long the oldest; for the metrics.

Holds have their own (``holds_seen.py``); what is held against a user never closes and is not counted.
"""

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from synthgate.cases.kinds import MACHINES, USER
from synthgate.events.decision import CaseRow

KINDS: Final = (*(kind for kind in MACHINES if kind != USER.kind), "work")
"""Kinds of case that are counted; ``work`` is what the platform owes and has not answered."""

_CLOSED_MAX: Final = 1_000
"""Closed cases of a kind remembered at least: one case nobody closes must not keep all that came after it."""


@dataclass(slots=True)
class _Open:
    """Cases of one kind; ``by_age`` holds closed ones too, until they come up or are most of it."""

    since: dict[str, int] = field(default_factory=dict)
    by_age: list[tuple[int, str]] = field(default_factory=list)

    def oldest(self) -> int | None:
        while self.by_age and self.since.get(self.by_age[0][1]) != self.by_age[0][0]:
            heapq.heappop(self.by_age)
        return self.by_age[0][0] if self.by_age else None


class CasesSeen:
    """Follows the rows of every kind in ``KINDS``."""

    def __init__(self) -> None:
        self._open: dict[int, dict[str, _Open]] = defaultdict(lambda: defaultdict(_Open))

    def noted(self, partition: int, row: CaseRow) -> None:
        """A case as it is now."""
        if row.kind not in KINDS:
            return
        held = self._open[partition][row.kind]
        if row.state != "open":
            held.since.pop(row.case, None)
            if len(held.by_age) > 2 * len(held.since) + _CLOSED_MAX:
                held.by_age = sorted((since, case) for case, since in held.since.items())
        elif held.since.get(row.case) != row.opened_at:
            held.since[row.case] = row.opened_at
            heapq.heappush(held.by_age, (row.opened_at, row.case))

    def open(self, partition: int, now_ms: int) -> Mapping[str, tuple[int, int]]:
        """By kind: how many, and for how long the oldest has been open, ms."""
        found = {}
        for kind in KINDS:
            held = self._open[partition][kind]
            oldest = held.oldest()
            found[kind] = (len(held.since), 0 if oldest is None else now_ms - oldest)
        return found

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self._open.pop(partition, None)
