"""A copy of the law files that a test may spoil."""

import shutil
from pathlib import Path

from synthgate.law.book import FOLDER


def copy_of_law(folder: Path) -> Path:
    """The shipped TOML files, copied."""
    copy = folder / "law"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def change(path: Path, old: str, new: str) -> None:
    """Replace text that must be there exactly once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")
