"""``synthgate keys``: made once, never overwritten, shown without a secret."""

from pathlib import Path

import pytest

from cli_commands import run
from effects.carriers.builders import jpeg

Capture = pytest.CaptureFixture[str]


def test_init_show_and_add(capsys: Capture, tmp_path: Path) -> None:
    where = ["--set", f"data_dir={tmp_path}"]
    code, _, why = run(capsys, "keys", "show", *where)
    assert code == 78
    assert "synthgate keys init" in why

    assert run(capsys, "keys", "init", *where)[0] == 0
    code, said, _ = run(capsys, "keys", "show", *where)
    assert code == 0
    assert "pass-1.key" in said
    for path in (tmp_path / "keys").iterdir():
        assert path.read_text().strip() not in said
        assert path.name in said

    code, _, why = run(capsys, "keys", "init", *where)
    assert code == 78
    assert "never overwritten" in why

    assert "pass-2.key made" in run(capsys, "keys", "add-pass", *where)[1]
    shown = run(capsys, "keys", "show", *where)[1].splitlines()
    assert next(line for line in shown if line.endswith("signs")).startswith("pass-2.key")

    (tmp_path / "keys" / "operator.key").unlink()
    assert "not here, as it should be" in run(capsys, "keys", "show", *where)[1]


def test_certificates_to_try_manifests_with(capsys: Capture, tmp_path: Path) -> None:
    home, picture = tmp_path / "chain", tmp_path / "a.jpg"
    code, said, _ = run(capsys, "keys", "c2pa-test", str(home))
    assert code == 0
    assert "not for publication" in said
    assert (home / "key.pem").stat().st_mode & 0o777 == 0o600
    assert run(capsys, "keys", "c2pa-test", str(home))[0] != 0  # nothing is written over
    named = [
        part for name in ("chain", "key", "roots")
        for part in ("--set", f"c2pa_{name}={home}/{name}.pem")
    ]  # fmt: skip
    assert all(part in said for part in named)
    picture.write_bytes(jpeg())
    assert run(capsys, "label", str(picture), "--sample", *named)[0] == 0
    labelled = str(tmp_path / "a.labelled.jpg")
    assert "trained algorithmic media, trusted" in run(capsys, "inspect", labelled, *named[-2:])[1]
    assert "trained algorithmic media, valid" in run(capsys, "inspect", labelled)[1]
    none = f"c2pa_roots={tmp_path}/none.pem"
    code, _, why = run(capsys, "inspect", labelled, "--set", none)
    assert (code, "No such file" in why) == (78, True)
    wrong = ["--set", f"c2pa_chain={home}/chain.pem"]
    code, _, why = run(capsys, "label", str(picture), "--sample", *wrong)
    assert (code, "belong together" in why) == (78, True)
