"""Records that kill the process: found, tried alone, and after three kills handed to the stage as poison.

One small file per (group, topic, partition) says what is being tried. It is written before a batch is
tried and emptied after its acknowledgement, without fsync: it must outlive the process, not the machine.
A file found full means that the process died trying it. Then:

* the range it names is tried again in small parts, each **alone** in the process, nothing else in work;
* a part that dies narrows the range, until one record is left;
* only a death while that record was tried alone counts as an attempt, never one while waiting, nor an end the
  worker makes itself for the sake of something else;
* after ``KILLS_MAX`` the record is poison: the stage makes a stub of it and goes on. That is remembered
  until the commit is past it, for the batch it is in may hold another.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.runtime.acks import Delivery
from synthgate.step import Batch

KILLS_MAX: Final = 3
PARTS: Final = 16
COMMITTED_SECONDS: Final = 30.0
_WIDTH: Final = 80
_POISON_MAX: Final = 4096


class Part(NamedTuple):
    """A part of a delivery. ``alone``: nothing else may be in work meanwhile."""

    batch: Batch
    alone: bool
    poison: frozenset[int]


class Book:
    """The file of one lane. ``start``: where the lane reads from; poison before it is long done with."""

    _tried: Part | None = None
    """What is being tried."""

    def __init__(self, path: Path, start: int = 0) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self.suspect = range(0)
        """Offsets under suspicion; empty when there is none."""
        self.kills = 0
        """Deaths of the one suspect while it was tried alone."""
        self.killed_again = False
        self.poison: dict[int, float] = {}
        """Offsets of poison, and when (monotonic) a stub was made of it."""
        self._open_last(start)

    def _open_last(self, start: int) -> None:
        tried = _numbers(os.pread(self._file, _WIDTH, 0))
        known = _numbers(os.pread(self._file, _POISON_MAX, _WIDTH))
        self.poison = {offset: float("inf") for offset in known if offset >= start}
        if len(tried) != 4:
            if len(self.poison) < len(known):
                self._write_poison()
            return
        begin, end, self.kills, alone = tried
        self.suspect = range(begin, end)
        if alone and len(self.suspect) == 1:
            self.kills += 1
            self.killed_again = True
        if self.kills >= KILLS_MAX:
            self.poison[begin] = float("inf")
            self._forget_suspect()
        self._write_poison()

    def parts(self, topic: str, delivery: Delivery) -> Iterator[Part]:
        """The delivery in parts, in order: whole if nothing in it is suspect or poison."""
        records, position = delivery.records, delivery.position
        tp = delivery.tp
        if self.poison:
            self._forget_poison(position)
        if not self.suspect and not self.poison:
            whole = Batch(topic, tp.partition, records, position, delivery.next_offset)
            yield Part(whole, alone=False, poison=frozenset())
            return
        start = 0
        for cut in self._cuts(records):
            piece = records[start:cut]
            end = delivery.next_offset if cut == len(records) else piece[-1].offset + 1
            poison = self.poison.keys() & {record.offset for record in piece}
            yield Part(
                Batch(topic, tp.partition, piece, position, end),
                alone=piece[0].offset in self.suspect and not poison,
                poison=frozenset(poison),
            )
            start, position = cut, end

    def _cuts(self, records: Sequence[Any]) -> list[int]:
        """Where to cut: around the suspects, between parts of them, around each poison."""
        bad = [i for i, record in enumerate(records) if record.offset in self.suspect]
        poison = [i for i, record in enumerate(records) if record.offset in self.poison]
        cuts = {len(records), *poison, *(i + 1 for i in poison)}
        if bad:
            step = max(1, len(bad) // PARTS)
            cuts |= {*range(bad[0], bad[-1] + 1, step), bad[-1] + 1}
        return sorted(cuts - {0})

    def trying(self, part: Part) -> None:
        """Written immediately before a part is tried."""
        self._tried = part
        records = part.batch.records
        begin, end = records[0].offset, records[-1].offset + 1
        single = self.suspect == range(begin, end) and end - begin == 1
        self._write(f"{begin} {end} {self.kills if single else 0} {int(part.alone)}")

    def waiting(self, part: Part) -> None:
        """A dependency is away: dying now is no attempt."""
        if part.alone:
            self.trying(part._replace(alone=False))
        else:
            self._write("")

    def acquit(self) -> None:
        """The worker ends, and not for what is tried here: dying now is no attempt."""
        if self._tried is not None:
            self.waiting(self._tried)

    def done(self, part: Part) -> None:
        """Everything the part owed is acknowledged by the broker."""
        self.clear()
        for offset in part.poison:
            self.poison[offset] = time.monotonic()
        if self.suspect and part.batch.next_offset > self.suspect.start:
            self.suspect = range(part.batch.next_offset, self.suspect.stop)
            self.kills = 0

    def clear(self) -> None:
        """What happens next is not this lane's doing."""
        self._tried = None
        self._write("")

    def close(self) -> None:
        """The lane ends."""
        os.close(self._file)

    def _forget_suspect(self) -> None:
        self.suspect, self.kills = range(0), 0
        self._write("")

    def _forget_poison(self, position: int) -> None:
        """Drop what is behind us and surely committed past."""
        past = time.monotonic() - COMMITTED_SECONDS
        kept = {o: at for o, at in self.poison.items() if o >= position or at > past}
        if kept != self.poison:
            self.poison = kept
            self._write_poison()

    def _write(self, line: str) -> None:
        os.pwrite(self._file, line.ljust(_WIDTH).encode(), 0)

    def _write_poison(self) -> None:
        os.ftruncate(self._file, _WIDTH)
        os.pwrite(self._file, " ".join(map(str, self.poison)).encode(), _WIDTH)


class NoBook(Book):
    """Of a stage that looks into no record: none can kill it, so nothing is under suspicion after a death."""

    def __init__(self) -> None:
        self.suspect, self.kills, self.killed_again = range(0), 0, False
        self.poison = {}

    def close(self) -> None:
        """Nothing was opened."""

    def _write(self, line: str) -> None:
        pass


def _numbers(text: bytes) -> list[int]:
    """Numbers in a line of the file; none if it is torn."""
    fields = text.split()
    return [int(field) for field in fields] if all(f.isdigit() for f in fields) else []


class Turn:
    """Many batches at once, or one alone."""

    def __init__(self) -> None:
        self._gate = asyncio.Lock()
        self._idle = asyncio.Event()
        self._idle.set()
        self._at_work = 0
        self.moved_at = time.monotonic()
        """When somebody last came out."""

    @asynccontextmanager
    async def take(self, *, alone: bool) -> AsyncIterator[None]:
        """Enter with others, or when all others are out."""
        if alone:
            async with self._gate:
                await self._idle.wait()
                try:
                    yield
                finally:
                    self.moved_at = time.monotonic()
            return
        async with self._gate:
            self._at_work += 1
            self._idle.clear()
        try:
            yield
        finally:
            self._at_work -= 1
            self.moved_at = time.monotonic()
            if not self._at_work:
                self._idle.set()
