"""Packs and snapshots change nothing of what a log says, whoever is stopped where."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.builders import a_draft, a_log, a_prover, a_ring, a_store, an_id, an_origin
from ledger.ops import PowerCutOps, StepOps, at_step, failing, kill_this_process, killed, steps_of
from ledger.test_verify import faults, verified
from synthgate.ledger import Log, LogReader, Packer, expiry
from synthgate.ledger.errors import Fenced, SegmentDamaged, StoreFailed, StoreFull
from synthgate.ledger.files import FileOps
from synthgate.ledger.packer import HOUR_MS
from synthgate.ledger.snapshot import SnapshotMaker, chain, decode_snapshot

NOW_MS = 100 * HOUR_MS
OLD_MS = NOW_MS - 3 * HOUR_MS
BATCHES = (
    (OLD_MS, 2),
    (OLD_MS + 1, 3),
    (OLD_MS + HOUR_MS, 1),
    (NOW_MS - HOUR_MS // 2, 2),
    (NOW_MS, 1),
)


def a_grown(folder: Path) -> list[str]:
    """Five segments, three of them older than an hour; what their entries are, by hash."""
    log = a_log(folder)
    for at_ms, count in BATCHES:
        start = log.head
        drafts = [a_draft(n, id_hash=an_id(f"e{n}")) for n in range(start, start + count)]
        if start == 5:
            back = an_origin(0, "operator.events")
            drafts.append(a_draft(0, origin=back, root=an_origin(1), revision=2, answers=1))
        log.append(drafts, at_ms)
    a_prover(folder).build()
    return [log.receipt(index).hash for index in range(log.head)]


def pack(folder: Path, ops: FileOps | None = None, now_ms: int = NOW_MS) -> None:
    Packer(a_store(folder, ops), 0).run(now_ms)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "logs/00000").iterdir())


def said(log: Log | LogReader) -> list[str]:
    return [log.read(index).hash for index in range(log.find_head())]


def knows(log: Log) -> dict[str, Any]:
    """All that an owner answers from memory."""
    origins = [an_origin(n) for n in range(12)] + [an_origin(0, "operator.events")]
    return {
        "head": log.head,
        "logged": [log.logged(origin) for origin in origins],
        "latest": [log.latest(origin) for origin in origins],
        "answered": [log.answered(index) for index in range(12)],
        "missing": list(log.missing(1, "generation.events", 0, 20)),
        "ids": [log.first_with_id(an_id(f"e{n}"), NOW_MS - HOUR_MS) for n in range(12)],
    }


def test_what_is_old_is_packed_and_the_rest_stays(tmp_path: Path) -> None:
    before = a_grown(tmp_path)
    reader = LogReader(a_store(tmp_path), a_ring(tmp_path), 0)
    assert said(reader) == before
    pack(tmp_path)
    assert names(tmp_path) == [
        "0000000000000000-0000000000000007.pack",
        "0000000000000000-0000000000000010.known",
        "0000000000000007.seg",
        "0000000000000009.seg",
        "packed",
    ]
    assert said(reader) == before  # it had looked before
    assert said(a_log(tmp_path)) == before
    assert [entry.hash for entry in a_log(tmp_path).entries()] == before
    assert faults(tmp_path) == []
    assert a_prover(tmp_path).rebuild().size == 10
    pack(tmp_path)
    pack(tmp_path, now_ms=NOW_MS + 3 * HOUR_MS)
    assert said(reader) == said(a_log(tmp_path)) == before
    assert [name for name in names(tmp_path) if name.endswith(".seg")] == []
    log = a_log(tmp_path)
    log.append([a_draft(100)], NOW_MS)
    assert faults(tmp_path) == []
    assert said(reader) == said(a_log(tmp_path))


def test_packs_stay_below_their_size(tmp_path: Path) -> None:
    before = a_grown(tmp_path)
    Packer(a_store(tmp_path), 0, max_bytes=3_000).run(NOW_MS)
    packs = [name for name in names(tmp_path) if name.endswith(".pack")]
    assert packs == [
        "0000000000000000-0000000000000002.pack",
        "0000000000000002-0000000000000005.pack",
        "0000000000000005-0000000000000007.pack",
    ]
    assert said(a_log(tmp_path)) == before
    assert faults(tmp_path) == []


def test_a_new_owner_knows_the_same_by_snapshot_or_footers(tmp_path: Path) -> None:
    a_grown(tmp_path)
    by_footers = knows(a_log(tmp_path))
    assert None not in by_footers["ids"][7:10]
    pack(tmp_path)
    assert knows(a_log(tmp_path)) == by_footers
    for path in (tmp_path / "logs/00000").glob("*.known"):
        path.unlink()
    assert knows(a_log(tmp_path)) == by_footers


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=8), st.data())
def test_any_cut_into_snapshots_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, bool]], data: Any
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    log = a_log(folder)
    store = a_store(folder)
    maker = SnapshotMaker(0, 0)
    for number, (count, cut) in enumerate(batches):
        drafts = []
        for _ in range(count):
            offset = 10 * log.head + len(drafts)
            root = an_origin(data.draw(st.integers(0, 3)), "root.events")
            options: dict[str, Any] = {"id_hash": an_id(str(data.draw(st.integers(0, 3))))}
            if data.draw(st.booleans()):
                options |= {"root": root, "revision": data.draw(st.integers(1, 4))}
            if log.head and data.draw(st.booleans()):
                options["answers"] = data.draw(st.integers(0, log.head - 1))
            drafts.append(a_draft(offset, **options))
        log.append(drafts, NOW_MS + number * HOUR_MS)
        maker.fold(log._find(log.head - 1))
        if cut:
            store.create_snapshot(0, maker.start, maker.end, maker.encode())
            maker = SnapshotMaker(0, maker.end)
    roots = [an_origin(n, "root.events") for n in range(4)]

    def answers(log: Log) -> list[Any]:
        return [
            log.head,
            [log.latest(root) for root in roots],
            [log.answered(index) for index in range(log.head)],
            [log.first_with_id(an_id(str(n)), NOW_MS) for n in range(4)],
            [log.logged(an_origin(n)) for n in range(10 * log.head + 9)],
        ]

    assert answers(a_log(folder)) == answers(log)


@pytest.mark.parametrize(
    "damage", ["cut", "flipped", "another log's", "of a log that was rewritten"]
)
def test_a_snapshot_that_does_not_fit_is_left_aside(tmp_path: Path, damage: str) -> None:
    a_grown(tmp_path)
    expected = knows(a_log(tmp_path))
    pack(tmp_path)
    (path,) = (tmp_path / "logs/00000").glob("*.known")
    data = bytearray(path.read_bytes())
    if damage == "cut":
        data = data[:-1]
    elif damage == "flipped":
        data[len(data) // 2] ^= 1
    elif damage == "another log's":
        a_grown(tmp_path / "other")
        pack(tmp_path / "other")
        data = bytearray(next((tmp_path / "other/logs/00000").glob("*.known")).read_bytes())
    else:
        (tmp_path / "logs/00000/0000000000000009.seg").unlink()
        log = a_log(tmp_path)
        log.append([a_draft(9, id_hash=an_id("e9"))], NOW_MS)
    path.write_bytes(data)
    assert knows(a_log(tmp_path)) == expected


def test_who_slept_while_others_went_on_and_packed_is_fenced(tmp_path: Path) -> None:
    """Its next name was freed by the pack: the name alone would not stop it."""
    log = a_log(tmp_path)
    log.append([a_draft(0)], OLD_MS)
    for asleep_at_link in (False, True):
        ops = StepOps()
        zombie = a_log(tmp_path, ops)
        others = [a_draft(n) for n in range(zombie.head, zombie.head + 3)]

        def go_on(others: list[Any] = others) -> None:
            a_log(tmp_path).append(others, OLD_MS)
            pack(tmp_path)

        if asleep_at_link:
            ops.before = at_step(5, go_on)
        else:
            go_on()
        with pytest.raises(Fenced):
            zombie.append([a_draft(50)], NOW_MS)
    before = said(a_log(tmp_path))
    assert len(before) == 7
    pack(tmp_path)  # what the fenced one left is removed
    assert [name for name in names(tmp_path) if name.endswith(".seg")] == []
    assert said(a_log(tmp_path)) == before
    assert faults(tmp_path) == []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[str]]:
    """A log, the steps that packing it takes, and its entries."""
    folder = tmp_path_factory.mktemp("packer")
    before = a_grown(folder / "log")
    shutil.copytree(folder / "log", folder / "steps")
    steps = steps_of(lambda ops: pack(folder / "steps", ops))
    assert {"create", "write", "sync", "link", "rename", "unlink"} <= set(steps)
    return folder / "log", steps, before


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_step(
    model: tuple[Path, list[str], list[str]], tmp_path: Path, when: str
) -> None:
    folder, steps, before = model
    for number in range(len(steps)):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        ops = StepOps(**{when: at_step(number, kill_this_process)})
        assert killed(lambda ops=ops, here=here: pack(here, ops) or b"")[0]
        assert faults(here) == []
        assert said(LogReader(a_store(here), a_ring(here), 0)) == before
        log = a_log(here)
        assert said(log) == before
        pack(here)
        assert not [name for name in names(here) if name.endswith(".tmp")]
        assert [name for name in names(here) if name.endswith(".seg")] == [
            "0000000000000007.seg",
            "0000000000000009.seg",
        ]
        if number % 5 == 0:
            log.append([a_draft(70)], NOW_MS)
            assert said(log)[:10] == before
            assert faults(here) == []


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreFailed)])
def test_an_error_at_every_step_loses_nothing(
    model: tuple[Path, list[str], list[str]], tmp_path: Path, code: int, kind: type[Exception]
) -> None:
    folder, steps, before = model
    met = 0
    for number in range(len(steps)):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        with suppress(kind):
            pack(here, StepOps(before=failing(number, code)))
            met -= 1
        met += 1
        assert said(a_log(here)) == before
        pack(here)
        assert said(a_log(here)) == before
        assert faults(here) == []
    assert met > len(steps) // 2


def test_a_pack_that_was_damaged_on_its_way_removes_nothing(tmp_path: Path) -> None:
    before = a_grown(tmp_path)

    class Bad(FileOps):
        def link(self, source: Path, target: Path) -> None:
            super().link(source, target)
            if target.suffix == ".pack":
                data = bytearray(target.read_bytes())
                data[200] ^= 1
                target.write_bytes(data)

    with pytest.raises(SegmentDamaged, match="pack"):
        pack(tmp_path, Bad())
    assert len(list((tmp_path / "logs/00000").glob("*.seg"))) == 5
    assert faults(tmp_path)
    next((tmp_path / "logs/00000").glob("*.pack")).unlink()
    assert said(a_log(tmp_path)) == before


def test_every_flipped_byte_of_a_pack_is_found(tmp_path: Path) -> None:
    a_grown(tmp_path)
    pack(tmp_path)
    (path,) = (tmp_path / "logs/00000").glob("*.pack")
    whole = path.read_bytes()
    for place in [*range(0, len(whole), 97), *range(len(whole) - 130, len(whole))]:
        data = bytearray(whole)
        data[place] ^= 4
        path.write_bytes(data)
        assert any(path.name in fault for fault in faults(tmp_path)), place
    path.write_bytes(whole[:-1])
    assert any(path.name in fault for fault in faults(tmp_path))
    path.unlink()
    assert any("entries 0 to 6 are missing" in fault for fault in faults(tmp_path))


def test_a_snapshot_says_what_it_is(tmp_path: Path) -> None:
    a_grown(tmp_path)
    pack(tmp_path)
    store = a_store(tmp_path)
    assert chain(store.listing(0)) == [(0, 10)]
    found = decode_snapshot(store.read_snapshot(0, 0, 10), "x")
    assert (found.log, found.start, found.end) == (0, 0, 10)
    with pytest.raises(ValueError, match="cannot go on"):
        SnapshotMaker(0, 3).fold(a_log(tmp_path)._find(0))


def test_who_wants_less_memory_has_a_snapshot_sooner(tmp_path: Path) -> None:
    a_log(tmp_path).append([a_draft(0)], NOW_MS - 6_000)
    store = a_store(tmp_path)
    Packer(store, 0).run(NOW_MS)
    Packer(store, 0, snapshot_ms=7_000).run(NOW_MS)
    assert chain(store.listing(0)) == []
    Packer(store, 0, snapshot_ms=5_000).run(NOW_MS)
    assert chain(store.listing(0)) == [(0, 1)]


@pytest.mark.parametrize(("all_names", "removals"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("act", ["pack", "expire"])
def test_a_power_cut_at_every_step_takes_nothing(
    tmp_path: Path, act: str, *, all_names: bool, removals: bool
) -> None:
    """Of names and bytes only what was synced is sure to be there; what was not may be there too."""
    before = a_grown(tmp_path / "log")
    if act == "expire":
        pack(tmp_path / "log")

    def do(folder: Path, ops: FileOps) -> None:
        if act == "pack":
            pack(folder, ops)
            return
        store = a_store(folder, ops)
        for one in expiry.packs(store, 0, ()):
            assert expiry.expire(store, one, NOW_MS + 400 * expiry.DAY_MS, one.end)

    shutil.copytree(tmp_path / "log", tmp_path / "steps")
    steps = len(steps_of(lambda ops: do(tmp_path / "steps", ops)))
    assert steps > 8
    for number in range(steps + 1):
        up, down = tmp_path / f"up-{number}", tmp_path / f"down-{number}"
        shutil.copytree(tmp_path / "log", up)
        ops = PowerCutOps()
        for path in (up / "logs/00000").iterdir():
            fd = os.open(path, os.O_RDONLY)
            ops.sync(fd)
            os.close(fd)
        for folder in (up / "logs/00000", up / "logs"):
            ops.sync_folder(folder)
        ops.before = at_step(number, stop)
        with suppress(KeyboardInterrupt):
            do(up, ops)
        ops.cut(up / "logs", down / "logs", all_names=all_names, removals=removals)
        shutil.copytree(up / "proofs", down / "proofs")
        shutil.copytree(up / "user-keys", down / "user-keys")
        found = verified(down)
        assert (found.faults, found.entries) == ([], len(before)), number
        log = a_log(down)
        assert [log.receipt(index).hash for index in range(log.head)] == before


def stop() -> None:
    raise KeyboardInterrupt
