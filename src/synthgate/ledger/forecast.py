"""Room: how fast logs and objects grow, and whether the disk holds out until the oldest of it may go.

Nothing goes before the floor (``expiry.py``), so what is written a day times the days it is kept is what
the disk must hold in the end. The rate is that of the last days; a log that is younger is taken at its own
age.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.reader import read_end
from synthgate.ledger.store import SegmentStore

LEAST_MS = DAY_MS // 24
"""What is younger than this says nothing of a day."""


class Grown(NamedTuple):
    """Bytes there are, bytes of them since a moment, and when the oldest of all was written (Unix ms).

    keep_days: if they are kept for longer than the rest.
    """

    used: int
    recent: int
    oldest_ms: int | None
    keep_days: int = 0


class Forecast(NamedTuple):
    """``day_bytes``: written a day. ``needed``: more that must fit before anything goes. ``full_in_days``: None
    where nothing grows, or before that the oldest goes.
    """

    used: int
    day_bytes: int
    free: int
    needed: int
    full_in_days: float | None

    @property
    def enough(self) -> bool:
        """Whether the disk holds out at this rate."""
        return self.needed <= self.free


def log_growth(store: SegmentStore, log: int, since_ms: int) -> Grown:
    """Of one log, by what its footers say. Raises SegmentDamaged, StoreFailed."""
    used = recent = 0
    oldest: int | None = None
    gone = store.listing(log).gone
    for first in store.firsts(log):
        if any(start <= first < end for start, end in gone):
            continue  # expired: only a footer is left of it
        footer, size = read_end(store, log, first)
        recorded_at = footer.recorded_at
        used += size
        recent += size if recorded_at >= since_ms else 0
        oldest = recorded_at if oldest is None else min(oldest, recorded_at)
    return Grown(used, recent, oldest)


def folder_growth(folder: Path, since_ms: int) -> Grown:
    """Of a folder of files that are written once, by their times."""
    found = ((path.st_size, path.st_mtime_ns // 1_000_000) for path in _files(folder))
    return growth(found, since_ms)


def growth(found: Iterable[tuple[int, int]], since_ms: int) -> Grown:
    """Of what is written once: sizes in bytes, and when (Unix ms)."""
    used = recent = 0
    oldest: int | None = None
    for size, at_ms in found:
        used += size
        recent += size if at_ms >= since_ms else 0
        oldest = at_ms if oldest is None else min(oldest, at_ms)
    return Grown(used, recent, oldest)


def forecast(
    grown: list[Grown], *, free: int, keep_days: int, since_ms: int, now_ms: int
) -> Forecast:
    """Of all that lies on one disk."""
    a_day = [one.recent * DAY_MS // _span(one, since_ms, now_ms) for one in grown]
    kept = sum(size * max(keep_days, one.keep_days) for size, one in zip(a_day, grown, strict=True))
    day_bytes, used = sum(a_day), sum(one.used for one in grown)
    needed = max(kept - used, 0)
    left = None if day_bytes == 0 or needed <= free else free / day_bytes
    return Forecast(used, day_bytes, free, needed, left)


def _span(one: Grown, since_ms: int, now_ms: int) -> int:
    begun = since_ms if one.oldest_ms is None else max(since_ms, one.oldest_ms)
    return max(now_ms - begun, LEAST_MS)


def _files(folder: Path) -> Iterator[os.stat_result]:
    for path in folder.rglob("*") if folder.is_dir() else ():
        try:
            if path.is_file() and not path.is_symlink():
                yield path.stat()
        except FileNotFoundError:
            continue
