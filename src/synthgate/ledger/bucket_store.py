"""A SegmentStore in a bucket: what ``LocalStore`` is in a folder, and why it holds there: decision 0028.

Objects appear whole or not at all, so nothing is left of a creation that was cut short. ``claim`` fences
nobody: the name does, for the next owner wants the same one.
"""

import re
import secrets
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeVar

from synthgate.bucket import Absent, Bucket, BucketAway
from synthgate.ledger.errors import EntryAbsent, Fenced, SegmentDamaged, StoreAway
from synthgate.ledger.packed_store import MARKER, PackedStore
from synthgate.ledger.packs import Listing, segment_name
from synthgate.ledger.reader import read_footer

AT_ONCE: Final = 16
_AGAIN: Final = 64
"""So many of the last names are listed again: one before the last may have been late."""
_KEPT_BYTES: Final = 64 << 20
_KEPT_BYTES_MAX: Final = 4 << 20
"""So much of segments that were read for one entry is kept, of those that are no larger."""
_IN_MEMORY_BYTES: Final = 16 << 20

Found = TypeVar("Found")


class BucketStore(PackedStore):
    """Segments of all logs below one prefix: ``<log>/<name>``, names as in a folder."""

    at_once = AT_ONCE

    def __init__(self, bucket: Bucket) -> None:
        super().__init__()
        self._bucket = bucket
        self._kept: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._large: set[tuple[int, str]] = set()
        self._lock = Lock()

    def claim(self, log: int, start: int = 0) -> list[int]:
        """List, then look behind the last segment: a listing may be older than a creation."""
        listing = self.listing(log)
        while (first := self._unlisted(log, listing)) is not None:
            listing.loose.append(first)
        return self._firsts(log, listing, start)

    def create(self, log: int, first: int, data: bytes) -> None:
        """One conditional PUT; then look whether this name had been taken before and was packed since."""
        name = segment_name(first)
        with store_errors():
            if not self._bucket.create(self._key(log, name), data):
                raise Fenced(f"another owner wrote {self._called(log, name)}")
        marker, listing = self._marker(log), self._listing(log)
        if listing.marker != marker:
            # Not by the number alone: a packer that slept as we did may have put an older one there.
            listing = self.listing(log)
        if first < _packed_to(marker) or listing.pack_of(first) is not None:
            raise Fenced(f"another owner wrote {self._called(log, name)}, and it was packed since")
        if listing.loose[-1:] != [first]:
            listing.loose.append(first)

    def logs(self) -> list[int]:
        """The logs there are, in order."""
        with store_errors():
            names = self._bucket.folders()
        return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{5,}", name))

    def settled(self, log: int, start: int = 0) -> list[int]:
        """What is listed stands for good."""
        return self.firsts(log, start)

    def set_aside(self, log: int, first: int) -> str:
        """Copy a segment under a name that is no part of the log, then remove it."""
        name = segment_name(first)
        aside = f"{name.removesuffix('.seg')}.{secrets.token_hex(4)}.torn"
        data = self._bytes(log, name, 0, None)
        with store_errors():
            self._bucket.create(self._key(log, aside), data)
            self._bucket.remove(self._key(log, name))
        self._listings.pop(log, None)
        with self._lock:
            self._kept_bytes -= len(self._kept.pop((log, name), b""))
        return self._called(log, aside)

    def _unlisted(self, log: int, listing: Listing) -> int | None:
        """The segment behind the last that was listed, if it is there."""
        if listing.loose:
            try:
                end = read_footer(self, log, listing.loose[-1]).end
            except SegmentDamaged:  # the owner's to judge
                return None
        else:
            end = listing.packs[-1][1] if listing.packs else 0
        with store_errors():
            found = self._bucket.size(self._key(log, segment_name(end)))
        return None if found is None else end

    def _look(self, log: int) -> Listing:
        """Names come page by page: whatever is packed meanwhile moves the marker, and is looked for again."""
        while True:
            marker = self._marker(log)
            with store_errors():
                names = [one.name for one in self._bucket.names(f"{log:05d}/")]
            listing = Listing(names, marker)
            if self._marker(log) != marker:
                continue
            if _packed_to(marker) > (listing.packs[-1][1] if listing.packs else 0):
                raise StoreAway("ledger", f"log {log}: the listing is behind the packs")
            return listing

    def _newest(self, log: int) -> Listing:
        """The last one, and what was created since: who proves a log asks every second, and names are many."""
        known = self._listings.get(log)
        if known is None or not known.loose or self._marker(log) != known.marker:
            return self.listing(log)
        after = segment_name(known.loose[max(len(known.loose) - _AGAIN, 0)])
        with store_errors():
            names = [one.name for one in self._bucket.names(f"{log:05d}/", after=after)]
        if self._marker(log) != known.marker:
            return self.listing(log)
        new = (first for first in Listing(names, None).loose if known.pack_of(first) is None)
        known.loose = sorted({*known.loose, *new})
        return known

    def _listing(self, log: int) -> Listing:
        """The last one: a name that was freed since is not there, and is then looked for again."""
        return self._listings.get(log) or self.listing(log)

    def _marker(self, log: int) -> bytes:
        try:
            return self._bytes(log, MARKER, 0, None)
        except EntryAbsent:
            return b""

    def _bytes(self, log: int, name: str, start: int, size: int | None) -> bytes:
        if size is not None and name.endswith(".seg") and (log, name) not in self._large:
            return self._whole(log, name)[start : start + size]
        with store_errors(self._called(log, name)):
            return self._bucket.get(self._key(log, name), start, size)

    def _whole(self, log: int, name: str) -> bytes:
        """A segment of which one entry is asked for: who asks for repeats asks for its neighbours next."""
        with self._lock:
            data = self._kept.get((log, name))
        if data is not None:
            return data
        data = self._bytes(log, name, 0, None)
        with self._lock:
            if len(data) > _KEPT_BYTES_MAX:
                self._large.add((log, name))
            elif (log, name) not in self._kept:
                self._kept[log, name] = data
                self._kept_bytes += len(data)
                while self._kept_bytes > _KEPT_BYTES:
                    self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        return data

    def _tail(self, log: int, name: str, length: int) -> tuple[bytes, int]:
        with store_errors(self._called(log, name)):
            data, size = self._bucket.tail(self._key(log, name), max(length, 1))
        return data[len(data) - length :] if length < len(data) else data, size

    def _beside(self, log: int, name: str, pieces: Iterator[bytes]) -> None:
        """By way of a file: a pack is larger than what one would hold."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as file:
            for piece in pieces:
                file.write(piece)
            with store_errors():
                self._bucket.create(self._key(log, name), file)

    def _move_marker(self, log: int, end: int) -> None:
        """The number counts, and never falls; the rest makes every move seen."""
        end = max(end, _packed_to(self._marker(log)))
        with store_errors():
            moved = b"%d %s\n" % (end, secrets.token_hex(8).encode())
            self._bucket.replace(self._key(log, MARKER), moved)

    def _remove(self, log: int, names: Sequence[str]) -> None:
        with store_errors():
            self._each(lambda name: self._bucket.remove(self._key(log, name)), names)

    def _reads(self, log: int, firsts: Sequence[int]) -> Iterator[bytes]:
        """A few ahead of what is asked for."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for start in range(0, len(firsts), AT_ONCE):
                part = firsts[start : start + AT_ONCE]
                yield from pool.map(lambda first: self.read(log, first), part)

    def _check_packed(self, log: int, firsts: Sequence[int]) -> None:
        """As in a folder, many at once: each is two requests."""
        check = super()._check_packed
        self._each(lambda first: check(log, [first]), firsts)

    def _each(self, act: Callable[[Found], None], rows: Sequence[Found]) -> None:
        with ThreadPoolExecutor(min(AT_ONCE, len(rows)) or 1) as pool:
            for _ in pool.map(act, rows):
                pass

    def _called(self, log: int, name: str) -> str:
        return f"{self._bucket.place}{self._key(log, name)}"

    def _key(self, log: int, name: str) -> str:
        return f"{log:05d}/{name}"


def _packed_to(marker: bytes) -> int:
    """Entries before this are in packs."""
    return int(marker.split()[0]) if marker else 0


@contextmanager
def store_errors(called: str = "") -> Iterator[None]:
    """Errors of the bucket as the store's."""
    try:
        yield
    except Absent:
        raise EntryAbsent(f"{called}: it is not there") from None
    except BucketAway as error:
        raise StoreAway("ledger", error.detail) from error
