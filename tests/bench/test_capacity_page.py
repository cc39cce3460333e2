"""CAPACITY.md is what its figures and assumptions make it."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from synthgate.bench import capacity_page
from synthgate.bench.capacity_page import Cost, cost_of, need_of, render
from synthgate.events.topics import TOPICS

FOUND: dict[str, Any] = orjson.loads(capacity_page.FIGURES.read_bytes())
COST = Cost(
    "fused", 2_000, 500, 300, 100, 1_000, 0, {"generation.events": 2_000, "decisions": 1_000}
)


def test_the_page_is_fresh() -> None:
    assert capacity_page.main(["--check"]) == 0


def test_a_stale_page_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = tmp_path / "capacity.json"
    changed = orjson.loads(orjson.dumps(FOUND))
    changed["together"][0]["cpu_us_per_event"] += 1
    figures.write_bytes(orjson.dumps(changed))
    monkeypatch.setattr(capacity_page, "FIGURES", figures)
    assert capacity_page.main(["--check"]) == 1
    assert "capacity_page" in capsys.readouterr().err


def test_every_measured_figure_is_on_the_page() -> None:
    text = render(FOUND)
    for row in [*FOUND["together"], *FOUND["alone"]]:
        assert f"| {row['events_per_second']:,} | {row['cpu_us_per_event']:,} |" in text
    for rate in capacity_page.RATES:
        assert text.count(f"\n| {rate:,} |") == 2


def test_what_a_rate_takes() -> None:
    need = need_of(COST, 100_000)
    assert need.worker_cores == 100  # 50 cores' work, half busy
    assert need.worker_bytes == 100 * 300e6
    assert need.broker_cores == 60  # 10 cores' work, three replicas, half busy
    assert need.partitions == 204  # two a worker, in twelves
    assert need.clusters == 1
    assert need.log_day == 100_000 * 86_400 * 1_000
    assert need.log_kept == need.log_day * 184
    assert need.broker_day == 100_000 * 86_400 * 3_000 * 3
    assert need.broker_kept == pytest.approx(need.broker_day * 7)  # both are kept seven days


def test_more_partitions_than_a_cluster_takes_are_spread() -> None:
    need = need_of(COST, 2_200_000)
    assert need.partitions > capacity_page.PARTITIONS_MAX
    assert need.clusters == 2


def test_figures_of_a_broker_of_somebody_else_do_not_do() -> None:
    row = {
        "topology": "fused", "processes": 1, "events_per_second": 1, "cpu_us_per_event": 1,
        "broker_cpu_us_per_event": None, "worker_mb": 300,
        "bytes_per_event": {"log": 1, "objects": 0, "topics": None},
    }  # fmt: skip
    with pytest.raises(ValueError, match="SYNTHGATE_TEST_BROKERS unset"):
        cost_of({"together": [row]}, "fused")
    with pytest.raises(ValueError, match="synthgate bench scale"):
        cost_of({"together": []}, "fused")


def test_every_topic_has_its_bytes() -> None:
    for row in FOUND["together"]:
        assert set(row["bytes_per_event"]["topics"]) == {topic.name for topic in TOPICS}


def test_no_rate_takes_more_than_the_cores_there_are() -> None:
    """A rate that would is not one: most answers of a burst come at its end (``running.rate_of``)."""
    for row in FOUND["together"]:
        assert row["events_per_second"] * row["cpu_us_per_event"] / 1e6 < FOUND["cores"], row
