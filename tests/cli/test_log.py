import json
import time
from pathlib import Path
from typing import Any

import pytest

from cli_commands import PATIENCE_S, Running, run
from ledger.builders import filled
from synthgate.crypto.keys import KeyFolder
from synthgate.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> list[str]:
    """Options of an installation with two logs."""
    KeyFolder.init(tmp_path / "keys")
    for log, sizes in ((0, [3, 300]), (7, [1])):
        filled(tmp_path, sizes, log=log)
    (tmp_path / "logs").rename(tmp_path / "ledger")
    return ["--set", f"data_dir={tmp_path}", "--set", "log_name=log.example"]


def test_build_and_rebuild(home: list[str], tmp_path: Path, capsys: Any) -> None:
    code, first, _ = run(capsys, *home, "log", "build")
    assert code == 0
    assert [line.split()[:2] for line in first.splitlines()] == [
        ["log.example/00000", "303"],
        ["log.example/00007", "1"],
    ]
    assert (
        (Settings(data_dir=tmp_path).proofs_of(7) / "checkpoint").read_text().startswith("log.exa")
    )
    assert run(capsys, *home, "log", "build", "--rebuild")[1] == first


def test_what_contradicts_the_past_is_refused_in_one_line(
    home: list[str], tmp_path: Path, capsys: Any
) -> None:
    run(capsys, *home, "log", "build")
    (tmp_path / "ledger/00000/0000000000000003.seg").unlink()
    code, _, said = run(capsys, *home, "log", "build")
    assert (code, said.count("\n")) == (1, 1)
    assert "a checkpoint of 303 entries of log 0 was published, and entry 302 is gone" in said


def test_an_older_installation_is_told_how_to_make_the_key(
    home: list[str], tmp_path: Path, capsys: Any
) -> None:
    for half in ("key", "pub"):
        (tmp_path / f"keys/checkpoint.{half}").unlink()
    code, _, said = run(capsys, *home, "log", "build")
    assert (code, "keys add-checkpoint" in said) == (78, True)
    assert run(capsys, *home, "keys", "add-checkpoint")[0] == 0
    assert run(capsys, *home, "log", "build")[0] == 0
    assert run(capsys, *home, "keys", "add-checkpoint")[0] == 78


def test_a_running_worker_signs_what_it_decided_within_seconds(chain: Running, capsys: Any) -> None:
    run(capsys, "example", "refused", *chain.options)
    decided = time.monotonic()
    while True:
        code, said, _ = run(capsys, "verify", "--json", "--jobs", "1", *chain.options)
        found = json.loads(said)
        rows = [row for row in found["logs"] if row["entries"]]
        if rows and all(row["proved"] == row["entries"] for row in rows):
            assert (code, found["whole"]) == (0, True)
            break
        # Five seconds, on a machine with nothing else to do.
        assert time.monotonic() < decided + PATIENCE_S, rows
    code, said, _ = run(capsys, "replay", "--json", *chain.options)
    report = json.loads(said)
    assert (code, report["different"]) == (0, 0)
    assert report["equal"] > 0
