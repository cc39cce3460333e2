"""Look-ups in the trace index at size: by content number, object, user, edited person and time, warm and cold.

Rows are made up, and written by the index as ``update`` writes those it takes from the logs. Of the long form
only the first are: ten million would take the better part of an hour. The others go into the same tables, whose
indexes are made again after them; a look-up goes the same way through either. Reading and decrypting entries is
no part of it: ``ledger_replay.py`` tells what taking them in costs.
"""

import hashlib
import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, Final

from synthgate.events.origin import Origin
from synthgate.steps.trace_index import Taken, Traced, TraceIndex

QUICK_ENTRIES: Final = 200_000
LONG_ENTRIES: Final = 10_000_000
LONG_SECONDS_MAX: Final = 480.0
"""For writing them; fewer were written if it takes longer, and the figure says how many."""
AIM_MS: Final = 50.0
WARM: Final = 500
COLD: Final = 100
KINDS: Final = ("produce_id", "object", "user", "subject", "time")
_LOGS: Final = 12
_PER_USER: Final = 100
_PER_SUBJECT: Final = 20
_EDITS_EVERY: Final = 20
_BATCH: Final = 5_000
_BULK: Final = 200_000
_APART_MS: Final = 600
_MINUTE_MS: Final = 60_000
_BEGUN_MS: Final = 1_795_000_000_000


def measure(home: Path, *, quick: bool) -> dict[str, Any]:
    """Milliseconds of each kind of look-up. ``home``: on the disk that is measured."""
    path = home / "trace.sqlite3"
    made = _Made(QUICK_ENTRIES if quick else LONG_ENTRIES)
    until = time.monotonic() + LONG_SECONDS_MAX
    with closing(TraceIndex(path)) as index:
        begun = time.perf_counter()
        for first in range(0, QUICK_ENTRIES, _BATCH):
            index.put(made.rows(first, first + _BATCH))
        put = time.perf_counter() - begun
    entries = QUICK_ENTRIES if quick else _fill(path, made, until)
    found = {kind: _times(path, made, entries, kind) for kind in KINDS}
    return {
        "trace_entries": entries,
        "trace_bytes": sum(one.stat().st_size for one in home.glob("trace.sqlite3*")),
        "trace_rows_per_second": round(QUICK_ENTRIES / put),
        "trace_aim_ms": AIM_MS,
        **{f"trace_{kind}": times for kind, times in found.items()},
    }


class _Made:
    """Made-up rows, any of which can be made again from its number."""

    def __init__(self, entries: int) -> None:
        self._users = entries // _PER_USER
        self._subjects = entries // _EDITS_EVERY // _PER_SUBJECT

    def rows(self, first: int, end: int) -> Iterator[Taken]:
        for number in range(first, end):
            yield self.row(number)

    def row(self, number: int) -> Taken:
        """A request, or the answer that follows it and lets an object out."""
        log, place = number // 2 % _LOGS, number // 2 // _LOGS * 2 + number % 2
        at, answer = _BEGUN_MS + number * _APART_MS, number % 2 == 1
        root = str(Origin(1, "generation.events", log, place))
        row = (
            log, place, at, at, "bench", f"event-{number}", "release", root,
            self.produce_id(number) if answer else None, self.user(number), f"g-{number // 2}",
            log if answer else None, place - 1 if answer else None,
        )  # fmt: skip
        subjects = [self.subject(number)] if number % _EDITS_EVERY == 0 else []
        return Taken(row, subjects, [self.object(number)] if answer else [])

    def produce_id(self, number: int) -> str:
        return f"SG1-{_hex('p', number)[:32].upper()}"

    def object(self, number: int) -> str:
        return _hex("o", number)

    def user(self, number: int) -> str:
        return _hex("u", int(_hex("w", number // 2)[:12], 16) % self._users)[:32]

    def subject(self, number: int) -> str:
        return _hex("s", number // _EDITS_EVERY % self._subjects)[:32]


def _hex(what: str, number: int) -> str:
    return hashlib.sha256(f"{what}{number}".encode()).hexdigest()


def _fill(path: Path, made: _Made, until: float) -> int:
    """The rows that are left, while there is time; how many there are then."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        indexes = db.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            db.execute(f"DROP INDEX {name}")
    entries = QUICK_ENTRIES
    with closing(TraceIndex(path)) as index:
        while entries < LONG_ENTRIES and time.monotonic() < until:
            index.put(made.rows(entries, entries + _BULK))
            entries += _BULK
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for _, made_by in indexes:
            db.execute(made_by)
    return entries


def _times(path: Path, made: _Made, entries: int, kind: str) -> dict[str, Any]:
    """Median and p99 of one kind. cold: the index is opened, and nothing of its file is in memory."""
    chance = random.Random(kind)
    numbers = [chance.randrange(entries) for _ in range(COLD + WARM)]
    counts: list[int] = []

    def one(index: TraceIndex, number: int) -> None:
        rows = _ask(index, made, kind, number)
        if not rows:
            raise RuntimeError(f"the bench's own index does not know {kind} of entry {number}")
        counts.append(len(rows))

    def opened(number: int) -> None:
        with closing(TraceIndex(path)) as index:
            one(index, number)

    cold = []
    for number in numbers[:COLD]:
        _forget(path)
        cold.append(_took(partial(opened, number)))
    with closing(TraceIndex(path)) as index:
        warm = [_took(partial(one, index, number)) for number in numbers[COLD:]]
    return {
        "entries": round(sum(counts) / len(counts), 1),
        "p50_ms": _at(warm, 0.5), "p99_ms": _at(warm, 0.99),
        "cold_p50_ms": _at(cold, 0.5), "cold_p99_ms": _at(cold, 0.99),
    }  # fmt: skip


def _ask(index: TraceIndex, made: _Made, kind: str, number: int) -> list[Traced]:
    """What an entry near this number is found by."""
    if kind == "produce_id":
        return index.by_produce_id(made.produce_id(number | 1))
    if kind == "object":
        return index.by_object(made.object(number | 1))
    if kind == "user":
        return index.by_user(made.user(number))
    if kind == "subject":
        return index.by_subject(made.subject(number))
    start = _BEGUN_MS + number * _APART_MS
    return index.by_time(start, start + _MINUTE_MS)


def _took(work: Callable[[], None]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _forget(path: Path) -> None:
    """Nothing of the file stays in the system's memory."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def _at(times: list[float], share: float) -> float:
    return round(sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000, 3)
