"""What is kept for a time: the earliest is found without looking at the rest; what has ended is let go."""

import heapq
from itertools import islice
from typing import Any, Final

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


def drop_oldest(held: dict[Any, Any], most: int) -> int:
    """Of more than ``most``, those that came first go, a hundredth at once; how many went.

    To find the first of a dict again and again walks over all that left it.
    """
    if len(held) <= most:
        return 0
    left = list(islice(held, 1 + most // 100))
    for name in left:
        del held[name]
    return len(left)
