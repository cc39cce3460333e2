"""The security page names files that exist, commands that are, and figures of the code."""

import re
import tomllib
from pathlib import Path

import pytest

from synthgate import cli
from synthgate.law import load

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "src" / "SECURITY.md").read_text(encoding="utf-8")


def test_every_file_named_is_there() -> None:
    named = set(re.findall(r"`((?:src|tests|deploy)/[\w./-]+)[` ]", TEXT))
    assert len(named) > 12
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`synthgate ([a-z ]+)`", TEXT))))
def test_every_command_named_is_one(name: str) -> None:
    with pytest.raises(SystemExit) as left:
        cli.parser().parse_args([*name.split(), "--help"])
    assert left.value.code == 0


def test_figures_are_those_of_the_code() -> None:
    assert f"{load().policy.retention.keep_days} days at least" in TEXT
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert any(row.startswith("python-stdnum") for row in project["dependencies"])
