"""Merkle tiles (C2SP tlog-tiles): the tree's hashes in files of 256, made from leaves alone.

``tile/<level>/<number>``: 256 hashes of the tree's level 8 * <level>; at the growing edge
``<number>.p/<width>`` holds the first <width> of them, and goes when the whole tile stands. A tile
never changes, so it is created only if absent. Everything here can be removed and made again.
"""

import shutil
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path

from synthgate.ledger.errors import StoreFailed, StoreFull, TilesDamaged
from synthgate.ledger.files import FULL, FileOps
from synthgate.ledger.merkle import HASH_BYTES, parents, tree_root

_HEIGHT = 8
WIDTH = 1 << _HEIGHT
_TILES_KEPT = 8
"""In memory: those at the edge, and what a proof asks for; of each log a worker proves."""


def tile_path(level: int, number: int, width: int = WIDTH) -> str:
    """A tile's path below the log's folder: ``tile/0/x001/x234/067``, partial ones ``….p/<width>``."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    partial = "" if width == WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"


class Tiles:
    """The tiles of one log. Raises TilesDamaged for what is missing or not a tile, StoreFull and
    StoreFailed as a store does.
    """

    def __init__(self, folder: Path, ops: FileOps | None = None) -> None:
        self.folder = folder
        self._ops = ops or FileOps()
        self._kept: OrderedDict[tuple[int, int], bytes] = OrderedDict()

    def root(self, size: int) -> bytes:
        """The root of the first ``size`` leaves, from the tiles at the edge."""
        return tree_root(size, lambda level, index: self.node(level, index, size))

    def node(self, level: int, index: int, size: int) -> bytes:
        """The hash of a complete subtree of 2**level leaves, in a tree of ``size``."""
        high, low = divmod(level, _HEIGHT)
        row = index << low
        found = self.tile(high, row // WIDTH, size)
        found = found[row % WIDTH * HASH_BYTES : (row % WIDTH + (1 << low)) * HASH_BYTES]
        for _ in range(low):
            found = parents(found)
        if len(found) != HASH_BYTES:
            raise ValueError(f"subtree {index} of level {level} is not complete at {size}")
        return found

    def tile(self, level: int, number: int, size: int) -> bytes:
        """The hashes of a tile as a tree of ``size`` has it; of a partial one at least those."""
        rows = min(WIDTH, (size >> _HEIGHT * level) - number * WIDTH)
        kept = self._kept.get((level, number))
        if kept is None or len(kept) < rows * HASH_BYTES:
            kept = self._read(level, number, rows)
            self._keep(level, number, kept)
        return kept[: rows * HASH_BYTES]

    def extend(self, size: int, leaves: bytes) -> int:
        """Add leaves behind the first ``size``; return the new size, once its tiles are durable."""
        grown = size + len(leaves) // HASH_BYTES
        level = 0
        while leaves:
            have = size >> _HEIGHT * level
            number, width = divmod(have, WIDTH)
            rows = (self.tile(level, number, size) if width else b"") + leaves
            leaves = b""
            while len(rows) >= WIDTH * HASH_BYTES:
                whole, rows = rows[: WIDTH * HASH_BYTES], rows[WIDTH * HASH_BYTES :]
                self._create(level, number, whole)
                self._drop_partial(level, number)
                for _ in range(_HEIGHT):
                    whole = parents(whole)
                leaves += whole
                number += 1
            if rows:
                self._create(level, number, rows)
            level += 1
        return grown

    def remove(self) -> None:
        """Throw all tiles away."""
        self._kept.clear()
        shutil.rmtree(self.folder / "tile", ignore_errors=True)

    def _read(self, level: int, number: int, rows: int) -> bytes:
        whole = self.folder / tile_path(level, number)
        partial = self.folder / tile_path(level, number, rows)
        for path in dict.fromkeys((partial, whole)):
            with suppress(FileNotFoundError):
                try:
                    found = path.read_bytes()
                except OSError as error:
                    if isinstance(error, FileNotFoundError):
                        raise
                    raise StoreFailed(f"cannot read {path}: {error.strerror}") from error
                wanted = WIDTH if path == whole else rows
                if len(found) != wanted * HASH_BYTES:
                    raise TilesDamaged(f"{path} holds {len(found)} bytes")
                return found
        raise TilesDamaged(f"no tile {partial}")

    def _create(self, level: int, number: int, rows: bytes) -> None:
        path = self.folder / tile_path(level, number, len(rows) // HASH_BYTES)
        try:
            if not path.exists():
                self._ops.make_folder(path.parent)
                with suppress(FileExistsError):  # another builder was quicker
                    self._ops.write_new(path, rows, self.folder)
            if path.read_bytes() != rows:
                raise TilesDamaged(f"{path} holds other hashes")
        except OSError as error:
            kind = StoreFull if error.errno in FULL else StoreFailed
            raise kind(f"cannot create {path}: {error.strerror}") from error
        self._keep(level, number, rows)

    def _keep(self, level: int, number: int, rows: bytes) -> None:
        """Remember a tile, and forget the one that was kept the longest."""
        self._kept[level, number] = rows
        self._kept.move_to_end((level, number))
        if len(self._kept) > _TILES_KEPT:
            self._kept.popitem(last=False)

    def _drop_partial(self, level: int, number: int) -> None:
        shutil.rmtree(self.folder / f"{tile_path(level, number)}.p", ignore_errors=True)
