"""``control`` and ``facts.features`` as lists, for commands of the library: no broker, a clock set by hand."""

from typing import Any

import pytest

from synthgate.cli import library_back, library_topic, standing
from synthgate.cli.casebook import Casebook
from synthgate.client.build import rfc3339
from synthgate.events.facts import ControlRow, FeatureRow, key_of
from synthgate.registries import Registries
from synthgate.settings import Settings

START_MS = 1_795_737_600_000


class Topics:
    """What the commands write is read again. Sending ends after so many entries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.registries = Registries(("control", "facts.features", "guards"))
        self.now_ms = START_MS
        self.ends_after = 10_000
        self._at = 0
        for module in (library_topic, library_back):
            monkeypatch.setattr(module, "copies", self._copies)
            monkeypatch.setattr(module, "control_row", self._control)
        monkeypatch.setattr(library_topic, "send", self._send)
        monkeypatch.setattr(library_back, "_carried_out", self._carried_out)
        monkeypatch.setattr(standing, "now_ms", self._now)

    def put(self, one: FeatureRow, key: str | None = None) -> None:
        """As a careless writer would, past the command; now."""
        one = one.model_copy(update={"version": self.now_ms})
        self._put("facts.features", key or key_of("facts.features", one), one)

    def positions(self) -> dict[str, list[int]]:
        """What was read of each."""
        return {topic: [self._at] for topic in self.registries.tables}

    def _now(self) -> int:
        self.now_ms += 1
        return self.now_ms

    async def _copies(self, _: Settings, *__: str) -> Registries:
        return self.registries

    async def _send(self, _: Settings, rows: Any, __: Any = ()) -> None:
        for one in rows[: self.ends_after]:
            self.put(one)
        if self.ends_after < len(rows):
            raise KeyboardInterrupt

    async def _control(
        self, _: Settings, name: str, body: dict[str, object], by: str, at: int
    ) -> None:
        row = ControlRow(version=at, name=name, body=body, by=by, at=rfc3339(at))
        self._put("control", name, row)

    async def _carried_out(self, *_: Any) -> Casebook:
        return Casebook()

    def _put(self, topic: str, key: str, one: Any) -> None:
        self._at += 1
        self.registries.apply(topic, 0, self._at, key.encode(), one.model_dump_json().encode())
