"""Where segments lie: created only if absent, never changed. The creation is the fence.

The protocol; ``local_store.py`` is a folder.
"""

from collections.abc import Sequence
from typing import Protocol

from synthgate.ledger.packs import Listing


class SegmentStore(Protocol):
    """Immutable segments, named by log and first index. An object store fits as well as a folder.

    Whether a segment lies by itself or in a pack is the store's business. Every method may raise
    StoreFailed; reading what is not there raises EntryAbsent.
    """

    at_once: int
    """How many reads at once are quicker than one after the other."""

    def claim(self, log: int, start: int = 0) -> list[int]:
        """Take a log over: fence writers caught in mid-creation; return the first indexes of the
        segments that stand, in order, all durable by now, from the one that holds ``start`` on.
        """
        ...

    def create(self, log: int, first: int, data: bytes) -> None:
        """Create a segment, durably, if none has this name.

        Raises Fenced if one has or another owner claimed the log; StoreFull if there is no room,
        and then nothing was created; StoreFailed if it cannot be known.
        """
        ...

    def logs(self) -> list[int]:
        """The logs there are, in order."""
        ...

    def firsts(self, log: int, start: int = 0) -> list[int]:
        """The first indexes of a log's segments, in order, from the one that holds ``start`` on.
        For readers: fences nobody.
        """
        ...

    def settled(self, log: int, start: int = 0) -> list[int]:
        """The same of the segments that stand for good."""
        ...

    def holder(self, log: int, index: int, *, fresh: bool) -> int | None:
        """The first index of the segment that may hold ``index``: the last at or before it.

        Unless ``fresh``, a segment made since the store last looked may be overlooked.
        """
        ...

    def read(self, log: int, first: int) -> bytes:
        """A whole segment."""
        ...

    def read_range(self, log: int, first: int, start: int, length: int) -> bytes:
        """Some bytes of a segment; fewer where it ends."""
        ...

    def read_tail(self, log: int, first: int, length: int) -> tuple[bytes, int]:
        """The last ``length`` bytes of a segment, or all, and the segment's size."""
        ...

    def set_aside(self, log: int, first: int) -> str:
        """Take a damaged segment out of the log, keeping its bytes; return where they are."""
        ...

    def where(self, log: int, first: int) -> str:
        """What a person would call this segment."""
        ...

    def listing(self, log: int) -> Listing:
        """What lies where now: for who packs and takes snapshots."""
        ...

    def pack(self, log: int, firsts: Sequence[int], end: int) -> None:
        """Put these segments, which follow one another up to ``end``, into a pack, check it, and
        remove them where they lie by themselves. Raises StoreFull and then nothing was changed.
        """
        ...

    def expire(self, log: int, pack: tuple[int, int], left: bytes) -> None:
        """Replace a pack by what is left of it (``packs.encode_gone``). Raises StoreFull."""
        ...

    def tidy(self, log: int) -> list[str]:
        """Remove what a pack holds as well; return what was removed."""
        ...

    def create_snapshot(self, log: int, start: int, end: int, data: bytes) -> None:
        """Keep a snapshot of these entries, durably, unless it is there. Raises StoreFull."""
        ...

    def read_snapshot(self, log: int, start: int, end: int) -> bytes:
        """A snapshot's bytes."""
        ...

    def drop_snapshot(self, log: int, start: int, end: int) -> None:
        """Remove a snapshot that is of no use."""
        ...
