"""The benches of a running chain, each with very little, on real Kafka: they end and say what they promise."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import backlog, latency, restart, scale, segments, soak
from synthgate.bench.running import TOPOLOGIES
from synthgate.bench.table_segments import of_segments
from synthgate.broker.choose import Broker
from synthgate.events.topics import DUTIES, RECORDS

FUSED = {"fused": TOPOLOGIES["fused"]}


@pytest.fixture
def on_kafka(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("SYNTHGATE_TEST_BROKERS", kafka.bootstrap)
    return monkeypatch


def _found(what: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["bench", what, "--quick", "--json"]) == 0
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    assert found["bench"] == what
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_latency(on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plan = latency.Plan(warm=30, burst=60, calm_seconds=1, turn_seconds=1, turns=1, shares=(0.1,))
    on_kafka.setattr(latency, "QUICK", plan)
    on_kafka.setattr(latency, "TOPOLOGIES", FUSED)
    on_kafka.setattr(latency, "SLOW_SECONDS", 0.5)
    (row,) = _found("latency", capsys)["topologies"]
    assert row["capacity_per_second"] > 0
    assert row["calm"]["requests"] == 10
    for load in (row["calm"], row["half"]):
        assert 0 < load["p50_ms"] <= load["p99_ms"]
        assert 0 <= load["fresh_share"] <= 1
        assert [duty["duty"] for duty in load["duties"]] == ["identity", "incidents"]
    assert [0 < at["p50_ms"] <= at["p99_ms"] for at in row["rising"]] == [True]
    assert row["slow_lane"]["slow_p50_ms"] >= 500  # the slow lane was held up, and was answered


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_segments(on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    on_kafka.setattr(segments, "QUICK", segments.Plan(streams=(2,), parts=3))
    on_kafka.setattr(segments, "TOPOLOGIES", FUSED)
    on_kafka.setattr(segments, "EVERY_S", 0.05)
    found = _found("segments", capsys)
    (row,) = found["rows"]
    assert (row["streams"], row["parts"]) == (2, 6)
    assert 0 < row["p50_ms"] <= row["p99_ms"]
    assert [duty["duty"] for duty in row["duties"]] == ["identity", "incidents"]
    assert "aim: p99 60 ms" in of_segments(found)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_backlog(on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    plan = backlog.Plan(30, 60, 1.5, 1.0, 180, 200, 0.5)
    on_kafka.setattr(backlog, "QUICK", {"fused": plan})
    (row,) = _found("backlog", capsys)["topologies"]
    assert row["expired"] > 0 and row["expired_per_second"] > 0
    assert row["live"] > 0 and row["live_longest_wait_seconds"] < 60
    assert [at["waiting"] for at in row["memory"]["rows"]] == [0, 20, 200]
    assert all(at["rss_mb"] > 0 for at in row["memory"]["rows"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_restart(on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    on_kafka.setattr(restart, "QUICK", restart.Plan(("fused",), 2, 20, 10, 0.5))
    (row,) = _found("restart", capsys)["topologies"]
    assert [one["worker"] for one in row["restarts"]] == ["w0", "w1"]
    assert all(one["stop_seconds"] > 0 and one["ready_seconds"] > 0 for one in row["restarts"])
    assert row["requests"] > 0 and row["longest_wait_seconds"] >= row["p99_ms"] / 1000 - 0.1


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_scale(on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    on_kafka.setattr(scale, "QUICK", scale.Plan(60, 30, 60, {"fused": (2,)}))
    on_kafka.setattr(scale, "DUTIES", DUTIES[:1])
    found = _found("scale", capsys)
    assert [row["duty"] for row in found["alone"]] == ["identity"]
    assert all(row["events_per_second"] > 0 for row in found["alone"])
    (row,) = found["together"]
    assert row["processes"] == 2 and row["events_per_second"] > 0 and row["cpu_us_per_event"] > 0
    assert row["worker_mb"] > 0 and row["bytes_per_event"]["log"] > 0
    assert row["bytes_per_event"]["topics"] is None  # this broker is not the bench's own


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("few_partitions")
def test_soak(
    on_kafka: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plan = soak.Plan(warm=30, burst=100, shares=(0.5,), step_seconds=1, seconds=4)
    on_kafka.setattr(soak, "QUICK", plan)
    assert main(["bench", "soak", "--quick", "--json", "--out", str(tmp_path)]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert orjson.loads((tmp_path / "soak.json").read_bytes()) == found
    assert found["judged"]["accounts"], (found["accounts"], found["wrong"])
    assert found["accounts"]["records"] >= 130 + found["rate"] * 4
    assert found["judged"]["errors"], found["said"]
    for row in found["samples"]:
        assert set(row["rss_mib"]) == set(DUTIES) == set(row["lag"]) - {RECORDS}
        assert all(size > 10 for size in row["rss_mib"].values())
    assert found["samples"][-1]["log_mib"] > 0
    assert sum(found["decided"].values()) > 0 and found["sent"]["answer"] > 0
