import errno
import hashlib
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.ops import StepOps, failing
from ledger.test_merkle import naive
from synthgate.ledger.errors import StoreFailed, StoreFull, TilesDamaged
from synthgate.ledger.merkle import included, inclusion
from synthgate.ledger.tiles import Tiles, tile_path


def leaves(start: int, end: int) -> bytes:
    return b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(start, end))


def split(joined: bytes) -> list[bytes]:
    return [joined[at : at + 32] for at in range(0, len(joined), 32)]


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [  # the examples of C2SP tlog-tiles
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
        (0, 273, 256, "tile/0/273"),
        (1, 1, 17, "tile/1/001.p/17"),
        (0, 0, 1, "tile/0/000.p/1"),
        (2, 1_000, 256, "tile/2/x001/000"),
    ],
)
def test_paths(level: int, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_growing_by_any_steps_gives_the_roots_of_rfc_6962(steps: list[int]) -> None:
    with TemporaryDirectory() as folder:
        size = 0
        for step in steps:
            grown = Tiles(Path(folder)).extend(size, leaves(size, size + step))
            assert grown == size + step
            size = grown
            found = Tiles(Path(folder))
            node = partial(found.node, size=size)
            assert found.root(size) == naive(split(leaves(0, size)))
            if size:
                path = inclusion(size - 1, size, node)
                assert included(leaves(size - 1, size), size - 1, size, path, found.root(size))


def test_the_files_of_a_tree_of_70000(tmp_path: Path) -> None:
    """The example of the specification: 273 whole tiles, one of 112, one level up 1 and 17 wide."""
    tiles = Tiles(tmp_path)
    tiles.extend(0, leaves(0, 70_000))
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {
        *(f"tile/0/{number:03d}" for number in range(273)),
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }


def test_a_partial_tile_goes_when_the_whole_one_stands(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    size = tiles.extend(0, leaves(0, 3))
    size = tiles.extend(size, leaves(3, 200))
    root = Tiles(tmp_path).root(200)
    tiles.extend(size, leaves(200, 256))
    assert [path.name for path in (tmp_path / "tile/0").iterdir()] == ["000"]
    assert Tiles(tmp_path).root(200) == root  # an older tree is read from the whole tile


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    tiles = Tiles(tmp_path)
    tiles.extend(0, leaves(0, 300))
    whole = tmp_path / "tile/0/000"
    before = whole.read_bytes()
    whole.write_bytes(before[:-1])
    with pytest.raises(TilesDamaged, match="000 holds 8191 bytes"):
        Tiles(tmp_path).node(0, 7, 300)
    whole.unlink()
    with pytest.raises(TilesDamaged, match="no tile"):
        Tiles(tmp_path).node(0, 7, 300)
    partial = tmp_path / "tile/0/001.p/44"
    partial.write_bytes(b"x" * len(partial.read_bytes()))
    with pytest.raises(TilesDamaged, match="holds other hashes"):
        Tiles(tmp_path).extend(256, leaves(256, 300))
    with pytest.raises(ValueError, match="not complete"):
        tiles.node(8, 1, 300)


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreFailed)])
def test_errors_at_every_step_leave_no_wrong_tile(
    tmp_path: Path, code: int, kind: type[Exception]
) -> None:
    for number in range(6):
        folder = tmp_path / str(number)
        with pytest.raises(kind):
            Tiles(folder, StepOps(before=failing(number, code))).extend(0, leaves(0, 5))
        Tiles(folder).extend(0, leaves(0, 5))
        assert Tiles(folder).root(5) == naive(split(leaves(0, 5)))


def test_a_tree_that_grows_for_ever_is_not_kept_in_memory(tmp_path: Path) -> None:
    tiles, size = Tiles(tmp_path), 0
    for _ in range(100):
        size = tiles.extend(size, b"leaf" * 8 * 256)
    held = sum(map(len, tiles._kept.values()))
    assert held <= 8 * 256 * 32, held
    assert len(tiles.root(size)) == 32
