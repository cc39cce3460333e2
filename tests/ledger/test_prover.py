"""Tiles and checkpoints of real logs: accepted by others' code, and never at odds with the past."""

import errno
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from ledger.builders import SIGNING, a_draft, a_log, a_prover, a_store, filled
from ledger.ops import PowerCutOps, StepOps, at_step, failing, kill_this_process, killed, steps_of
from ledger.test_merkle import naive
from ledger.test_tiles import leaves as some_leaves
from synthgate.crypto.notes import Verifier
from synthgate.ledger.checkpoint import Checkpoint, Published
from synthgate.ledger.errors import (
    CheckpointConflict,
    CheckpointDamaged,
    StoreFailed,
    StoreFull,
)
from synthgate.ledger.merkle import EMPTY_ROOT, consistent, included
from synthgate.ledger.tiles import Tiles

SIZES = (1, 2, 255, 1, 40, 300)
GO = Path(__file__).parent / "tlog"


def roots(folder: Path) -> list[bytes]:
    """The root at every size, computed from the entries as stored."""
    log = a_log(folder)
    found = [bytes.fromhex(log.receipt(index).hash) for index in range(log.head)]
    return [naive(found[:size]) for size in range(log.head + 1)]


def test_each_build_continues_the_last(tmp_path: Path) -> None:
    prover = a_prover(tmp_path)
    assert (prover.build().size, prover.build().root) == (0, EMPTY_ROOT)
    done = []
    for step, size in enumerate(SIZES):
        log = filled(tmp_path, [size])
        if step % 2:
            prover = a_prover(tmp_path)  # a new process finds what the last one made
        done.append(prover.build())
        assert done[-1].size == log.head
        assert prover.build() == done[-1]
    true = roots(tmp_path)
    assert [one.root for one in done] == [true[one.size] for one in done]
    newest = prover.published.current()
    assert newest == done[-1]
    for index in (0, 1, 256, 257, log.head - 1):
        path = prover.inclusion(index, log.head)
        leaf = bytes.fromhex(log.receipt(index).hash)
        assert included(leaf, index, log.head, path, newest.root)
    for old in done:
        path = prover.consistency(old.size, log.head)
        assert consistent(old.size, log.head, path, old.root, newest.root)


def test_rebuilt_tiles_are_the_same_bytes(tmp_path: Path) -> None:
    filled(tmp_path, SIZES)
    prover = a_prover(tmp_path)
    before = prover.build()
    tile = tmp_path / "proofs/00000/tile"
    files = {path: path.read_bytes() for path in tile.rglob("*") if path.is_file()}
    assert prover.rebuild() == before
    shutil.rmtree(tile)
    assert a_prover(tmp_path).build() == before
    assert {path: path.read_bytes() for path in tile.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_tile_is_made_again(tmp_path: Path, damage: str) -> None:
    filled(tmp_path, SIZES)
    a_prover(tmp_path).build()
    path = tmp_path / "proofs/00000/tile/0/002.p/87"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:-1] if damage == "cut" else b"!" + whole[1:])
    log = filled(tmp_path, [5])
    assert a_prover(tmp_path).build().root == roots(tmp_path)[log.head]


def test_a_log_that_lost_entries_is_not_signed(tmp_path: Path) -> None:
    log = filled(tmp_path, [3, 4])
    prover = a_prover(tmp_path)
    prover.build()
    last = Path(a_store(tmp_path).where(0, 3))
    kept = last.read_bytes()
    last.unlink()
    for again in (prover, a_prover(tmp_path)):
        with pytest.raises(CheckpointConflict, match="Restore the log"):
            again.build()
    shutil.rmtree(tmp_path / "proofs/00000/tile")
    with pytest.raises(CheckpointConflict, match="entries are gone"):
        a_prover(tmp_path).build()
    last.write_bytes(kept)
    assert a_prover(tmp_path).build().size == log.head


def test_a_log_that_was_rewritten_is_not_signed(tmp_path: Path) -> None:
    filled(tmp_path, [3, 4])
    prover = a_prover(tmp_path)
    newest = prover.build()
    Path(a_store(tmp_path).where(0, 3)).unlink()
    log = a_log(tmp_path)
    log.append([a_draft(n, content=b"other") for n in range(3, 9)], 5)
    for again in (prover, a_prover(tmp_path)):
        with pytest.raises(CheckpointConflict):
            again.build()
    with pytest.raises(CheckpointConflict, match="entries were changed"):
        prover.rebuild()
    assert prover.published.newest() == newest


def test_another_name_or_key_is_refused(tmp_path: Path) -> None:
    filled(tmp_path, [3])
    a_prover(tmp_path).build()
    filled(tmp_path, [3])
    for changes in ({"log_name": "other.example"}, {"private": b"d" * 32, "public": b"e" * 32}):
        with pytest.raises(CheckpointDamaged, match="not signed by"):
            a_prover(tmp_path, **changes).build()


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, bytes]:
    """A log that has grown since it was last built, how many steps a build takes, and its root."""
    folder = tmp_path_factory.mktemp("grown") / "log"
    filled(folder, [200])
    a_prover(folder).build()
    filled(folder, [100, 3])
    shutil.copytree(folder, folder.parent / "model")
    steps = steps_of(lambda ops: a_prover(folder.parent / "model", ops).build())
    assert len(steps) > 20
    return folder, len(steps), roots(folder)[303]


def test_killed_at_every_step(grown: tuple[Path, int, bytes], tmp_path: Path) -> None:
    folder, steps, root = grown
    for number in range(steps):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        ops = StepOps(before=at_step(number, kill_this_process))
        was_killed, _ = killed(lambda ops=ops, here=here: str(a_prover(here, ops).build()).encode())
        assert was_killed
        prover = a_prover(here)
        assert prover.build().root == root
        assert prover.published.current() == prover.published.newest()
        assert list((here / "proofs").rglob("*.tmp")) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_error_at_every_step_is_mended_by_the_next_build(
    grown: tuple[Path, int, bytes], tmp_path: Path, code: int
) -> None:
    folder, steps, root = grown
    for number in range(1, steps):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        prover = a_prover(here, StepOps(before=failing(number, code)))
        with suppress(StoreFull, StoreFailed):
            prover.build()
        assert prover.build().root == root


def test_no_checkpoint_of_a_segment_that_a_power_cut_can_take(tmp_path: Path) -> None:
    """An owner has linked a segment and not yet synced its name; the builder sees it."""
    ops = PowerCutOps()
    filled(tmp_path / "up", [3])
    a_store(tmp_path / "up", ops).claim(0)
    for path in (tmp_path / "up/logs/00000").iterdir():
        ops.sync(os.open(path, os.O_RDONLY))
    owner = a_log(tmp_path / "up", ops)
    ops.before = lambda step: (
        (_ for _ in ()).throw(KeyboardInterrupt) if step == "sync_folder" else None
    )
    with pytest.raises(KeyboardInterrupt):
        owner.append([a_draft(n) for n in range(3, 6)], 9)
    ops.before = lambda step: None
    a_prover(tmp_path / "up", ops).build()
    ops.cut(tmp_path / "up/logs", tmp_path / "down/logs", all_names=False)
    shutil.copytree(tmp_path / "up/proofs", tmp_path / "down/proofs")
    assert a_prover(tmp_path / "down").build().size == 6


def test_the_go_checksum_database_code_accepts_log_tiles_and_checkpoints(tmp_path: Path) -> None:
    program = built(tmp_path)
    here = tmp_path / "log"
    log = filled(here, [300])
    prover = a_prover(here)
    old = prover.build()
    log = filled(here, [*SIZES, 1_000])
    prover.build()
    leaves = tmp_path / "leaves"
    stored = (log.receipt(index).hash for index in range(log.head))
    leaves.write_bytes(b"".join(map(bytes.fromhex, stored)))
    folder = here / "proofs/00000"
    asked = [program, folder, prover.published.verifier.encoded(), leaves, str(old.size)]
    assert said(asked) == f"accepted {log.head}"
    leaves.write_bytes(leaves.read_bytes()[:-1] + b"!")
    assert "accepted" not in said(asked)


def test_it_accepts_a_tree_of_three_levels_too(tmp_path: Path) -> None:
    program = built(tmp_path)
    joined = some_leaves(0, 70_000)
    here = Published(tmp_path / "p", Verifier("log.example/00000", SIGNING.public))
    tiles = Tiles(tmp_path / "p")
    for start, end in ((0, 65_600), (65_600, 70_000)):
        tiles.extend(start, joined[start * 32 : end * 32])
        here.publish(Checkpoint("log.example/00000", end, tiles.root(end)), SIGNING.private)
    (tmp_path / "leaves").write_bytes(joined)
    asked = [program, tmp_path / "p", here.verifier.encoded(), tmp_path / "leaves", "65600"]
    assert said(asked) == "accepted 70000"


def built(folder: Path) -> Path:
    """The Go program; not run without Go or its module, but for CI, which insists."""
    insists = os.environ.get("CI") == "true"
    if shutil.which("go") is None:
        (pytest.fail if insists else pytest.skip)("no Go on this machine")
    program = folder / "tlog-check"
    environ = os.environ | {"GOFLAGS": "-mod=mod"}
    made = subprocess.run(
        ["go", "build", "-o", program, "."],
        cwd=GO, capture_output=True, text=True, check=False, timeout=100, env=environ,
    )  # fmt: skip
    if made.returncode:
        (pytest.fail if insists else pytest.skip)(f"Go cannot build it here: {made.stderr[-200:]}")
    return program


def said(command: list[object]) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout.strip().splitlines()[-1]
