"""``synthgate bench peers`` on real Kafka, with few events: every engine does the same work to its end."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from synthgate.__main__ import main
from synthgate.bench import peers, variants
from synthgate.bench.child import VARIANTS
from synthgate.bench.variants import Variant
from synthgate.broker.choose import Broker

PEERS_PYTHON = Path(__file__).parents[2] / ".venv-peers" / "bin" / "python"


def _ran(letters: str, kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Events per second by variant."""
    monkeypatch.setenv("SYNTHGATE_TEST_BROKERS", kafka.bootstrap)
    few = [one._replace(quick=60) for one in peers.VARIANTS if one.letter in letters]
    found = variants.measure("peers", few, {}, quick=True)
    return {row["variant"]: row["events_per_second"] for row in found["rows"]}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("few_partitions")
def test_ours_and_those_that_come_with_the_tests(
    kafka: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates = _ran("jlo", kafka, monkeypatch)
    assert set(rates) == set("jlo")
    assert min(rates.values()) > 0


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("few_partitions")
@pytest.mark.skipif(not PEERS_PYTHON.exists(), reason="no Quix Streams: ./deploy/setup peers")
def test_quix_streams(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(PEERS_PYTHON))
    assert min(_ran("q", kafka, monkeypatch).values()) > 0


def test_what_to_install_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "quixstreams" else known(name)
    )
    assert main(["bench", "peers", "--quick"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "Quix Streams is not installed" in line and "./deploy/setup peers" in line


def test_ratios_name_variants_that_the_child_knows() -> None:
    letters = [variant.letter for variant in peers.VARIANTS]
    assert len(set(letters)) == len(letters)
    assert {letter for name in peers.RATIOS for letter in name.split("/")} <= set(letters)
    assert {variant.name for variant in peers.VARIANTS} <= set(VARIANTS)


@pytest.mark.parametrize("quick", [True, False])
def test_the_chain_whole_is_measured_in_the_long_form_alone(
    monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    def ran(_broker: Any, _home: Any, these: list[Variant], **_: Any) -> dict[str, Any]:
        return {one.letter: {"per_second": 2.0, "cpu_seconds": 1.0, "events": 2} for one in these}

    monkeypatch.setattr(variants, "on_broker", lambda _bench, work, **_: work(None, Path()))
    monkeypatch.setattr(variants, "_round", ran)
    found = variants.measure("peers", peers.VARIANTS, peers.RATIOS, quick=quick)
    left_out = set("cd") if quick else set()
    assert {row["variant"] for row in found["rows"]} == {
        v.letter for v in peers.VARIANTS
    } - left_out
    assert [row["ratio"] for row in found["ratios"]] == [
        name for name in peers.RATIOS if not left_out & set(name)
    ]
