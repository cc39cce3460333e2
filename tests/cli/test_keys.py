"""``synthgate keys``: made once, never overwritten, shown without a secret."""

from pathlib import Path

import pytest

from cli_commands import run

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
