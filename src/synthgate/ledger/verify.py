"""The verifier's core: one log and its checkpoints, every byte held against every other; writes nothing.

What it reads and how is written down in ``src/FORMAT.md``, from which others can write their own. It
needs no key but the public one of the checkpoints, and does not stop at the first fault.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.crypto.notes import NoteError
from synthgate.ledger.checkpoint import Checkpoint, Published, parse_checkpoint
from synthgate.ledger.entry_check import EntryCheck
from synthgate.ledger.errors import (
    CheckpointDamaged,
    EntryDamaged,
    EntryExpired,
    SegmentDamaged,
    StoreFailed,
)
from synthgate.ledger.log_ids import is_records, partition_of
from synthgate.ledger.merkle import HASH_BYTES
from synthgate.ledger.reader import checked_place, read_ahead, read_footer
from synthgate.ledger.segment import MAGIC, Footer, decode_entry, decode_footer, leaf_hash
from synthgate.ledger.store import SegmentStore
from synthgate.ledger.taken import Said, Taken
from synthgate.ledger.tree_check import TreeCheck

LOOKS: Final = 4
LOOK_SECONDS: Final = 0.05
_UNFIT = (ValueError, TypeError, LookupError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written. ``where``: file, with entry and bytes where known."""

    kind: str
    where: str
    detail: str


@dataclass(slots=True)
class Verified:
    """What came of one log. ``proved``: entries under the newest checkpoint. ``holes``: (source, from,
    to) of offsets no entry accounts for and of which no row of ``records.door`` was given.
    ``waiting``: of offsets the door took behind the last entry: on their way, or lost.
    """

    log: int
    entries: int = 0
    expired: int = 0
    bytes: int = 0
    segments: int = 0
    checkpoints: int = 0
    proved: int = 0
    root: str = ""
    holes: list[tuple[str, int, int]] = field(default_factory=list)
    waiting: list[tuple[str, int, int]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        """As JSON-able data."""
        return {
            "log": self.log,
            "entries": self.entries,
            "expired": self.expired,
            "bytes": self.bytes,
            "segments": self.segments,
            "checkpoints": self.checkpoints,
            "proved": self.proved,
            "root": self.root,
            "holes": [list(hole) for hole in self.holes],
            "waiting": [list(one) for one in self.waiting],
            "faults": [
                {"kind": one.kind, "where": one.where, "detail": one.detail} for one in self.faults
            ],
        }


class LogVerifier:
    """Verifies one log. ``held``: notes kept elsewhere that this log must lead to as well.

    ``door``: what the door says it took, against which holes are held.
    """

    def __init__(
        self,
        store: SegmentStore,
        log: int,
        published: Published,
        *,
        held: Sequence[tuple[str, str]] = (),
        door: Taken | None = None,
    ) -> None:
        self._store = store
        self._log = log
        self._published = published
        self._door = door
        self.found = Verified(log)
        self._claims = self._checkpoints(held)
        self._tree = TreeCheck(published.folder, self.found.proved)
        self._entries = EntryCheck()

    def run(self) -> Verified:
        """Read all of it. Raises StoreFailed where it cannot be read now."""
        found = self.found
        self._met(0)
        for first, read in read_ahead(self._store, self._log, self._firsts()):
            try:
                self._segment(first, read)
            except _UNFIT as error:  # a footer made by somebody who does not know how
                where = self._store.where(self._log, first)
                self._fault("segment", where, f"makes no sense: {error!r}")
        for claim, where in self._claims:
            gone = f"speaks of {claim.size} entries; the log has {found.entries}"
            hidden = "cannot be led to: entries before it are missing or unreadable"
            self._fault("checkpoint", where, gone if claim.size > found.entries else hidden)
        if self._tree.size == found.entries:
            self._tree.finish()
        for path, detail in self._tree.faults:
            self._fault("tile", path, detail)
        found.root = self._tree.root().hex()
        self._holes()
        return found

    def _firsts(self) -> list[int]:
        try:
            return self._store.firsts(self._log)
        except SegmentDamaged as error:  # a pack that cannot say what it holds
            self._fault("pack", str(error).partition(": ")[0], str(error))
            return self._store.listing(self._log).loose

    def _fault(self, kind: str, where: str, detail: str) -> None:
        self.found.faults.append(Fault(kind, where, detail))

    def _checkpoints(self, held: Sequence[tuple[str, str]]) -> list[tuple[Checkpoint, str]]:
        """All signed claims about this log, by size; those that are none are faults."""
        published = self._published
        claims: list[tuple[Checkpoint, str]] = []
        for size in published.sizes():
            try:
                claims.append((published.read(size), str(published.path(size))))
            except CheckpointDamaged as error:
                self._fault("checkpoint", str(published.path(size)), str(error))
            except StoreFailed:
                if published.path(size).exists():
                    raise  # else it was thinned out meanwhile, on a running log
        self.found.checkpoints = len(claims)
        self.found.proved = max((one.size for one, _ in claims), default=0)
        if not any(_shows_newest(published) for _ in range(LOOKS)):
            copy = str(published.folder / "checkpoint")
            self._fault("checkpoint", copy, "is not the newest that was published")
        for where, note in held:
            try:
                claims.append((parse_checkpoint(note, published.verifier, where), where))
            except (CheckpointDamaged, NoteError) as error:
                self._fault("checkpoint", where, str(error))
        return sorted(claims, key=lambda claim: claim[0].size)

    def _segment(self, first: int, read: Callable[[], bytes]) -> None:
        found = self.found
        where = self._store.where(self._log, first)
        if first != found.entries:
            missing = f"entries {found.entries} to {first - 1} are missing before it"
            again = f"it begins before entry {found.entries}, where the last one ended"
            self._fault("segment", where, missing if first > found.entries else again)
        found.segments += 1
        try:
            data = read()
        except EntryExpired:
            self._expired(first)
            return
        found.bytes += len(data)
        try:
            footer = checked_place(decode_footer(data, len(data), where), self._log, first, where)
            if not data.startswith(MAGIC):
                self._fault("segment", where, "does not start as a segment does")
        except SegmentDamaged as error:
            self._fault("segment", where, str(error))
            return
        self._rows(footer, data, where)
        self._leaves(footer)
        self._entries.fold(footer)
        found.entries = max(found.entries, footer.end)

    def _expired(self, first: int) -> None:
        """Of what has expired the footer is left: its leaves and origins count, nothing else can be checked."""
        try:
            footer = read_footer(self._store, self._log, first)
        except SegmentDamaged as error:
            self._fault("segment", self._store.where(self._log, first), str(error))
            return
        self._leaves(footer)
        self._entries.fold(footer)
        self.found.expired += footer.count
        self.found.entries = max(self.found.entries, footer.end)

    def _rows(self, footer: Footer, data: bytes, where: str) -> None:
        starts = footer.starts
        for row in range(footer.count):
            entry = data[starts[row] : starts[row + 1]]
            if leaf_hash(entry) != footer.leaf(row):
                faults = ["is not what was stored"]
            else:
                try:
                    faults = self._entries.faults(footer, row, decode_entry(entry, "entry")[0])
                except EntryDamaged as error:
                    faults = [str(error)]
            for detail in faults:
                place = f"{where}, entry {self._log}/{footer.first + row}"
                self._fault("entry", f"{place}, bytes {starts[row]}-{starts[row + 1] - 1}", detail)

    def _leaves(self, footer: Footer) -> None:
        """Add the leaves; where a checkpoint ends among them, its root must come out."""
        if footer.first != self._tree.size:
            return  # a gap was reported; no root can come out any more
        done = 0
        while self._claims and self._claims[0][0].size <= footer.end:
            upto = self._claims[0][0].size - footer.first
            self._tree.add(footer.leaves[done * HASH_BYTES : upto * HASH_BYTES])
            done = upto
            self._met(self._tree.size)
        self._tree.add(footer.leaves[done * HASH_BYTES :])

    def _met(self, size: int) -> None:
        """The claims of just this size, held against the root."""
        while self._claims and self._claims[0][0].size == size:
            claim, where = self._claims.pop(0)
            if self._tree.root() != claim.root:
                detail = f"the log's first {size} entries hash to another root"
                self._fault("checkpoint", where, detail)

    def _holes(self) -> None:
        partition = partition_of(self._log)
        for epoch, topic, start, end in self._entries.holes():
            if "~" in topic:
                continue  # marked origins: those of conflicts, nobody's sequence
            source = f"{epoch}/{topic}/{partition}"
            if is_records(self._log):  # it says itself where there was nothing
                detail = f"no entry accounts for it, nor up to {end - 1}"
                self._fault("origin", f"{source}/{start}", detail)
            elif self._door is None:
                self.found.holes.append((source, start, end))
            else:
                for said, first, behind in self._door.said(epoch, topic, partition, start, end):
                    self._missing(said, source, first, behind)
        if self._door is not None and not is_records(self._log):
            self._ends(self._door, partition)

    def _ends(self, door: Taken, partition: int) -> None:
        """What the door took before the first entry of a source, and behind the last."""
        for epoch, topic, low, high in door.sources(partition):
            source = f"{epoch}/{topic}/{partition}"
            first, behind = self._entries.span(epoch, topic)
            for said, start, end in door.said(epoch, topic, partition, low, first):
                self._missing(said, source, start, end)
            for said, start, end in door.said(epoch, topic, partition, max(low, behind), high):
                if said is Said.TAKEN:
                    self.found.waiting.append((source, start, end))

    def _missing(self, said: Said, source: str, start: int, end: int) -> None:
        """Offsets that no entry accounts for, by what the door says of them."""
        if said is Said.OUTSIDE:
            self.found.holes.append((source, start, end))
        elif said is not Said.ABSENT:
            more = "" if end - start == 1 else f", nor up to {end - 1}"
            self._fault("origin", f"{source}/{start}", f"{said} and no entry accounts for it{more}")


def _shows_newest(published: Published) -> bool:
    """Whether the copy that C2SP clients ask for is the newest checkpoint; if not, a moment has passed.

    Who publishes on a running log writes the one after the other, each with a sync.
    """
    copy, sizes = published.folder / "checkpoint", published.sizes()
    if not sizes and not copy.exists():
        return True
    if sizes and copy.exists() and copy.read_bytes() == published.path(sizes[-1]).read_bytes():
        return True
    time.sleep(LOOK_SECONDS)
    return False
