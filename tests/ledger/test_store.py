"""The fence: what stands and what was said, whatever stops the owner and wherever.

The tests go through ``Log``, since the promise is about receipts: one that was given stands for
ever.
"""

import errno
import json
import os
from pathlib import Path

import pytest

from ledger.builders import a_draft, a_log, a_ring, a_store
from ledger.ops import (
    PowerCutOps,
    StepOps,
    at_step,
    failing,
    kill_this_process,
    killed,
    steps_of,
)
from synthgate.ledger import Log, LogReader, Receipt
from synthgate.ledger.errors import (
    EntryAbsent,
    Fenced,
    LedgerError,
    LogUnusable,
    StoreFailed,
    StoreFull,
)
from synthgate.ledger.files import FileOps

CREATING = ["create", "write", "sync", "close", "link", "sync_folder", "unlink"]


def append_one(log: Log, offset: int, content: bytes = b"content") -> Receipt:
    (receipt,) = log.append([a_draft(offset, content=content)], 1)
    return receipt


def steps_of_append(folder: Path) -> list[str]:
    """The steps of a second append: opening and key files are behind it."""
    taken: list[str] = []
    log = a_log(folder, StepOps(before=taken.append))
    append_one(log, 0)
    taken.clear()
    append_one(log, 1)
    return taken


def stands(folder: Path, receipt: Receipt) -> bool:
    return LogReader(a_store(folder), a_ring(folder), 0).receipt(receipt.index) == receipt


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in (folder / "logs").rglob("*") if p.is_file() and p.suffix != ".seg"]


def test_creating_takes_these_steps(tmp_path: Path) -> None:
    steps = steps_of_append(tmp_path)
    assert [step for n, step in enumerate(steps) if step != (steps[n - 1] if n else "")] == CREATING


@pytest.mark.parametrize("when", ["before", "after"])
def test_kill_9_at_every_step(tmp_path: Path, when: str) -> None:
    """A killed owner leaves a whole segment or none; a receipt it gave stands; the next goes on."""
    steps = steps_of_append(tmp_path / "steps")
    for number in range(len(steps)):
        folder = tmp_path / str(number)
        append_one(a_log(folder), 0)

        def act(folder: Path = folder, number: int = number) -> bytes:
            ops = StepOps()
            log = a_log(folder, ops)
            setattr(ops, when, at_step(number, kill_this_process))
            return repr(append_one(log, 1)).encode()

        was_killed, said = killed(act)
        assert was_killed
        assert not said
        linked = number > steps.index("link") or (steps[number] == "link" and when == "after")
        log = a_log(folder)
        assert leftovers(folder) == []
        assert log.head == (2 if linked else 1)
        assert (log.logged(a_draft(1).origin) == 1) == linked
        entry = log.read(1 - (not linked))
        assert entry.header["index"] == entry.index
        assert append_one(log, 2).index == log.head - 1


def test_kill_9_after_the_append_keeps_the_receipt(tmp_path: Path) -> None:
    def act() -> bytes:
        receipt = append_one(a_log(tmp_path), 0)
        os.write(out, json.dumps([receipt.log, receipt.index, receipt.hash]).encode())
        kill_this_process()
        return b""

    into, out = os.pipe()
    assert killed(act) == (True, b"")
    receipt = Receipt(*json.loads(os.read(into, 1000)))
    assert stands(tmp_path, receipt)
    assert a_log(tmp_path).head == 1


@pytest.mark.parametrize("all_names", [True, False])
def test_power_cut_at_every_step(tmp_path: Path, all_names: bool) -> None:
    """Only what was synced survives: still no torn segment, and no receipt without its entry."""
    count = len(steps_of_append(tmp_path / "steps"))
    for number in range(count + 1):
        folder, cut = tmp_path / str(number), tmp_path / f"{number}.cut"
        disk = PowerCutOps()
        log = a_log(folder, disk)
        published = [append_one(log, 0)]

        def pull(folder: Path = folder, cut: Path = cut, disk: PowerCutOps = disk) -> None:
            disk.cut(folder / "logs", cut / "logs", all_names=all_names)

        disk.before = at_step(number, pull)
        receipt = append_one(log, 1)
        if number == count:  # the append was over before the power went
            published.append(receipt)
            pull()
        (cut / "user-keys").symlink_to(folder / "user-keys")
        assert all(stands(cut, receipt) for receipt in published)
        after = a_log(cut)
        assert after.head >= len(published)
        assert [after.read(index).index for index in range(after.head)] == [*range(after.head)]
        assert append_one(after, 9).index == after.head - 1


def test_new_owner_syncs_what_a_paused_one_linked(tmp_path: Path) -> None:
    """The old owner pauses between link and sync; the new one answers from that segment; then the
    power goes. The new owner's answer must not have rested on a name that was never synced.
    """
    disk = PowerCutOps()
    old = a_log(tmp_path, disk)

    class Paused(Exception):
        """Stands for a process that does not go on."""

    def pause(step: str) -> None:
        if step == "sync_folder":
            raise Paused

    disk.before = pause
    with pytest.raises(Paused):
        append_one(old, 0)
    disk.before = lambda step: None
    new = a_log(tmp_path, disk)
    assert new.logged(a_draft(0).origin) == 0
    answered = new.receipt(0)
    disk.cut(tmp_path / "logs", tmp_path / "cut" / "logs", all_names=False)
    (tmp_path / "cut" / "user-keys").symlink_to(tmp_path / "user-keys")
    assert stands(tmp_path / "cut", answered)


def test_zombie_at_every_step(tmp_path: Path) -> None:
    """A second owner takes over at each step of the first one's append and appends itself.

    For each index exactly one of them has a receipt at most, and it is the receipt of what stands.
    """
    steps = steps_of_append(tmp_path / "steps")
    for number, name in enumerate([*steps, "none"]):
        folder = tmp_path / str(number)
        append_one(a_log(folder), 0)
        ops = StepOps()
        zombie = a_log(folder, ops)
        said: dict[str, Receipt] = {}

        def take_over(folder: Path = folder, said: dict[str, Receipt] = said) -> None:
            said["new"] = append_one(a_log(folder), 2, b"new")

        ops.before = at_step(number, take_over)
        try:
            said["old"] = append_one(zombie, 1, b"old")
        except Fenced:
            with pytest.raises(LogUnusable):
                append_one(zombie, 1, b"old")
        if name == "none":
            take_over()
        after = a_log(folder)
        assert ("old" in said) == (name == "none")
        assert "new" in said
        for receipt in said.values():
            assert stands(folder, receipt)
        assert after.read(said["new"].index).content == b"new"
        linked = number > steps.index("link") if name != "none" else True
        assert after.head == (3 if linked else 2)
        assert leftovers(folder) == []


def test_zombie_wins_when_the_new_owner_has_not_written_yet(tmp_path: Path) -> None:
    zombie, new = a_log(tmp_path), a_log(tmp_path)
    receipt = append_one(zombie, 1, b"old")
    with pytest.raises(Fenced, match=r"0000000000000000\.seg"):
        append_one(new, 2, b"new")
    assert stands(tmp_path, receipt)
    assert append_one(a_log(tmp_path), 2, b"new").index == 1


def test_two_processes_race_for_every_index(tmp_path: Path) -> None:
    """Both append as fast as they can, reopening when fenced: each receipt is of what stands, and
    no
    index has two."""

    def race() -> bytes:
        ring = a_ring(tmp_path)
        receipts = []
        log = Log.open(a_store(tmp_path), ring, 0)
        number = 0
        while len(receipts) < 20:
            number += 1
            try:
                receipts.append(append_one(log, os.getpid() * 1000 + number))
            except Fenced:
                log = Log.open(a_store(tmp_path), ring, 0)
        return json.dumps([[r.log, r.index, r.hash] for r in receipts]).encode()

    ours, theirs = os.pipe()
    other = os.fork()
    if other == 0:
        try:
            os.write(theirs, race())
        finally:
            os._exit(0)
    mine = race()
    os.waitpid(other, 0)
    said = json.loads(mine) + json.loads(os.read(ours, 1 << 20))
    os.close(ours)
    os.close(theirs)
    receipts = [Receipt(*fields) for fields in said]
    assert len({receipt.index for receipt in receipts}) == len(receipts) == 40
    assert all(stands(tmp_path, receipt) for receipt in receipts)
    assert a_log(tmp_path).head >= len(receipts)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_leaves_nothing_and_the_log_usable(tmp_path: Path, code: int) -> None:
    steps = steps_of_append(tmp_path / "steps")
    for number in range(steps.index("link") + 1):
        folder = tmp_path / str(number)
        ops = StepOps()
        log = a_log(folder, ops)
        append_one(log, 0)
        ops.before = failing(number, code)
        with pytest.raises(StoreFull):
            append_one(log, 1)
        assert leftovers(folder) == []
        assert log.head == a_log(folder).head == 1
        # the wait is over: the same object goes on
        assert append_one(log, 1).index == 1


def test_no_room_after_the_link_is_not_called_a_wait(tmp_path: Path) -> None:
    ops = StepOps()
    log = a_log(tmp_path, ops)
    append_one(log, 0)
    steps = steps_of_append(tmp_path / "steps")
    ops.before = failing(steps.index("sync_folder"), errno.ENOSPC)
    with pytest.raises(StoreFailed):
        append_one(log, 1)
    with pytest.raises(LogUnusable):
        append_one(log, 1)


def test_any_other_failure_makes_the_log_unusable_until_reopened(tmp_path: Path) -> None:
    steps = steps_of_append(tmp_path / "steps")
    for number in range(len(steps)):
        folder = tmp_path / str(number)
        ops = StepOps()
        log = a_log(folder, ops)
        append_one(log, 0)
        ops.before = failing(number, errno.EIO)
        with pytest.raises(StoreFailed):
            append_one(log, 1)
        with pytest.raises(LogUnusable):
            append_one(log, 1)
        again = a_log(folder)
        assert again.head == (2 if number > steps.index("link") else 1)
        assert leftovers(folder) == []
        assert append_one(again, 2).index == again.head - 1


def test_lost_answer_of_a_link_that_was_made(tmp_path: Path) -> None:
    """Over NFS a link can be made, its answer lost, and the repeated call be told EEXIST."""

    class Repeating(FileOps):
        def link(self, source: Path, target: Path) -> None:
            super().link(source, target)
            super().link(source, target)

    log = a_log(tmp_path, Repeating())
    assert stands(tmp_path, append_one(log, 0))
    assert leftovers(tmp_path) == []


def test_file_system_without_hard_links_is_named(tmp_path: Path) -> None:
    steps = steps_of_append(tmp_path / "steps")
    ops = StepOps()
    log = a_log(tmp_path, ops)
    append_one(log, 0)
    ops.before = failing(steps.index("link"), errno.EPERM)
    with pytest.raises(StoreFailed, match="no hard links"):
        append_one(log, 1)


def test_sweeping_touches_only_leftovers_of_the_own_log(tmp_path: Path) -> None:
    append_one(a_log(tmp_path), 0)
    store = a_store(tmp_path)
    store.claim(1)
    mine = tmp_path / "logs" / "00000" / f"{1:016d}.{'0' * 16}.tmp"
    other = tmp_path / "logs" / "00001" / f"{0:016d}.{'0' * 16}.tmp"
    strange = tmp_path / "logs" / "00000" / "notes.tmp"
    for path in (mine, other, strange):
        path.write_bytes(b"torn")
    assert store.claim(0) == [0]
    assert not mine.exists()
    assert other.exists()
    assert strange.exists()
    assert store.firsts(0) == [0]


def test_reading_what_is_not_there(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    assert store.logs() == []
    assert store.firsts(3) == []
    for read in (
        lambda: store.read(3, 0),
        lambda: store.read_range(3, 0, 0, 1),
        lambda: store.read_tail(3, 0, 1),
        lambda: store.set_aside(3, 0),
    ):
        with pytest.raises(EntryAbsent):
            read()


def test_reading_parts(tmp_path: Path) -> None:
    store = a_store(tmp_path)
    store.claim(3)
    store.create(3, 7, b"0123456789")
    assert store.logs() == [3]
    assert store.firsts(3) == [7]
    assert store.read(3, 7) == b"0123456789"
    assert store.read_range(3, 7, 2, 3) == b"234"
    assert store.read_range(3, 7, 8, 9) == b"89"
    assert store.read_tail(3, 7, 4) == (b"6789", 10)
    assert store.read_tail(3, 7, 40) == (b"0123456789", 10)
    assert store.where(3, 7).endswith("00003/0000000000000007.seg")
    with pytest.raises(Fenced):
        store.create(3, 7, b"other")
    assert store.read(3, 7) == b"0123456789"
    assert Path(store.set_aside(3, 7)).read_bytes() == b"0123456789"
    assert store.firsts(3) == []


def test_unreadable_folder_is_a_failure_not_an_empty_log(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "00003").write_text("a file where a folder should be")
    with pytest.raises(LedgerError):
        a_store(tmp_path).firsts(3)
    with pytest.raises(LedgerError):
        a_store(tmp_path).claim(3)


def test_steps_can_be_counted(tmp_path: Path) -> None:
    """The tests above are worth nothing if the steps they count are not those taken."""
    (tmp_path / "logs" / "00000").mkdir(parents=True)
    store_steps = steps_of(lambda ops: a_store(tmp_path, ops).create(0, 0, b"x"))
    assert store_steps == CREATING
