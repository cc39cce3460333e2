"""The import contracts in pyproject.toml hold, cover every part, and can fail."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "synthgate"
LINTER = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
FAUST_S_HOMES = {"runtime", "bench"}


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-cache",
            "--config",
            str(ROOT / "pyproject.toml"),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def parts() -> set[str]:
    found = {file.stem for file in PACKAGE.glob("*.py")}
    found |= {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    return found - {"__init__"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package to plant violations in."""
    folder = tmp_path_factory.mktemp("tree")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PACKAGE, folder / "synthgate", ignore=ignored)
    return folder


def test_the_contracts_hold(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_every_part_but_its_homes_is_kept_from_faust() -> None:
    (row,) = (row for row in LINTER["contracts"] if row["name"].startswith("Faust has one home"))
    kept_from = {name.removeprefix("synthgate.") for name in row["source_modules"]}
    assert kept_from == parts() - FAUST_S_HOMES


@pytest.mark.parametrize(
    ("path", "line", "contract"),
    [
        ("law/__init__.py", "import synthgate.worker", "Layers"),
        ("steps/__init__.py", "import synthgate.runtime", "Layers"),
        ("stray.py", "", "Layers"),
        ("obligations/incidents.py", "import synthgate.obligations.retention", "No duty"),
        ("obligations/incidents.py", "import time", "Decisions"),
        ("registries/__init__.py", "import random", "Decisions"),
        ("steps/door.py", "import faust", "Faust"),
        ("ledger/log.py", "import aiokafka", "Below the engine"),
        ("client/gate.py", "import mode", "The app's client"),
    ],
)
def test_a_planted_violation_is_found(tree: Path, path: str, line: str, contract: str) -> None:
    file = tree / "synthgate" / path
    before = file.read_text() if file.exists() else None
    file.write_text(f"{before or ''}\n{line}\n")
    try:
        done = lint(tree)
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_text(before)
    assert done.returncode == 1
    broken = [row for row in done.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), done.stdout
