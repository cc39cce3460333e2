"""An import that was killed on the way is not put in force as if it were whole."""

import asyncio
from pathlib import Path

import pytest

from library_topics import Topics
from synthgate.bench.made_up import row
from synthgate.cli import library_import, library_topic
from synthgate.cli.errors import CommandError
from synthgate.settings import Settings

ROWS = [row(name, value, severity=90) for name, value in (("a", "海洛因"), ("b", "冰毒丸"))]


def test_half_an_import_is_not_put_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = Topics(monkeypatch)
    settings = Settings(data_dir=tmp_path, shadow_minutes=0)

    def send(version: int, *files: str) -> None:
        asyncio.run(library_import.send_whole(settings, ROWS, version, files))

    def put_in_force(version: int) -> int:
        return asyncio.run(library_topic.put_in_force(settings, version, "ann", "bob"))[0]

    topics.ends_after = 1
    with pytest.raises(KeyboardInterrupt):
        send(1, "bad.csv")
    with pytest.raises(CommandError, match=r"bad\.csv was begun and not finished"):
        put_in_force(1)
    with pytest.raises(CommandError, match="not finished"):
        put_in_force(2)
    assert topics.registries.control.library() is None
    topics.ends_after = len(ROWS)
    send(1, "other.csv")
    with pytest.raises(CommandError, match="not finished"):
        put_in_force(1)
    send(1, "bad.csv")
    assert put_in_force(1) == len(ROWS)


def test_a_half_import_of_the_next_version_does_not_hold_up_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = Topics(monkeypatch)
    settings = Settings(data_dir=tmp_path, shadow_minutes=0)
    later = [one.model_copy(update={"entry": "c", "from_version": 2}) for one in ROWS[:1]]
    asyncio.run(library_import.send_whole(settings, ROWS, 1, ["bad.csv"]))
    topics.ends_after = 0
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(library_import.send_whole(settings, later, 2, ["new.csv"]))
    assert asyncio.run(library_topic.put_in_force(settings, 1, "ann", "bob"))[0] == len(ROWS)
    with pytest.raises(CommandError, match="not finished"):
        asyncio.run(library_topic.put_in_force(settings, 2, "ann", "bob"))
