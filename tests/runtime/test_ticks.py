"""What time makes due: a second apart, at once while there is more, and never on while something is away."""

import asyncio
from typing import Any

import pytest

from synthgate.runtime import ticks
from synthgate.runtime.waits import Waits
from synthgate.step import Outputs, Plain, Waiting


class Owing(Plain):
    """So many ticks' worth on partition 0; a dependency is away at one of them."""

    name = "owing"
    inputs = ()

    def __init__(self, owed: int, away_at: int | None = None) -> None:
        self.owed, self.away_at = owed, away_at
        self.asked: list[int] = []

    async def tick(self, partition: int, now_ms: int) -> Outputs:
        self.asked.append(partition)
        if len(self.asked) == self.away_at:
            raise Waiting("ledger")
        if partition:
            return Outputs()
        self.owed -= 1
        return Outputs(more=self.owed > 0)


async def one_round(stage: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Partitions published for by the first round; ends where it would wait for the second."""
    published: list[int] = []
    slept = 0

    async def sleep(_: float) -> None:
        nonlocal slept
        slept += 1
        if slept > 1:
            raise asyncio.CancelledError

    async def publish(_: Outputs, partition: int) -> None:
        published.append(partition)

    monkeypatch.setattr(ticks.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await ticks.tick(stage, [1, 0], publish, Waits())
    return published


async def test_a_partition_with_more_is_asked_again_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert await one_round(Owing(3), monkeypatch) == [0, 0, 0, 1]


async def test_one_whose_dependency_is_away_waits_for_the_next_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Owing(9, away_at=2)
    assert await one_round(stage, monkeypatch) == [0, 1]
    assert stage.asked == [0, 0, 1]
