"""Names with a time each: the earliest is found without looking at the others; what has ended takes no room."""

import heapq
from typing import Final

_STALE_MAX: Final = 1_000
"""Ended names kept at least: one name that never ends must not keep all that came after it."""


class Times:
    """A heap; names that have ended or moved stay in it until they come up or are most of it."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []

    def __len__(self) -> int:
        return len(self._at)

    def put(self, name: str, at: int) -> None:
        """The name's time is this, and no other."""
        if self._at.get(name) != at:
            self._at[name] = at
            heapq.heappush(self._heap, (at, name))

    def drop(self, name: str) -> None:
        """The name has no time any more."""
        self._at.pop(name, None)
        if len(self._heap) > 2 * len(self._at) + _STALE_MAX:
            self._heap = sorted((at, name) for name, at in self._at.items())

    def first(self) -> tuple[int, str] | None:
        """The earliest time and its name."""
        while self._heap and self._at.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0] if self._heap else None
