"""Fused: the copies are brought up once for a batch, and again only just before the append."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from local_bus import NoFresh
from synthgate.events.topics import COPIES, DUTIES, FORBIDDING, INPUTS


@pytest.mark.parametrize("fused", [False, True], ids=["separate", "fused"])
def test_how_often_a_batch_asks_where_the_registries_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fused: bool
) -> None:
    asked: list[frozenset[str]] = []

    class Noted(NoFresh):
        async def fresh(self, wanted: Sequence[str]) -> dict[str, list[int]]:
            asked.append(frozenset(wanted))
            return self.positions(wanted)

    monkeypatch.setattr("local_bus.NoFresh", Noted)
    bus = a_bus(tmp_path, fused=fused)
    verify(bus)
    asked.clear()
    assert decide(bus, an_event(bus, "one")).action == "release"
    each = [frozenset(COPIES[duty]) for duty in DUTIES[:4]]
    before = [frozenset().union(*each)] if fused else each
    append = frozenset((*FORBIDDING, "control"))
    heard = [topics for topics in asked if "cases" not in topics]  # incidents asks for itself
    assert heard == [*before, append]


def test_each_stage_reads_what_the_table_says(tmp_path: Path) -> None:
    read = {stage.name: set(stage.inputs) for stage in a_bus(tmp_path).stages}
    assert read == {duty: set(names) for duty, names in INPUTS.items()}
