"""``synthgate bench chain`` on real Kafka, with few events: every variant ends and releases all of them."""

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import chain
from synthgate.broker.choose import Broker


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
