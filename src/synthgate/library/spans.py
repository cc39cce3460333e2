"""Spans: phrases put together from their parts, where an address ends, and what an allowance covers."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

from synthgate.library.entries import Entry

Candidate = tuple[int, int, int, tuple[str, ...]]
"""Entry, start and end in the reading, disguises it needed."""


def gapped(entry: Entry, at: int, places: list[tuple[str, int, int]]) -> Iterator[Candidate]:
    """A phrase whose parts stand in order, each close enough behind the one before."""
    gap = entry.row.gap
    open_ends: list[tuple[int, int]] | None = None
    for part in entry.parts:
        here = sorted((start, end) for word, start, end in places if word == part)
        if open_ends is None:
            open_ends = [(start, end) for start, end in here]
            continue
        following: list[tuple[int, int]] = []
        reach = 0
        for start, end in here:
            # The last beginning before this part is the nearest.
            while reach < len(open_ends) and open_ends[reach][1] <= start:
                reach += 1
            if reach and start - open_ends[reach - 1][1] <= gap:
                following.append((open_ends[reach - 1][0], end))
        open_ends = following
    for start, end in open_ends or ():
        yield at, start, end, ("gapped",)


def is_address(text: str, start: int, end: int, entry: Entry) -> bool:
    """Whether an address begins and ends here: "notexample.com" and "example.com.org" are others."""
    before = text[start - 1] if start else " "
    after = text[end : end + 2].ljust(2)
    if _HOST.match(before) or _HOST.match(after):
        return False
    return entry.row.kind != "domain" or after[0] != "." or _HOST.match(after[1]) is None


_HOST: Final = re.compile("[a-z0-9_-]")


class Covers:
    """Allow-list spans, so that one look-up says whether any of them holds a span."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int]]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        furthest = -1
        for start, end in sorted(spans):
            if end > furthest:  # else an earlier and longer span covers it
                furthest = end
                self._starts.append(start)
                self._ends.append(end)

    def hold(self, start: int, end: int) -> bool:
        """Whether one span covers ``start:end`` wholly."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and end <= self._ends[at]
