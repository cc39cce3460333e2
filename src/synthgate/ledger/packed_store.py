"""What every store of segments does alike: finds them by themselves and in packs, packs, tidies, lets go.

A kind of store (``local_store.py``, ``bucket_store.py``) adds how bytes come under a name, and how they
are read. Why packing does not break the fence: decision 0013.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from synthgate.ledger.errors import EntryAbsent, EntryExpired, SegmentDamaged
from synthgate.ledger.packs import (
    PACK_MAGIC,
    PACK_TRAILER_BYTES,
    Listing,
    PackIndex,
    decode_pack_tail,
    gone_name,
    pack_name,
    pack_pieces,
    pack_tail_bytes,
    segment_name,
    snapshot_name,
)
from synthgate.ledger.segment import decode_segment

MARKER = "packed"
_INDEXES_KEPT = 64


class Place(NamedTuple):
    """Where a segment's bytes are. ``size``: None to the end of what has this name."""

    name: str
    start: int = 0
    size: int | None = None
    gone: bool = False


class PackedStore(ABC):
    """The half of a SegmentStore that is the same wherever bytes lie. Errors as SegmentStore says."""

    at_once = 1

    def __init__(self) -> None:
        self._listings: dict[int, Listing] = {}
        self._indexes: OrderedDict[tuple[int, str], PackIndex] = OrderedDict()

    # What a kind of store says. ``name``: below the log's folder. A name that is not there: EntryAbsent.

    @abstractmethod
    def _look(self, log: int) -> Listing:
        """What lies where now, the marker read before the names."""

    @abstractmethod
    def _listing(self, log: int) -> Listing:
        """The last listing, if it can still be trusted to lead to bytes; or a new one."""

    @abstractmethod
    def _bytes(self, log: int, name: str, start: int, size: int | None) -> bytes:
        """Some bytes, fewer where they end; None: all from ``start`` on."""

    @abstractmethod
    def _tail(self, log: int, name: str, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes, or all, and the size of the whole."""

    @abstractmethod
    def _called(self, log: int, name: str) -> str:
        """What a person would call it."""

    @abstractmethod
    def _beside(self, log: int, name: str, pieces: Iterator[bytes]) -> None:
        """Create it whole and durable, unless the name is taken: it means the same bytes whoever makes it."""

    @abstractmethod
    def _move_marker(self, log: int, end: int) -> None:
        """Say, durably, that entries before ``end`` are in packs: names may be freed after it."""

    @abstractmethod
    def _remove(self, log: int, names: Sequence[str]) -> None:
        """Remove what has these names; what is gone already is no fault."""

    # What follows from it.

    def firsts(self, log: int, start: int = 0) -> list[int]:
        """The first indexes of a log's segments, in order; none if there is no such log."""
        return self._firsts(log, self._newest(log), start)

    def holder(self, log: int, index: int, *, fresh: bool) -> int | None:
        """The first index of the segment that may hold ``index``."""
        listing = self._newest(log) if fresh else self._listing(log)
        pack, loose = listing.last_pack(index), listing.loose_of(index)
        if pack is None or (loose is not None and loose >= pack[1]):
            return loose
        firsts = self._index(log, pack).firsts
        return int(firsts[bisect_right(firsts, index) - 1])

    def listing(self, log: int) -> Listing:
        """What lies where now."""
        found = self._listings[log] = self._look(log)
        return found

    def _newest(self, log: int) -> Listing:
        """A listing that shows every segment there is by now; of packs and snapshots maybe not the newest."""
        return self.listing(log)

    def read(self, log: int, first: int) -> bytes:
        """A whole segment."""
        return self.read_range(log, first, 0, None)

    def read_range(self, log: int, first: int, start: int, length: int | None) -> bytes:
        """Some bytes of a segment; fewer where it ends; None: to its end."""
        place = self._kept_place(log, first)
        try:
            return self._of(log, place, start, length)
        except EntryAbsent:  # packed, or its pack removed, since we looked
            self._listings.pop(log, None)
            return self._of(log, self._kept_place(log, first), start, length)

    def read_tail(self, log: int, first: int, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes of a segment, or all, and its size."""
        place = self._place(log, first)
        try:
            return self._end(log, place, length)
        except EntryAbsent:
            self._listings.pop(log, None)
            return self._end(log, self._place(log, first), length)

    def where(self, log: int, first: int) -> str:
        """What a person would call the segment, and which bytes of a pack it is if it lies in one."""
        place = self._place(log, first)
        name = self._called(log, place.name)
        if place.size is None:
            return name
        return f"{name}, bytes {place.start}-{place.start + place.size - 1}"

    def read_snapshot(self, log: int, start: int, end: int) -> bytes:
        """A snapshot's bytes."""
        return self._bytes(log, snapshot_name(start, end), 0, None)

    def create_snapshot(self, log: int, start: int, end: int, data: bytes) -> None:
        """Keep a snapshot beside the segments."""
        self._beside(log, snapshot_name(start, end), iter((data,)))

    def drop_snapshot(self, log: int, start: int, end: int) -> None:
        """Remove it."""
        self._remove(log, [snapshot_name(start, end)])

    def pack(self, log: int, firsts: Sequence[int], end: int) -> None:
        """Write the pack and give it its name; then ``tidy`` checks it and removes the segments."""
        self._beside(log, pack_name(firsts[0], end), pack_pieces(self._reads(log, firsts), firsts))
        self.tidy(log)

    def expire(self, log: int, pack: tuple[int, int], left: bytes) -> None:
        """Put what is left of a pack beside it; then ``tidy`` moves the marker and removes the pack."""
        self._beside(log, gone_name(*pack), iter((left,)))
        self.tidy(log)

    def tidy(self, log: int) -> list[str]:
        """Remove segments that a pack holds, and packs that another holds. Their names stay taken:
        the marker moves first, and who creates a segment looks at it behind the creation.
        """
        listing = self.listing(log)
        names = [segment_name(first) for first in listing.orphans]
        names += [pack_name(*pack) for pack in (*listing.needless, *listing.packs_too)]
        if not names:
            return []
        self._check_packed(
            log,
            [first for first in listing.orphans if listing.pack_of(first) not in listing.gone],
        )
        for pack in listing.packs_too:
            self._index(log, pack)  # what is left can be read; SegmentDamaged if not
        self._move_marker(log, listing.packs[-1][1])
        self._remove(log, names)
        return [self._called(log, name) for name in names]

    def _reads(self, log: int, firsts: Sequence[int]) -> Iterator[bytes]:
        """These segments, one after the other."""
        return (self.read(log, first) for first in firsts)

    def _check_packed(self, log: int, firsts: Sequence[int]) -> None:
        """That packs hold these segments whole, as they would be read. Raises SegmentDamaged."""
        for first in firsts:
            data = self.read(log, first)
            with suppress(EntryAbsent):  # another builder has removed it
                if self._bytes(log, segment_name(first), 0, None) != data:
                    # The pack is damaged, or the segment is the late word of a fenced owner.
                    decode_segment(data, self.where(log, first))

    def _firsts(self, log: int, listing: Listing, start: int) -> list[int]:
        found: list[int] = []
        for pack in listing.packs:
            if pack[1] > start:
                found += (n for n in self._index(log, pack).firsts if not found or n > found[-1])
        found += listing.loose
        found.sort()
        return found[max(bisect_right(found, start) - 1, 0) :]

    def _pack_name(self, log: int, pack: tuple[int, int]) -> str:
        return gone_name(*pack) if pack in self._listing(log).gone else pack_name(*pack)

    def _index(self, log: int, pack: tuple[int, int]) -> PackIndex:
        name = self._pack_name(log, pack)
        found = self._indexes.get((log, name))
        if found is None:
            found = self._indexes[log, name] = self._read_index(log, name, pack[0])
            if len(self._indexes) > _INDEXES_KEPT:
                self._indexes.popitem(last=False)
        return found

    def _read_index(self, log: int, name: str, first: int) -> PackIndex:
        called = self._called(log, name)
        if self._bytes(log, name, 0, len(PACK_MAGIC)) != PACK_MAGIC:
            raise SegmentDamaged(f"{called}: does not start as a pack does")
        trailer, size = self._tail(log, name, PACK_TRAILER_BYTES)
        tail, _ = self._tail(log, name, pack_tail_bytes(trailer, called))
        return decode_pack_tail(tail, size, first, called)

    def _place(self, log: int, first: int) -> Place:
        """Where a segment lies; by itself if nobody knows better."""
        pack = self._listing(log).pack_of(first)
        if pack is None:
            return Place(segment_name(first))
        name = self._pack_name(log, pack)
        row = self._index(log, pack).place(first)
        if row is None:
            called = self._called(log, name)
            raise SegmentDamaged(f"{called} has no segment that begins with entry {first}")
        return Place(name, *row, gone=name.endswith(".gone"))

    def _kept_place(self, log: int, first: int) -> Place:
        """The same, of entries that have not expired."""
        place = self._place(log, first)
        if place.gone:
            called = self._called(log, place.name)
            raise EntryExpired(f"{called}: these entries have expired; only hashes are left")
        return place

    def _of(self, log: int, place: Place, start: int, length: int | None) -> bytes:
        if place.size is not None:
            left = place.size - start
            length = left if length is None else min(length, left)
        if length is not None and length <= 0:
            return b""
        return self._bytes(log, place.name, place.start + start, length)

    def _end(self, log: int, place: Place, length: int) -> tuple[bytes, int]:
        if place.size is None:
            return self._tail(log, place.name, length)
        if place.gone:
            data = self._bytes(log, place.name, place.start, place.size)
            return data[8:], int.from_bytes(data[:8], "big")
        start = max(0, place.size - length)
        return self._of(log, place, start, None), place.size
