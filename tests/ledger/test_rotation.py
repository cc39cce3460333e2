"""Another master key, or a KMS: every key opens before, at every step, and after; what was erased stays so."""

import base64
import errno
import shutil
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli_commands import run
from ledger.key_files import (
    BOTH,
    NEW,
    OLD,
    Model,
    a_file_of_version_1,
    a_model,
    holds,
    some,
)
from ledger.ops import PowerCutOps, StepOps, at_step, failing, kill_this_process, killed, steps_of
from synthgate.crypto.masters import LocalMasters, master_id
from synthgate.ledger import keyfile
from synthgate.ledger.errors import KeyErased, KeyLost, StoreFailed, WrongMasterKey
from synthgate.ledger.files import FileOps
from synthgate.ledger.rotation import rotate
from synthgate.ledger.userkeys import KeyRing


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return a_model(tmp_path / "userkeys")


def test_after_it_the_old_key_opens_nothing_and_the_new_all(
    model: Model,
) -> None:
    folder, keys, gone = model
    holds(folder, keys, gone, OLD)
    with pytest.raises(WrongMasterKey):
        KeyRing.open(folder, NEW)
    used = KeyRing.open(folder, BOTH)
    assert {kid: used.content_key(kid) for kid in keys} == keys
    with_new = used.key_for("later").kid
    done = rotate(folder, BOTH)
    assert (done.wrapped, done.made_new, done.lost) == (1, 1, [])
    assert done.under == {master_id(NEW): 3}
    assert {kid: used.content_key(kid) for kid in keys} == keys, "a ring that looked before"
    keys[with_new] = used.content_key(with_new)
    holds(folder, keys, gone, NEW)
    for kid in keys:
        with pytest.raises(WrongMasterKey):
            KeyRing(folder, OLD).cipher(kid)
    again = rotate(folder, BOTH)
    assert (again.wrapped, again.made_new) == (0, 0)
    used.erase(next(iter(keys)))
    with pytest.raises(KeyErased):
        KeyRing.open(folder, NEW).cipher(next(iter(keys)))


def rotated_to(folder: Path, ops: FileOps) -> bytes:
    rotate(folder, BOTH, ops)
    return b""


def test_killed_at_every_step_nothing_is_lost(model: Model, tmp_path: Path) -> None:
    folder, keys, gone = model
    shutil.copytree(folder, tmp_path / "dry")
    steps = len(steps_of(lambda ops: rotate(tmp_path / "dry", BOTH, ops)))
    assert steps > 15
    for step in range(0, steps, 2):
        target = tmp_path / str(step)
        shutil.copytree(folder, target)
        ops = StepOps(before=at_step(step, kill_this_process))
        died, _ = killed(partial(rotated_to, target, ops))
        assert died
        holds(target, keys, gone, BOTH)
        rotate(target, BOTH)
        holds(target, keys, gone, NEW)
        assert list(target.glob("*.tmp")) == []


def test_an_error_at_every_step_is_said_and_loses_nothing(model: Model, tmp_path: Path) -> None:
    folder, keys, gone = model
    shutil.copytree(folder, tmp_path / "dry")
    for step in range(0, len(steps_of(lambda ops: rotate(tmp_path / "dry", BOTH, ops))), 3):
        target = tmp_path / str(step)
        shutil.copytree(folder, target)
        with pytest.raises(StoreFailed, match="cannot rotate"):
            rotate(target, BOTH, StepOps(before=failing(step, errno.EIO)))
        holds(target, keys, gone, BOTH)
        rotate(target, BOTH)
        holds(target, keys, gone, NEW)


@pytest.mark.parametrize("all_names", [True, False])
def test_a_power_cut_at_every_step_takes_nothing(tmp_path: Path, *, all_names: bool) -> None:
    """Only the bytes and names that were synced are there when the machine wakes up."""

    keys = some(a_file_of_version_1(tmp_path / "model"))
    (model,) = (tmp_path / "model").iterdir()
    for step in range(60):
        ops, folder, cut = PowerCutOps(), tmp_path / f"{step}", tmp_path / f"cut-{step}"
        folder.mkdir()
        ops.write_whole(folder / model.name, model.read_bytes())
        ops.sync_folder(folder)
        act = partial(ops.cut, folder, cut, all_names=all_names)
        ops.before = at_step(step, act)
        rotate(folder, BOTH, ops)
        if not cut.exists():
            assert step > 10
            return
        ring = KeyRing.open(cut, BOTH)
        assert {kid: ring.content_key(kid) for kid in keys} == keys
        rotate(cut, BOTH)
        ring = KeyRing.open(cut, NEW)
        assert {kid: ring.content_key(kid) for kid in keys} == keys
    raise AssertionError("a rotation has fewer steps")


def test_what_is_erased_while_a_file_is_made_new_does_not_come_back(tmp_path: Path) -> None:
    folder = tmp_path / "userkeys"
    keys = a_file_of_version_1(folder)
    kid = next(iter(keys))
    eraser = threading.Thread(target=lambda: KeyRing.open(folder, BOTH).erase(kid))

    def meanwhile() -> None:
        eraser.start()
        eraser.join(0.3)  # it must wait

    rotate(folder, BOTH, StepOps(before=at_step(9, meanwhile)))
    eraser.join()
    with pytest.raises(KeyErased):
        KeyRing.open(folder, NEW).cipher(kid)


def test_two_at_once_do_not_take_each_other_s_work_for_damage(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other makes the file new between our look at it and the lock."""
    folder, keys, gone = model
    whole, begun = keyfile.encode_wrap, list[str]()

    def other_first(path: Path, *rest: Any) -> bytes:
        if not begun:
            begun.append("other")
            assert rotate(folder, BOTH).lost == []
        return whole(path, *rest)

    monkeypatch.setattr(keyfile, "encode_wrap", other_first)
    assert rotate(folder, BOTH).lost == []
    holds(folder, keys, gone, NEW)


@pytest.mark.parametrize("damage", ["gone", "other", "text"])
def test_a_wrap_that_is_damaged_is_named_and_the_others_go_on(model: Model, damage: str) -> None:
    folder, keys, _ = model
    (wrap,) = folder.glob("*.wrap")
    if damage == "gone":
        wrap.unlink()
    elif damage == "text":
        wrap.write_text("{}")
    else:
        wrapped = base64.b64encode(LocalMasters([OLD]).wrap(b"x" * 32, b"else")).decode()
        wrap.write_text(f'{{"v":1,"master":"{master_id(OLD)}","wrapped":"{wrapped}"}}')
    kid = next(kid for kid in keys if kid.startswith(wrap.stem))
    with pytest.raises(KeyLost):
        KeyRing(folder, BOTH).cipher(kid)
    done = rotate(folder, BOTH)
    assert (done.made_new, len(done.lost)) == (1, 1)
    assert wrap.stem in done.lost[0]


def test_the_commands_lead_from_one_key_to_the_next(tmp_path: Path, capsys: Any) -> None:
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger.rings import open_ring
    from synthgate.settings import Settings

    options = ("--set", f"data_dir={tmp_path}")
    settings = Settings(data_dir=tmp_path)
    assert run(capsys, *options, "keys", "init")[0] == 0
    kid = open_ring(settings).key_for("u").kid
    old = open_ring(settings).content_key(kid)
    assert "master-2.key made" in run(capsys, *options, "keys", "add-master")[1]
    assert run(capsys, *options, "keys", "add-master")[0] == 78
    said = run(capsys, *options, "keys", "rotate", "--dry-run")[1]
    assert "1 files under master.key" in said
    assert "master-2.key" in run(capsys, *options, "keys", "show")[1]
    code, said, _ = run(capsys, *options, "keys", "rotate")
    assert (code, "1 files under master-2.key" in said) == (0, True)
    assert "master.key opens nothing any more" in said
    (settings.keys_dir / "master.key").unlink()
    assert open_ring(settings).content_key(kid) == old
    assert "master-3.key made" in run(capsys, *options, "keys", "add-master")[1]
    assert list(KeyFolder(settings.keys_dir).master_keys) == ["master-2.key", "master-3.key"]
    (settings.keys_dir / "master-2.key").rename(tmp_path / "away")
    assert run(capsys, *options, "keys", "rotate")[0] == 78
