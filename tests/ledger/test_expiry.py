"""Nothing goes before its time, nothing that is held, and no proof with what goes."""

import errno
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.builders import a_draft, a_log, a_prover, a_ring, a_store
from ledger.ops import StepOps, at_step, failing, kill_this_process, killed, steps_of
from ledger.test_verify import faults, verified
from synthgate.ledger import LogReader, Packer
from synthgate.ledger.errors import EntryExpired, Fenced, StoreFailed, StoreFull
from synthgate.ledger.expiry import DAY_MS, FLOOR_DAYS, Hold, expire, packs, period_end
from synthgate.ledger.files import FileOps
from synthgate.ledger.log_ids import records_log
from synthgate.ledger.merkle import included
from synthgate.ledger.packer import HOUR_MS

BEGAN_MS = 1_795_000_000_000
FLOOR_MS = FLOOR_DAYS * DAY_MS


def an_old(folder: Path, **header: Any) -> list[str]:
    """Two packs a day apart, one segment by itself, all under a checkpoint; the leaf hashes."""
    log = a_log(folder)
    for at_ms, users in ((BEGAN_MS, "pq"), (BEGAN_MS + DAY_MS, "r")):
        start = log.head
        log.append(
            [
                a_draft(start + n, user=user * 32, header={"tenant": "t", **header})
                for n, user in enumerate(users)
            ],
            at_ms,
        )
        Packer(a_store(folder), 0).run(at_ms + 3 * HOUR_MS)
    log.append([a_draft(3)], BEGAN_MS + 2 * DAY_MS)
    a_prover(folder).build()
    return [log.receipt(index).hash for index in range(4)]


def go(folder: Path, now_ms: int, *, ops: FileOps | None = None, holds: Any = ()) -> list[int]:
    """First entries of the packs that went."""
    store = a_store(folder, ops)
    proved = a_prover(folder).published.newest().size  # type: ignore[union-attr]
    return [pack.first for pack in packs(store, 0, holds) if expire(store, pack, now_ms, proved)]


def test_nothing_goes_before_the_floor_and_then_only_what_is_past_it(tmp_path: Path) -> None:
    an_old(tmp_path)
    for days in (0, 1, 30, 183, 184):
        assert go(tmp_path, BEGAN_MS + days * DAY_MS) == [], days
    assert go(tmp_path, BEGAN_MS + FLOOR_MS + 1) == [0]
    assert go(tmp_path, BEGAN_MS + FLOOR_MS + DAY_MS) == []
    assert go(tmp_path, BEGAN_MS + FLOOR_MS + DAY_MS + 1) == [2]
    assert go(tmp_path, BEGAN_MS + 9 * FLOOR_MS) == []  # one segment by itself is left


@given(
    st.integers(0, 2**42), st.none() | st.integers(0, 2**42), st.none() | st.integers(0, 2**42),
    st.integers(0, 400),
)  # fmt: skip
def test_no_header_and_no_setting_shortens_the_floor(
    recorded: int, event: int | None, keep: int | None, days: int
) -> None:
    header = {"recorded_at": recorded, "event_time": event, "keep_until": keep}
    end = period_end(header, days)
    assert end >= max(recorded, event or 0) + FLOOR_MS
    assert end >= (keep or 0)
    assert end >= recorded + days * DAY_MS


def test_a_longer_period_holds_the_whole_pack(tmp_path: Path) -> None:
    an_old(tmp_path, keep_until=BEGAN_MS + 1_096 * DAY_MS)
    assert go(tmp_path, BEGAN_MS + 1_096 * DAY_MS) == []
    assert go(tmp_path, BEGAN_MS + 1_096 * DAY_MS + 1) == [0, 2]


def test_a_hold_keeps_what_it_covers(tmp_path: Path) -> None:
    an_old(tmp_path)
    late = BEGAN_MS + 2 * FLOOR_MS
    assert go(tmp_path, late, holds=[Hold("case-1")]) == []
    assert go(tmp_path, late, holds=[Hold("case-1", log=0)]) == []
    assert go(tmp_path, late, holds=[Hold("case-1", user="q" * 32), Hold("case-2", log=1)]) == [2]
    assert go(tmp_path, late) == [0]
    assert Hold("case-1", log=0).covers(records_log(0), []), "nor what decisions rested on"
    assert not Hold("case-1", log=records_log(0)).covers(0, [])


def test_what_no_checkpoint_covers_stays(tmp_path: Path) -> None:
    an_old(tmp_path)
    store = a_store(tmp_path)
    assert [expire(store, pack, BEGAN_MS + 2 * FLOOR_MS, 2) for pack in packs(store, 0, ())] == [
        True,
        False,
    ]


def still_right(folder: Path, before: list[str]) -> None:
    """Everything but what the entries said."""
    found = verified(folder)
    assert (found.faults, found.entries) == ([], 4)
    log = a_log(folder)
    assert log.head == 4
    assert [log.receipt(index).hash for index in range(4)] == before
    assert [log.logged(a_draft(n).origin) for n in range(5)] == [0, 1, 2, 3, None]
    prover = a_prover(folder)
    newest = prover.rebuild()
    for index, leaf in enumerate(before):
        path = prover.inclusion(index, newest.size)
        assert included(bytes.fromhex(leaf), index, newest.size, path, newest.root)


def test_what_went_is_gone_and_its_proofs_stand(tmp_path: Path) -> None:
    before = an_old(tmp_path)
    reader = LogReader(a_store(tmp_path), a_ring(tmp_path), 0)
    assert reader.read(0).content == b"content 0"
    go(tmp_path, BEGAN_MS + 2 * FLOOR_MS)
    for index in range(3):
        with pytest.raises(EntryExpired):
            reader.header(index)
    assert reader.read(3).content == b"content 3"
    left = b"".join(path.read_bytes() for path in (tmp_path / "logs/00000").iterdir())
    for user in "pqr":
        assert user.encode() * 32 not in left
    for path in (tmp_path / "logs/00000").glob("*.known"):
        path.unlink()  # without snapshots the footers that are left must do
    still_right(tmp_path, before)
    assert verified(tmp_path).expired == 3
    log = a_log(tmp_path)
    log.append([a_draft(9)], BEGAN_MS + 3 * FLOOR_MS)
    Packer(a_store(tmp_path), 0).run(BEGAN_MS + 4 * FLOOR_MS)
    assert faults(tmp_path) == []


def test_damage_to_what_is_left_is_found(tmp_path: Path) -> None:
    an_old(tmp_path)
    go(tmp_path, BEGAN_MS + 2 * FLOOR_MS)
    (path, _) = sorted((tmp_path / "logs/00000").glob("*.gone"))
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        data = bytearray(whole)
        data[place] ^= 8
        path.write_bytes(data)
        assert faults(tmp_path), place
    path.unlink()
    assert faults(tmp_path)


def test_who_slept_through_an_expiry_is_fenced(tmp_path: Path) -> None:
    zombie = a_log(tmp_path, StepOps())
    an_old(tmp_path)
    go(tmp_path, BEGAN_MS + 2 * FLOOR_MS)
    with pytest.raises(Fenced):
        zombie.append([a_draft(50)], BEGAN_MS)
    assert a_log(tmp_path).head == 4
    assert faults(tmp_path) == []


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, list[str]]:
    folder = tmp_path_factory.mktemp("expiry")
    before = an_old(folder / "log")
    shutil.copytree(folder / "log", folder / "steps")
    steps = steps_of(lambda ops: go(folder / "steps", BEGAN_MS + 2 * FLOOR_MS, ops=ops))
    assert {"link", "rename", "unlink"} <= set(steps)
    return folder / "log", len(steps), before


def test_killed_at_every_step(model: tuple[Path, int, list[str]], tmp_path: Path) -> None:
    folder, steps, before = model
    late = BEGAN_MS + 2 * FLOOR_MS
    for number in range(steps):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        ops = StepOps(before=at_step(number, kill_this_process))
        assert killed(lambda ops=ops, here=here: bytes(go(here, late, ops=ops)))[0]
        still_right(here, before)
        go(here, late)
        a_store(here).tidy(0)
        still_right(here, before)
        assert [path.suffix for path in sorted((here / "logs/00000").glob("*-*[ke]"))] == [
            ".gone"
        ] * 2


@pytest.mark.parametrize(("code", "kind"), [(errno.ENOSPC, StoreFull), (errno.EIO, StoreFailed)])
def test_an_error_at_every_step(
    model: tuple[Path, int, list[str]], tmp_path: Path, code: int, kind: type[Exception]
) -> None:
    folder, steps, before = model
    for number in range(steps):
        here = tmp_path / str(number)
        shutil.copytree(folder, here)
        with suppress(kind):
            go(here, BEGAN_MS + 2 * FLOOR_MS, ops=StepOps(before=failing(number, code)))
        still_right(here, before)
