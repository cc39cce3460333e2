import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from cli_commands import Running, run
from ledger.builders import a_draft, a_log, an_origin, filled
from synthgate.crypto.keys import KeyFolder


@pytest.fixture
def home(tmp_path: Path, capsys: Any) -> Path:
    """An installation with two logs, both under a checkpoint."""
    KeyFolder.init(tmp_path / "keys")
    for log, sizes in ((0, [3, 300]), (7, [1])):
        filled(tmp_path, sizes, log=log)
    a_log(tmp_path).append([a_draft(0, origin=an_origin(310))], 5)
    (tmp_path / "logs").rename(tmp_path / "ledger")
    assert run(capsys, "--set", f"data_dir={tmp_path}", "log", "build")[0] == 0
    return tmp_path


def test_a_whole_installation(home: Path, capsys: Any) -> None:
    code, said, _ = run(capsys, "--set", f"data_dir={home}", "verify")
    assert (code, said.splitlines()[-1]) == (0, "whole")
    assert "log 0: 304 entries in 3 segments" in said
    assert "7 source offsets are in no entry, the first 1/generation.events/0/303" in said


def test_elsewhere_with_the_public_key_alone(
    home: Path, tmp_path_factory: Any, capsys: Any
) -> None:
    away = tmp_path_factory.mktemp("auditor")
    for name in ("ledger", "proofs"):
        shutil.copytree(home / name, away / name)
    shutil.rmtree(away / "ledger/userkeys", ignore_errors=True)
    shutil.copy(home / "keys/checkpoint.pub", away / "theirs.pub")
    before = {path: path.stat().st_mtime_ns for path in away.rglob("*")}
    code, said, _ = run(capsys, "verify", str(away), "--key", str(away / "theirs.pub"), "--json")
    assert code == 0
    found = json.loads(said)
    assert found["whole"] is True
    assert [row["entries"] for row in found["logs"]] == [304, 1]
    assert {path: path.stat().st_mtime_ns for path in away.rglob("*")} == before


def test_damage_is_one_and_named(home: Path, capsys: Any) -> None:
    path = home / "ledger/00000/0000000000000003.seg"
    data = bytearray(path.read_bytes())
    data[5_000] ^= 1
    path.write_bytes(data)
    code, said, _ = run(capsys, "--set", f"data_dir={home}", "verify")
    assert (code, said.splitlines()[-1]) == (1, "NOT WHOLE")
    (fault,) = [line for line in said.splitlines() if "FAULT" in line]
    assert f"FAULT entry: {path}, entry 0/" in fault


def test_a_log_that_nobody_signed_is_not_whole(home: Path, capsys: Any) -> None:
    shutil.rmtree(home / "proofs/00007")
    code, said, _ = run(capsys, "--set", f"data_dir={home}", "verify")
    assert code == 1
    assert "no checkpoint at all, nothing is signed" in said


def test_a_log_that_is_gone_is_known_by_its_checkpoints(home: Path, capsys: Any) -> None:
    shutil.rmtree(home / "ledger/00007")
    code, said, _ = run(capsys, "--set", f"data_dir={home}", "verify")
    assert code == 1
    assert "speaks of 1 entries; the log has 0" in said


def test_another_key_accepts_nothing(home: Path, capsys: Any) -> None:
    KeyFolder.init(home / "others")
    key = str(home / "others/checkpoint.pub")
    code, said, _ = run(capsys, "verify", str(home), "--key", key)
    assert code == 1
    assert "not signed by synthgate.local/00000+" in said


def test_a_checkpoint_held_elsewhere(home: Path, capsys: Any) -> None:
    mine = home / "mine"
    shutil.copy(home / "proofs/00000/checkpoint", mine)
    args = ["--set", f"data_dir={home}", "verify", "--held", str(mine)]
    assert run(capsys, *args)[0] == 0
    (home / "ledger/00000/0000000000000303.seg").unlink()
    shutil.rmtree(home / "proofs/00000")
    code, said, _ = run(capsys, *args)
    assert code == 1
    assert f"{mine}: speaks of 304 entries; the log has 303" in said
    mine.write_text("other.example/00000\n1\nx\n")
    assert run(capsys, *args)[0] == 78


def listed(path: Path, *notes: str) -> str:
    """A list as `synthgate log checkpoints` prints it."""
    rows = [
        {"v": 1, "origin": note.split("\n")[0], "size": int(note.split("\n")[1]), "note": note}
        for note in notes
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_a_list_of_checkpoints_kept_elsewhere(home: Path, capsys: Any) -> None:
    notes = [(home / f"proofs/{log}/checkpoint").read_text() for log in ("00000", "00007")]
    kept = listed(home / "kept.jsonl", *notes)
    args = ["--set", f"data_dir={home}", "verify", "--checkpoints", kept]
    assert run(capsys, *args)[0] == 0
    for part in ("ledger", "proofs"):
        shutil.rmtree(home / part / "00007")
    assert run(capsys, "--set", f"data_dir={home}", "verify")[0] == 0, "nothing here tells"
    code, said, _ = run(capsys, *args)
    assert (code, f"{kept}:2: speaks of 1 entries; the log has 0" in said) == (1, True)


def test_two_logs_shown_under_one_name_are_a_split_view(
    home: Path, tmp_path_factory: Any, capsys: Any
) -> None:
    """Each is whole and signed by the same key; only who compares what others were shown finds it."""
    other = tmp_path_factory.mktemp("shown-to-others")
    shutil.copytree(home / "keys", other / "keys")
    filled(other, [3, 301], log=0)
    (other / "logs").rename(other / "ledger")
    for place in (home, other):
        assert run(capsys, "--set", f"data_dir={place}", "log", "build")[0] == 0
        assert run(capsys, "--set", f"data_dir={place}", "verify")[0] == 0
    notes = [(place / "proofs/00000/checkpoint").read_text() for place in (home, other)]
    assert notes[0].split("\n")[:2] == notes[1].split("\n")[:2], "one name, one size"
    kept = listed(home / "kept.jsonl", *notes)
    code, said, _ = run(capsys, "--set", f"data_dir={home}", "verify", "--checkpoints", kept)
    assert (code, said.count("FAULT")) == (1, 1)
    assert f"{kept}:2: the log's first 304 entries hash to another root" in said


def test_a_list_that_says_nothing_is_not_taken_for_one_that_does(home: Path, capsys: Any) -> None:
    kept = home / "kept.jsonl"
    args = ["--set", f"data_dir={home}", "verify", "--checkpoints", str(kept)]
    for text, why in (("", "no checkpoint in it"), ("{}\n", f"{kept}:1: no row of checkpoints")):
        kept.write_text(text)
        code, _, said = run(capsys, *args)
        assert (code, why in said) == (78, True)
    note = (home / "proofs/00000/checkpoint").read_text()
    row = {"v": 1, "origin": "any", "size": 1, "note": note.replace("304", "305")}
    kept.write_text(json.dumps(row) + "\n")
    code, said, _ = run(capsys, *args)
    assert (code, "the signature" in said) == (1, True), "what the row says is not believed"


def test_what_a_worker_tells_is_what_it_signed(chain: Running, capsys: Any) -> None:
    """On the topic within seconds of an append; the chain's own logs lead to all of it."""
    assert run(capsys, "example", "chat", *chain.options)[0] == 0
    kept = chain.settings.data_dir / "told.jsonl"
    until = time.monotonic() + 60
    said = ""
    while not said:
        assert time.monotonic() < until, "nothing was told"
        time.sleep(0.2)
        code, said, _ = run(capsys, "log", "checkpoints", *chain.options)
        assert code == 0
    kept.write_text(said)
    origins = {json.loads(line)["origin"] for line in said.splitlines()}
    assert all(name.startswith(f"{chain.settings.log_name}/") for name in origins)
    code, said, why = run(capsys, "verify", "--checkpoints", str(kept), *chain.options)
    assert (code, "FAULT" in said) == (0, False), said + why


def test_rows_of_the_door_tell_absent_from_lost(home: Path, capsys: Any) -> None:
    row = {
        "epoch": 1, "topic": "generation.events", "partition": 0, "from_offset": 0, "to_offset": 311,
        "absent": [303, 304, 305, 306, 307, 308], "at": 5,
    }  # fmt: skip
    door = home / "door.jsonl"
    door.write_text(json.dumps(row) + "\n")
    args = ["--set", f"data_dir={home}", "verify", "--door", str(door)]
    code, said, _ = run(capsys, *args)
    assert code == 1
    assert said.count("FAULT") == 1
    assert "1/generation.events/0/309: the door took it" in said
    row["absent"] = [*row["absent"], 309]  # type: ignore[misc]
    door.write_text(json.dumps(row) + "\n")
    assert run(capsys, *args)[0] == 0
    door.write_text("{}\n")
    code, _, why = run(capsys, *args)
    assert (code, f"{door}:1: no row of records.door" in why) == (78, True)


def test_nothing_to_verify_and_no_key(tmp_path: Path, home: Path, capsys: Any) -> None:
    for name, why in (("keys", "no log in"), ("mistyped.zip", "no such file or folder")):
        code, _, said = run(
            capsys, "verify", str(home / name), "--key", str(home / "keys/checkpoint.pub")
        )
        assert (code, why in said) == (78, True)
    code, _, said = run(capsys, "verify", str(home), "--key", str(home / "keys/no.pub"))
    assert (code, "cannot read" in said) == (78, True)
    code, _, said = run(capsys, "verify", str(home), "--key", str(home / "proofs/00000/checkpoint"))
    assert (code, "does not hold 32 bytes" in said) == (78, True)
