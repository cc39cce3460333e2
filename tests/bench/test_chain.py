"""``synthgate bench chain`` on real Kafka, with few events: every variant ends and releases all of them."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from local_bus import LocalBus, local_settings
from synthgate import worker
from synthgate.__main__ import main
from synthgate.bench import chain, plain_agents, plain_whole
from synthgate.bench.clock import Clock
from synthgate.bench.six import HEARD
from synthgate.bench.timed import Timed
from synthgate.broker.choose import Broker
from synthgate.step import Batch


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("few_partitions")
def test_every_variant_runs(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNTHGATE_TEST_BROKERS", kafka.bootstrap)
    few = tuple(variant._replace(quick=60) for variant in chain.VARIANTS)
    monkeypatch.setattr(chain, "VARIANTS", few)
    assert main(["bench", "chain", "--quick", "--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert [row["variant"] for row in found["rows"]] == [variant.letter for variant in few]
    assert [row["ratio"] for row in found["ratios"]] == list(chain.RATIOS)
    assert {"store", "acks", "compression", "cores", "python", "libraries"} <= set(found)


def test_a_variant_that_cannot_run_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNTHGATE_TEST_BROKERS", "127.0.0.1:1")
    assert main(["bench", "chain", "--quick"]) == 75
    assert capsys.readouterr().err.startswith("synthgate: no Kafka to measure on:")


def test_what_logs_facts_is_no_duty_of_the_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the duties, in every worker with retention: it reads what was there before the first event."""
    bus = LocalBus(local_settings(tmp_path / "bus"), recording=True)

    async def start(_: object) -> None: ...

    copies = SimpleNamespace(start=start, follow=lambda *_: None)
    made = SimpleNamespace(stages=bus.stages, copies=copies)
    monkeypatch.setattr(worker, "assemble", lambda *_, **__: made)

    async def run(_: object, hops: dict[str, Any], __: object) -> dict[str, Any]:
        return hops

    monkeypatch.setattr(plain_agents, "run", run)
    hops = asyncio.run(plain_whole.run(local_settings(tmp_path / "plain"), 1))
    assert hops.keys() == HEARD.keys()

    clock = Clock(1)
    recorder = Timed(bus.stages[-1], clock, None)
    asyncio.run(recorder.process(Batch("work", 0, [], 0, 0), 1))
    assert recorder.name == "records" and clock._begun is None
