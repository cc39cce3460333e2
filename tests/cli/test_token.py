"""``synthgate token``: numbers on standard input, tokens out, and no number anywhere else."""

import io
from pathlib import Path

import pytest

from cli_commands import run
from synthgate.crypto.keys import KeyFolder

Capture = pytest.CaptureFixture[str]
PHONE, OTHER = "13800138000", "13912345678"


@pytest.fixture
def where(tmp_path: Path) -> list[str]:
    KeyFolder.init(tmp_path / "keys")
    return ["--set", f"data_dir={tmp_path}", "--tenant", "acme", "--scheme", "mobile"]


def said(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, lines: str, *argv: str
) -> tuple[int, list[str], str]:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    code, out, why = run(capsys, "token", *argv)
    return code, out.splitlines(), why


def test_make_check_and_rotate(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, where: list[str]
) -> None:
    code, (first, second), why = said(
        capsys, monkeypatch, f"{PHONE}\n\n+86 {OTHER}\n", "make", *where
    )
    assert (code, why) == (0, "")
    assert first.startswith("1.")
    assert first != second
    assert run(capsys, "keys", "add-identity", *where[:2])[0] == 0
    code, lines, _ = said(capsys, monkeypatch, PHONE, "make", "--all", *where)
    new, old = lines[0].split()
    assert (code, new[:2], old) == (0, "2.", first)
    for token in (new, old):
        answer = said(capsys, monkeypatch, f"{PHONE}\n{OTHER}\n", "check", token, *where)
        assert answer == (1, ["yes", "no"], "")
        assert said(capsys, monkeypatch, PHONE, "check", token, *where)[0] == 0
    assert said(capsys, monkeypatch, PHONE, "check", "9" + new[1:], *where)[:2] == (
        1,
        ["unknown key"],
    )


def test_what_is_no_number_is_named_by_line_and_never_repeated(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, where: list[str]
) -> None:
    code, lines, why = said(capsys, monkeypatch, f"{PHONE}\n1380013800x\n", "make", *where)
    assert (code, lines[1]) == (1, "-")
    assert why.startswith("line 2: no mainland mobile number")
    assert "1380013800" not in why + "".join(lines)
    code, _, why = said(capsys, monkeypatch, PHONE, "check", "not-a-token", *where)
    assert code == 1
    assert "no token" in why


def test_without_an_identity_key_it_says_how_to_make_one(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, where: list[str], tmp_path: Path
) -> None:
    (tmp_path / "keys" / "identity-1.key").unlink()
    code, _, why = said(capsys, monkeypatch, PHONE, "make", *where)
    assert code == 78
    assert "keys add-identity" in why
    assert "none here" in run(capsys, "keys", "show", *where[:2])[1]
