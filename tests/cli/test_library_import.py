"""An import that was killed on the way is not put in force as if it were whole."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from synthgate.bench.made_up import row
from synthgate.cli import library_import, library_topic
from synthgate.cli.errors import CommandError
from synthgate.events.facts import ControlRow
from synthgate.registries import Registries
from synthgate.settings import Settings

ROWS = [row(name, value, severity=90) for name, value in (("a", "海洛因"), ("b", "冰毒丸"))]


class Topics:
    """``control`` and ``facts.features`` as lists; sending ends after so many entries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registries = Registries(("control", "facts.features"))
        self.ends_after = len(ROWS)
        self._at = 0
        monkeypatch.setattr(library_topic, "copies", self._copies)
        monkeypatch.setattr(library_topic, "send", self._send)
        monkeypatch.setattr(library_topic, "control_row", self._control)

    async def _copies(self, _: Settings, *__: str) -> Registries:
        return self.registries

    async def _send(self, _: Settings, rows: Any) -> None:
        for one in rows[: self.ends_after]:
            self._put("facts.features", one.entry, one.model_copy(update={"version": 1}))
        if self.ends_after < len(rows):
            raise KeyboardInterrupt

    async def _control(
        self, _: Settings, name: str, body: dict[str, object], by: str, at: int
    ) -> None:
        moment = f"2026-11-26T00:00:00.{at % 1000:03}Z"
        self._put("control", name, ControlRow(version=at, name=name, body=body, by=by, at=moment))

    def _put(self, topic: str, key: str, one: Any) -> None:
        self._at += 1
        self.registries.apply(topic, 0, self._at, key.encode(), one.model_dump_json().encode())


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
