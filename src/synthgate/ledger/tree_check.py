"""Recomputes a log's Merkle tree from its leaves, and holds the tiles on disk against it."""

from collections.abc import Iterator
from pathlib import Path

from synthgate.ledger.merkle import EMPTY_ROOT, HASH_BYTES, node_hash, parents
from synthgate.ledger.tiles import WIDTH, tile_path

_TILE_BYTES = WIDTH * HASH_BYTES
_HEIGHT = WIDTH.bit_length() - 1


class TreeCheck:
    """Fed leaves in order; keeps less than 256 hashes a level. ``folder``: where the tiles lie.

    ``proved``: the size of the newest checkpoint; tiles of it that are missing are a fault.
    """

    def __init__(self, folder: Path, proved: int) -> None:
        self.size = 0
        self.faults: list[tuple[str, str]] = []
        """(file, what is wrong with it)."""
        self._folder = folder
        self._proved = proved
        self._edges: list[bytearray] = []
        self._whole: list[int] = []

    def add(self, leaves: bytes) -> None:
        """The next leaf hashes, joined."""
        self.size += len(leaves) // HASH_BYTES
        level = 0
        while leaves:
            if level == len(self._edges):
                self._edges.append(bytearray())
                self._whole.append(0)
            edge = self._edges[level]
            edge += leaves
            up = []
            for start in range(0, len(edge) // _TILE_BYTES * _TILE_BYTES, _TILE_BYTES):
                rows = bytes(edge[start : start + _TILE_BYTES])
                self._hold(level, self._whole[level], rows)
                self._whole[level] += 1
                up.append(_folded(rows))
            del edge[: len(up) * _TILE_BYTES]
            leaves = b"".join(up)
            level += 1

    def root(self) -> bytes:
        """The root of what was added so far."""
        pieces = []
        for edge in reversed(self._edges):
            start = 0
            while start < len(edge):
                rows = 1 << ((len(edge) - start) // HASH_BYTES).bit_length() - 1
                pieces.append(_folded(bytes(edge[start : start + rows * HASH_BYTES])))
                start += rows * HASH_BYTES
        if not pieces:
            return EMPTY_ROOT
        found = pieces.pop()
        while pieces:
            found = node_hash(pieces.pop(), found)
        return found

    def finish(self) -> None:
        """Hold the tiles at the edge against what was added."""
        for level, edge in enumerate(self._edges):
            self._hold(level, self._whole[level], bytes(edge))

    def _hold(self, level: int, number: int, rows: bytes) -> None:
        """One tile: what is there must be right, what the newest checkpoint needs must be there."""
        needed = min(WIDTH, (self._proved >> _HEIGHT * level) - number * WIDTH)
        there = set()
        for width, path in self._found(level, number):
            there.add(width)
            if path.read_bytes() != rows[: width * HASH_BYTES] or len(rows) < width * HASH_BYTES:
                self.faults.append((str(path), "holds other hashes than the log has"))
        if needed > 0 and there.isdisjoint({needed, WIDTH}):
            path = self._folder / tile_path(level, number, needed)
            self.faults.append((str(path), "is missing: `synthgate log build --rebuild` makes it"))

    def _found(self, level: int, number: int) -> Iterator[tuple[int, Path]]:
        whole = self._folder / tile_path(level, number)
        if whole.is_file():
            yield WIDTH, whole
        partial = whole.with_name(whole.name + ".p")
        if partial.is_dir():
            for path in sorted(partial.iterdir()):
                if path.name.isdigit():
                    yield int(path.name), path


def _folded(rows: bytes) -> bytes:
    while len(rows) > HASH_BYTES:
        rows = parents(rows)
    return rows
