"""The example on the running chain: two replicas, a worker killed on the way, and nothing served unreleased.

Two thousand generations; ten thousand with SYNTHGATE_TEST_LONG=1 (about five minutes).
The fixture ``chain`` is a running chain: ``settings``, ``kill_worker()`` (kill -9) and ``restart_worker()``.
"""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from example_app.audit import decisions, unfounded, unlogged
from example_app.load import Kind, asks, drive, set_up, wrong
from example_app.running import running
from synthgate.client import KeyFolder

GENERATIONS = 10_000 if os.environ.get("SYNTHGATE_TEST_LONG") else 2_000
TIMEOUT_S = 20.0
KILL_AFTER = 0.4
"""Share of the generations that have reached the model."""


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_nothing_is_served_without_a_release(chain: Any, tmp_path: Path) -> None:
    settings = chain.settings
    wanted = asks(GENERATIONS)
    async with running(settings, tmp_path / "access.log", TIMEOUT_S) as town:
        await set_up(town.gates[0])
        driving = asyncio.create_task(drive(town.replicas, wanted, town.http))
        await _model_calls(town.model, KILL_AFTER, driving)
        await asyncio.to_thread(chain.kill_worker)
        await asyncio.to_thread(chain.restart_worker)
        results = await driving

    assert wrong(results) == []
    served = town.files.served()
    decided = await decisions(settings)
    assert unfounded(served, decided) == []
    assert unlogged(served, settings, KeyFolder(settings.keys_dir).master_key) == []

    # Each event has its own entry and its own answer: nothing was logged twice.
    receipts = Counter((d.row["root"], d.revision, str(d.receipt)) for d in decided)
    answers = Counter((root, revision) for root, revision, _ in receipts)
    assert max(answers.values()) == 1

    # The kill must not have turned the chain off: most lawful users were served.
    lawful = [result for result in results if result.ask.kind is Kind.LAWFUL]
    released = [result for result in lawful if result.action == "release"]
    assert len(served) == len(released) > len(lawful) // 2


async def _model_calls(model: Any, share: float, driving: "asyncio.Task[Any]") -> None:
    """Wait until so many of the generations have reached the model."""
    while model.calls < share * GENERATIONS * 0.6 and not driving.done():
        await asyncio.sleep(0.1)
    assert not driving.done(), "the run ended before the worker was killed"
