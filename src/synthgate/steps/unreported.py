"""What was let out and nobody reported as delivered in time: ``unreconciled``. Counted live.

No breach, but nobody can say whom it reached (DSP 11). Watched from when a partition is held on; a report
counts under the key of who made the content. Which ones, and all of them, tells ``synthgate reconcile``.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from synthgate.step import Work
from synthgate.steps.bypasses import DELIVERED, MADE
from synthgate.steps.times import drop_oldest

WATCHED_MAX: Final = 1_000_000
"""Generations of a partition watched at once, about 100 bytes each; the oldest leave first, and are counted."""
MINUTE_MS: Final = 60_000


class Unreported:
    """Generations let out, by partition, in the order of their decisions, until a report or the bound.

    minutes: the bound; 0: nothing is watched.
    """

    def __init__(self, minutes: int) -> None:
        self._bound_ms = minutes * MINUTE_MS
        self._open: dict[int, dict[int, int]] = defaultdict(dict)

    def hold(self, partitions: frozenset[int]) -> None:
        """These are ours now; others are let go."""
        for partition in self._open.keys() - partitions:
            del self._open[partition]

    def hear(self, row: Mapping[str, Any], work: Work) -> None:
        """One decision, as it stands on the topic."""
        if not self._bound_ms or (row["type"] not in MADE and row["type"] != DELIVERED):
            return
        if row.get("repeat_of") is not None:
            return  # said before
        name = hash((row["tenant"], row["generation"]))
        held = self._open[work.partition]
        if row["type"] == DELIVERED:
            if row["action"] == "release" and held.pop(name, None) is not None:
                work.outputs.deliveries["reported"] += 1
        elif row["action"] != "release":
            if row["revision"] > 1:
                held.pop(name, None)  # taken back
        elif row["enforced"]:
            held.setdefault(name, row["decided_at"])
            if left := drop_oldest(held, WATCHED_MAX):
                work.outputs.deliveries["unwatched"] += left

    def tick(self, work: Work) -> None:
        """Count what the bound has passed for."""
        held = self._open[work.partition]
        over = []
        for name, at in held.items():
            if at + self._bound_ms > work.now_ms:
                break
            over.append(name)
        for name in over:
            del held[name]
        if over:
            work.outputs.deliveries["unreconciled"] += len(over)
