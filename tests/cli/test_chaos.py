"""``synthgate chaos`` hands over to the rig beside the source, and says in one line what it lacks."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synthgate.__main__ import main
from synthgate.cli import chaos


def test_without_the_source_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chaos, "TESTS", tmp_path / "tests")
    assert main(["chaos"]) == 78
    said = capsys.readouterr().err
    assert said == (
        f"synthgate: chaos runs in a checkout of the source only: {tmp_path}/tests/chaos is not there\n"
    )


def test_without_the_extra_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["chaos"]) == 78
    assert "test extra" in capsys.readouterr().err


def test_it_hands_over(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []

    def run(command: list[str], **more: Any) -> subprocess.CompletedProcess[bytes]:
        handed.append((command, more["env"]["PYTHONPATH"]))
        return subprocess.CompletedProcess(command, 3)

    monkeypatch.setattr(subprocess, "run", run)
    assert main(["chaos", "--rounds", "2", "--seed", "7", "--json"]) == 3
    ((command, path),) = handed
    assert command[1:] == [
        "-m", "chaos", "--rounds", "2", "--seconds", "300.0", "--seed", "7", "--json"
    ]  # fmt: skip
    assert str(chaos.TESTS) in path.split(":")


def test_the_rig_understands_what_it_is_handed() -> None:
    environment = {
        "PYTHONPATH": f"{chaos.TESTS.parent / 'src'}:{chaos.TESTS}",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-m", "chaos", "--help"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for option in ("--rounds", "--seconds", "--seed", "--brokers", "--plant", "--json"):
        assert option in done.stdout
