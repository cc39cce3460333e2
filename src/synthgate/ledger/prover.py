"""The builder of tiles and checkpoints: reads footers, never writes to the log, signs what it proved.

It owns nothing. Two of them on one log make the same files, because segments never change; what
it has made can be removed but for the published checkpoints, and is made again from the footers.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthgate.crypto.notes import Verifier
from synthgate.ledger.checkpoint import Checkpoint, Published, origin_of
from synthgate.ledger.errors import CheckpointConflict, SegmentDamaged, TilesDamaged
from synthgate.ledger.files import FileOps
from synthgate.ledger.merkle import EMPTY_ROOT, HASH_BYTES, consistency, inclusion
from synthgate.ledger.reader import read_footer, read_footers
from synthgate.ledger.store import SegmentStore
from synthgate.ledger.tiles import Tiles

_LEAVES_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class CheckpointKey:
    """Who signs: the name all this installation's logs begin with, and an Ed25519 key, raw."""

    log_name: str
    private: bytes
    public: bytes


class Prover:
    """One log's tiles and checkpoints, under ``folder``. Not for two threads at once."""

    def __init__(
        self,
        store: SegmentStore,
        folder: Path,
        log: int,
        key: CheckpointKey,
        ops: FileOps | None = None,
    ) -> None:
        self.origin = origin_of(key.log_name, log)
        self.published = Published(folder, Verifier(self.origin, key.public), ops)
        self.tiles = Tiles(folder, ops)
        self._store = store
        self._log = log
        self._private = key.private
        self._proved: Checkpoint | None = None

    def build(self) -> Checkpoint:
        """Bring the tiles up to the log and publish a checkpoint of it; returns the newest.

        Raises:
            CheckpointConflict: the log contradicts what was published. Nothing was signed.
            CheckpointDamaged: a checkpoint of another name or key is in the way.
            SegmentDamaged, StoreFull, StoreFailed: nothing was signed; call again.
        """
        newest = self._proved or self._resume()
        firsts = self._store.settled(self._log, max(newest.size - 1, 0))
        try:
            size = self._extend(newest.size, firsts)
            root = self.tiles.root(size)
        except TilesDamaged:
            self._proved = None
            size, root = self._rebuild(newest)
        if size > newest.size or not self.published.sizes():
            newest = Checkpoint(self.origin, size, root)
            self.published.publish(newest, self._private)
        self._proved = newest
        return newest

    def rebuild(self) -> Checkpoint:
        """Throw the tiles away and make them from the log. Raises as ``build`` does."""
        self.tiles.remove()
        self._proved = None
        return self.build()

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that entry ``index`` is in the checkpoint of ``size``. Raises TilesDamaged."""
        return inclusion(index, size, lambda level, at: self.tiles.node(level, at, size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that one checkpoint continues another. Raises TilesDamaged."""
        return consistency(old, new, lambda level, at: self.tiles.node(level, at, new))

    def _resume(self) -> Checkpoint:
        """The newest checkpoint, on tiles that lead to its root: those there are, or made anew."""
        self.published.tidy()
        newest = self.published.newest() or Checkpoint(self.origin, 0, EMPTY_ROOT)
        try:
            if self.tiles.root(newest.size) != newest.root:
                raise TilesDamaged(f"the tiles of {self.origin} do not lead to its checkpoint")
        except TilesDamaged:
            self._rebuild(newest)
        return newest

    def _rebuild(self, newest: Checkpoint) -> tuple[int, bytes]:
        """All tiles anew. Raises CheckpointConflict where the log does not lead to ``newest``."""
        self.tiles.remove()
        size = self._extend(0, self._store.settled(self._log))
        if size < newest.size:
            raise CheckpointConflict(
                f"log {self._log} ends at {size}, but a checkpoint of {newest.size} entries was "
                f"published: entries are gone. Restore the log from a copy"
            )
        if self.tiles.root(newest.size) != newest.root:
            raise CheckpointConflict(
                f"the first {newest.size} entries of log {self._log} are not those whose "
                f"checkpoint was published: entries were changed. Restore the log from a copy"
            )
        return size, self.tiles.root(size)

    def _extend(self, size: int, firsts: Sequence[int]) -> int:
        """Add the log's leaves behind ``size``, once the log still holds the last one before it."""
        if size:
            self._check_last(size - 1, firsts)
        grown = size
        for leaves in self._leaves(size, firsts):
            grown = self.tiles.extend(grown, leaves)
        return grown

    def _check_last(self, index: int, firsts: Sequence[int]) -> None:
        place = bisect_right(firsts, index) - 1
        footer = read_footer(self._store, self._log, firsts[place]) if place >= 0 else None
        if footer is None or index >= footer.end:
            raise CheckpointConflict(
                f"a checkpoint of {index + 1} entries of log {self._log} was published, and entry "
                f"{index} is gone. Restore the log from a copy"
            )
        if footer.leaf(index - footer.first) != self.tiles.node(0, index, index + 1):
            raise CheckpointConflict(
                f"entry {index} of log {self._log} is not the one whose checkpoint was published. "
                f"Restore the log from a copy"
            )

    def _leaves(self, start: int, firsts: Sequence[int]) -> Iterator[bytes]:
        """The leaf hashes from ``start`` on, many segments' at once."""
        pieces: list[bytes] = []
        held = 0
        new = firsts[max(bisect_right(firsts, start) - 1, 0) :]
        for footer in read_footers(self._store, self._log, new):
            if footer.first > start:
                raise SegmentDamaged(
                    f"log {self._log} has no segment with entry {start}: restore it from a copy"
                )
            leaves = footer.leaves[(start - footer.first) * HASH_BYTES :]
            start = max(start, footer.end)
            pieces.append(leaves)
            held += len(leaves)
            if held >= _LEAVES_AT_ONCE * HASH_BYTES:
                yield b"".join(pieces)
                pieces, held = [], 0
        if held:
            yield b"".join(pieces)
