"""Another master key, or a KMS: every key opens before, at every step, and after; what was erased stays so."""

import base64
import errno
import hmac
import secrets
import shutil
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cli_commands import run
from ledger.ops import PowerCutOps, StepOps, at_step, failing, kill_this_process, killed, steps_of
from synthgate.crypto import masters as crypto_masters
from synthgate.crypto.masters import CommandMasters, LocalMasters, MasterAway, master_id
from synthgate.ledger.errors import KeyErased, KeyLost, StoreFailed, WrongMasterKey
from synthgate.ledger.files import FileOps
from synthgate.ledger.rotation import rotate
from synthgate.ledger.userkeys import ROWS, KeyRing

OLD, NEW = b"o" * 32, b"n" * 32
BOTH = LocalMasters([OLD, NEW])
ERASED_ROW = 7


def a_file_of_version_1(folder: Path, master: bytes = OLD) -> dict[str, bytes]:
    """As older releases wrote it: rows under the master key itself."""
    folder.mkdir(exist_ok=True)
    file_id = secrets.token_hex(8)
    check = hmac.digest(master, b"synthgate userkeys " + file_id.encode(), "sha256").hex()[:32]
    parts = [f"synthgate userkeys 1 {file_id} {ROWS:04d} {check}\n".encode()]
    keys = {}
    for row in range(ROWS):
        kid, key, nonce = f"{file_id}:{row}", secrets.token_bytes(32), secrets.token_bytes(12)
        parts.append(nonce + AESGCM(master).encrypt(nonce, key, kid.encode()))
        keys[kid] = key
    (folder / f"{file_id}.keys").write_bytes(b"".join(parts))
    return keys


def some(keys: dict[str, bytes]) -> dict[str, bytes]:
    return {kid: key for kid, key in keys.items() if int(kid.split(":")[1]) in (0, 1, 500, 1023)}


@pytest.fixture
def model(tmp_path: Path) -> tuple[Path, dict[str, bytes], str]:
    """A file of each version under the old master, a row of the first erased."""
    folder = tmp_path / "userkeys"
    one = a_file_of_version_1(folder)
    ring = KeyRing.open(folder, OLD)
    kids = [ring.key_for(str(number)).kid for number in range(3)]
    gone = f"{next(iter(one)).split(':')[0]}:{ERASED_ROW}"
    ring.erase(gone)
    return folder, some(one) | {kid: ring.content_key(kid) for kid in kids}, gone


def holds(folder: Path, keys: dict[str, bytes], gone: str, masters: Any) -> None:
    ring = KeyRing.open(folder, masters)
    assert {kid: ring.content_key(kid) for kid in keys} == keys
    with pytest.raises(KeyErased):
        ring.cipher(gone)


def test_after_it_the_old_key_opens_nothing_and_the_new_all(
    model: tuple[Path, dict[str, bytes], str],
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


def test_killed_at_every_step_nothing_is_lost(
    model: tuple[Path, dict[str, bytes], str], tmp_path: Path
) -> None:
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


def test_an_error_at_every_step_is_said_and_loses_nothing(
    model: tuple[Path, dict[str, bytes], str], tmp_path: Path
) -> None:
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


@pytest.mark.parametrize("damage", ["gone", "other", "text"])
def test_a_wrap_that_is_damaged_is_named_and_the_others_go_on(
    model: tuple[Path, dict[str, bytes], str], damage: str
) -> None:
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


KMS = """
import base64, pathlib, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
home, act, name = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
data, context = (base64.b64decode(line) for line in sys.stdin.buffer.read().splitlines())
(home / "calls").open("a").write(act + "\\n")
key = AESGCM((name * 32).encode()[:32])
try:
    done = key.encrypt(b"n" * 12, data, context) if act == "wrap" else key.decrypt(b"n" * 12, data, context)
except Exception:
    sys.exit(3)
print(base64.b64encode(done).decode())
"""


@pytest.fixture
def program(tmp_path: Path) -> list[str]:
    (tmp_path / "kms.py").write_text(KMS)
    return [sys.executable, str(tmp_path / "kms.py"), str(tmp_path)]


def test_a_kms_takes_over_and_is_asked_once_a_file(
    model: tuple[Path, dict[str, bytes], str], program: list[str], tmp_path: Path
) -> None:
    folder, keys, gone = model
    kms = CommandMasters(program, "prod", LocalMasters([OLD]))
    holds(folder, keys, gone, kms)
    done = rotate(folder, kms)
    assert done.under == {"kms:prod": 2}
    alone = CommandMasters(program, "prod")
    holds(folder, keys, gone, alone)
    ring = KeyRing.open(folder, alone)
    (tmp_path / "calls").unlink()
    for kid in keys:
        ring.cipher(kid)
    assert len((tmp_path / "calls").read_text().splitlines()) == 2
    ring.key_for("new")
    for number in range(ROWS - 1):
        ring.key_for(str(number))
    asked = (tmp_path / "calls").read_text().splitlines()
    assert asked[2:] == ["wrap", "unwrap"], "what it wrapped is opened once before it is used"
    with pytest.raises(WrongMasterKey, match="kms:prod"):
        KeyRing(folder, NEW).cipher(next(iter(keys)))
    assert rotate(folder, CommandMasters(program, "next")).under == {"kms:next": 3}
    holds(folder, keys, gone, CommandMasters(program, "next"))


def test_a_kms_that_is_away_or_refuses(
    tmp_path: Path, program: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "userkeys"
    kms = CommandMasters(program, "prod")
    key = KeyRing(folder, kms).key_for("u")
    (wrap,) = folder.glob("*.wrap")
    for broken in (["/nowhere"], ["/bin/false"], ["/bin/echo", "no base64!"], ["/bin/true"]):
        away = KeyRing(folder, CommandMasters(broken, "prod"))
        with pytest.raises(StoreFailed, match="KMS"):
            away.cipher(key.kid)
        with pytest.raises(StoreFailed, match="KMS"):
            away.key_for("v")
    with monkeypatch.context() as hurried:
        hurried.setattr(crypto_masters, "COMMAND_S", 0.2)
        with pytest.raises(MasterAway):
            CommandMasters(["/bin/sh", "-c", "sleep 5"], "prod").wrap(b"k" * 32, b"c")
    wrap.write_text(wrap.read_text().replace("kms:prod", "kms:other"))
    with pytest.raises(KeyLost):
        KeyRing(folder, kms).cipher(key.kid)
    wrap.write_text(wrap.read_text().replace("kms:other", "0" * 16))
    with pytest.raises(WrongMasterKey):
        KeyRing(folder, kms).cipher(key.kid)


NONSENSE = [sys.executable, "-c", "print('bm9uc2Vuc2U=')"]


def test_a_kms_that_answers_nonsense_takes_nothing_over(
    model: tuple[Path, dict[str, bytes], str],
) -> None:
    """What it says it wrapped is opened again before the only wrap there is gives way to it."""
    folder, keys, gone = model
    kms = CommandMasters(NONSENSE, "prod", LocalMasters([OLD]))
    with pytest.raises(StoreFailed, match="KMS"):
        rotate(folder, kms)
    holds(folder, keys, gone, OLD)
    files = sorted(folder.iterdir())
    with pytest.raises(StoreFailed, match="KMS"):
        KeyRing.open(folder, kms).key_for("new")
    assert sorted(folder.iterdir()) == files
    refuses = CommandMasters([sys.executable, "-c", "raise SystemExit(3)"], "prod")
    with pytest.raises(StoreFailed, match="KMS"):
        KeyRing(folder, refuses).key_for("new")


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


@pytest.mark.parametrize("program", ["'unclosed", "  "])
def test_a_kms_command_that_is_none_is_told(program: str, tmp_path: Path, capsys: Any) -> None:
    options = ("--set", f"data_dir={tmp_path}")
    assert run(capsys, *options, "keys", "init")[0] == 0
    options += ("--set", f"kms_command={program}", "--set", "kms_key=k")
    for command in ("rotate", "show"):
        code, _, why = run(capsys, *options, "keys", command)
        assert (code, "kms_command" in why) == (78, True)


def test_with_a_kms_no_master_need_lie_in_the_folder(
    tmp_path: Path, program: list[str], capsys: Any
) -> None:
    from synthgate.ledger.rings import open_ring
    from synthgate.settings import Settings

    options = ("--set", f"data_dir={tmp_path}")
    assert run(capsys, *options, "keys", "init")[0] == 0
    kms = ("--set", f"kms_command={' '.join(program)}")
    settings = Settings(data_dir=tmp_path, kms_command=" ".join(program), kms_key="prod")
    kid = open_ring(settings).key_for("u").kid
    assert run(capsys, *options, *kms, "keys", "rotate")[0] == 78
    kms = (*kms, "--set", "kms_key=prod")
    assert "1 files under kms:prod" in run(capsys, *options, *kms, "keys", "rotate")[1]
    (settings.keys_dir / "master.key").unlink()
    code, said, _ = run(capsys, *options, *kms, "keys", "show")
    assert (code, "kms:prod" in said) == (0, True)
    assert open_ring(settings).cipher(kid)
