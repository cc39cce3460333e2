"""Open cases by partition and kind: how many, and for how long the oldest; for the metrics.

Holds have their own (``holds_seen.py``); what is held against a user never closes and is not counted.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from synthgate.cases.kinds import MACHINES, USER
from synthgate.events.decision import CaseRow
from synthgate.steps.times import Times

KINDS: Final = (*(kind for kind in MACHINES if kind != USER.kind), "work")
"""Kinds of case that are counted; ``work`` is what the platform owes and has not answered."""


class CasesSeen:
    """Follows the rows of every kind in ``KINDS``."""

    def __init__(self) -> None:
        self._open: dict[int, dict[str, Times]] = defaultdict(lambda: defaultdict(Times))

    def noted(self, partition: int, row: CaseRow) -> None:
        """A case as it is now."""
        if row.kind not in KINDS:
            return
        held = self._open[partition][row.kind]
        if row.state == "open":
            held.put(row.case, row.opened_at)
        else:
            held.drop(row.case)

    def open(self, partition: int, now_ms: int) -> Mapping[str, tuple[int, int]]:
        """By kind: how many, and for how long the oldest has been open, ms."""
        found = {}
        for kind in KINDS:
            held = self._open[partition][kind]
            oldest = held.first()
            found[kind] = (len(held), 0 if oldest is None else now_ms - oldest[0])
        return found

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self._open.pop(partition, None)
