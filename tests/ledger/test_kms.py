"""A KMS by its program: it takes over, is asked seldom, and loses nothing whatever it answers."""

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli_commands import run
from ledger.key_files import NEW, OLD, Model, a_model, holds
from synthgate.crypto import masters as crypto_masters
from synthgate.crypto.masters import CommandMasters, LocalMasters, MasterAway
from synthgate.ledger.errors import KeyLost, StoreFailed, WrongMasterKey
from synthgate.ledger.rotation import rotate
from synthgate.ledger.userkeys import ROWS, KeyRing


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return a_model(tmp_path / "userkeys")


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
    model: Model, program: list[str], tmp_path: Path
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
    model: Model,
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


def test_a_kms_that_hangs_floods_or_leaves_others_behind_is_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It costs neither memory nor more than its time, and what it began ends with it."""
    monkeypatch.setattr(crypto_masters, "COMMAND_S", 0.5)
    pid = tmp_path / "pid"
    for script in (
        "exec yes",
        f"sleep 60 & echo $! > {pid}; wait",
        "sleep 60 & echo YQ==",  # the pipe stays open
        "exec 1>&-; exec sleep 60",
    ):
        begun = time.monotonic()
        with pytest.raises(MasterAway):
            CommandMasters(["/bin/sh", "-c", script], "prod").wrap(b"k" * 32, b"c")
        assert time.monotonic() - begun < 3
    left = Path("/proc", pid.read_text().strip(), "cmdline")
    assert not left.exists() or b"sleep" not in left.read_bytes()


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
