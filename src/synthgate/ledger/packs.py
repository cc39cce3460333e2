"""Packs: many segments in one object, and what of a log lies where.

    magic line
    segments, whole and unchanged, one after the other
    index: (first entry, start, size) of each segment, 8 bytes each
    trailer: index length (8), SHA-256 (32), end magic (8)

The trailer's hash runs over magic, index and its length; each segment holds its own. So packing changes
no entry and no index, and a pack is checked as segments are.
"""

import hashlib
import re
import struct
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from synthgate.ledger.errors import SegmentDamaged

PACK_MAGIC = b"synthgate pack 1\n"
PACK_MAX_BYTES = 256 * 1024 * 1024
_END = b"SGPACKND"
_TRAILER = struct.Struct(">Q32s8s")
PACK_TRAILER_BYTES = _TRAILER.size
_SEGMENT = re.compile(r"([0-9]{16})\.seg")
_PACK = re.compile(r"([0-9]{16})-([0-9]{16})\.pack")
_GONE = re.compile(r"([0-9]{16})-([0-9]{16})\.gone")
_SNAPSHOT = re.compile(r"([0-9]{16})-([0-9]{16})\.known")


class PackIndex(NamedTuple):
    """Columns: first entry, start in the file, and size of each segment."""

    firsts: Sequence[int]
    starts: Sequence[int]
    sizes: Sequence[int]

    def place(self, first: int) -> tuple[int, int] | None:
        """Start and size of the segment that begins with this entry, None if none does."""
        row = bisect_right(self.firsts, first) - 1
        if row < 0 or self.firsts[row] != first:
            return None
        return self.starts[row], self.sizes[row]


def encode_pack_tail(index: PackIndex) -> bytes:
    """What stands behind the last segment."""
    rows = array("Q", [value for row in zip(*index, strict=True) for value in row])
    rows.byteswap()
    data = rows.tobytes()
    return data + _TRAILER.pack(len(data), _hash(data), _END)


def pack_pieces(segments: Iterable[bytes], firsts: Sequence[int]) -> Iterator[bytes]:
    """A whole pack of these segments, piece by piece, as they come."""
    sizes: list[int] = []
    yield PACK_MAGIC
    for data in segments:
        sizes.append(len(data))
        yield data
    starts = list(accumulate(sizes[:-1], initial=len(PACK_MAGIC)))
    yield encode_pack_tail(PackIndex(firsts, starts, sizes))


def pack_tail_bytes(trailer: bytes, where: str) -> int:
    """How many bytes at the end hold index and trailer. Raises SegmentDamaged."""
    if len(trailer) != PACK_TRAILER_BYTES or not trailer.endswith(_END):
        raise SegmentDamaged(f"{where}: does not end as a pack does")
    return int(_TRAILER.unpack(trailer)[0]) + PACK_TRAILER_BYTES


def decode_pack_tail(tail: bytes, size: int, first: int, where: str) -> PackIndex:
    """The index of a pack of ``size`` bytes that begins with entry ``first``. Raises SegmentDamaged."""
    data, trailer = tail[:-PACK_TRAILER_BYTES], tail[-PACK_TRAILER_BYTES:]
    length, digest, _ = _TRAILER.unpack(trailer)
    if length != len(data) or length % 24 or not length or digest != _hash(data):
        raise SegmentDamaged(f"{where}: the index is not what was written")
    rows = array("Q", data)
    rows.byteswap()
    found = PackIndex(rows[0::3], rows[1::3], rows[2::3])
    ends = [start + size for start, size in zip(found.starts, found.sizes, strict=True)]
    if [*found.starts, size - len(tail)] != [len(PACK_MAGIC), *ends] or found.firsts[0] != first:
        raise SegmentDamaged(f"{where}: the index does not fit the file")
    return found


def _hash(index: bytes) -> bytes:
    return hashlib.sha256(PACK_MAGIC + index + len(index).to_bytes(8, "big")).digest()


def encode_gone(tails: Sequence[tuple[int, int, bytes]]) -> bytes:
    """What is left of a pack: (first entry, size the segment had, its footer and trailer) of each segment.

    A pack whose segments are cut down to their ends, each behind its former size (8 bytes).
    """
    pieces = [size.to_bytes(8, "big") + tail for _, size, tail in tails]
    sizes = [len(piece) for piece in pieces]
    starts = list(accumulate(sizes[:-1], initial=len(PACK_MAGIC)))
    index = PackIndex([first for first, _, _ in tails], starts, sizes)
    return b"".join((PACK_MAGIC, *pieces, encode_pack_tail(index)))


class Listing:
    """What of one log lies where: segments by themselves, and packs, which count where both stand.

    ``marker`` changes with every pack, before any segment of it is removed: who has looked at it sees
    no name that was freed since.
    """

    def __init__(self, names: Iterable[str], marker: object) -> None:
        self.marker = marker
        self.snapshots: list[tuple[int, int]] = []
        self.packs: list[tuple[int, int]] = []
        self.needless: list[tuple[int, int]] = []
        """Packs that lie within others."""
        self.gone: set[tuple[int, int]] = set()
        """Those of ``packs`` that have expired: only their segments' footers are left."""
        self.loose: list[int] = []
        self.orphans: list[int] = []
        """Segments by themselves though a pack holds these entries: a removal that was cut short, or the
        late word of an owner that was fenced."""
        packs, loose = [], []
        for name in names:
            if match := _SEGMENT.fullmatch(name):
                loose.append(int(match[1]))
            elif match := _PACK.fullmatch(name):
                packs.append((int(match[1]), int(match[2])))
            elif match := _GONE.fullmatch(name):
                self.gone.add((int(match[1]), int(match[2])))
            elif match := _SNAPSHOT.fullmatch(name):
                self.snapshots.append((int(match[1]), int(match[2])))
        self.packs_too = sorted(self.gone.intersection(packs))
        """Packs that stand beside what is left of them: their removal was cut short."""
        for first, end in sorted({*packs, *self.gone}, key=lambda pack: (pack[0], -pack[1])):
            known = self.packs if not self.packs or end > self.packs[-1][1] else self.needless
            known.append((first, end))
        for first in sorted(loose):
            (self.loose if self.pack_of(first) is None else self.orphans).append(first)

    def pack_of(self, index: int) -> tuple[int, int] | None:
        """The pack that holds an entry."""
        found = self.last_pack(index)
        return None if found is None or index >= found[1] else found

    def last_pack(self, index: int) -> tuple[int, int] | None:
        """The last pack that begins at an entry or before it."""
        place = bisect_right(self.packs, (index, 1 << 62)) - 1
        return self.packs[place] if place >= 0 else None

    def loose_of(self, index: int) -> int | None:
        """The segment by itself that may hold an entry: the last that begins at it or before."""
        place = bisect_right(self.loose, index) - 1
        return self.loose[place] if place >= 0 else None


def segment_name(first: int) -> str:
    """A segment's name in its log's folder."""
    return f"{first:016d}.seg"


def pack_name(first: int, end: int) -> str:
    """The name of a pack of the entries from ``first`` up to, not including, ``end``."""
    return f"{first:016d}-{end:016d}.pack"


def gone_name(first: int, end: int) -> str:
    """The name of what is left of a pack that has expired."""
    return f"{first:016d}-{end:016d}.gone"


def snapshot_name(start: int, end: int) -> str:
    """The name of a snapshot of these entries."""
    return f"{start:016d}-{end:016d}.known"
