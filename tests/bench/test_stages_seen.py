from pathlib import Path
from typing import Any

import orjson
import pytest

from synthgate.bench import stages_seen
from synthgate.bench.stages_seen import by_duty, fresh_share, percentile, within


def _span(
    duty: str, at: float, heard: list[int], topic: str = "t", **more: float
) -> dict[str, Any]:
    """Begun at ``at``; a tenth fresh, two tenths deciding, three appending, four publishing."""
    parts = {"fresh": 0.1, "append": 0.3, "decided": at + 0.6, "acked": at + 1.0} | more
    return {"duty": duty, "topic": topic, "partition": 0, "heard": heard, "begun": at, **parts}


def test_percentiles_of_few_and_of_none() -> None:
    assert percentile([], 0.99) == 0
    assert percentile([7.0], 0.5) == 7.0
    values = [float(number) for number in range(101)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0


def test_the_parts_of_a_duty_add_up_to_its_whole() -> None:
    (row,) = by_duty([_span("consent", 1_000.0, [999_500])])
    parts = {name: found["p50"] for name, found in row["ms"].items()}
    assert parts == {
        "queue": 500.0, "fresh": 100.0, "decide": 200.0, "append": 300.0, "publish": 400.0,
        "whole": 1500.0,
    }  # fmt: skip


def test_every_record_counts_and_duties_come_in_order() -> None:
    spans = [_span("retention", 2.0, [1000]), _span("identity", 1.0, [900, 800, 100])]
    rows = by_duty(spans)
    assert [row["duty"] for row in rows] == ["identity", "retention"]
    assert rows[0]["records_per_batch"] == 3.0
    assert rows[0]["ms"]["queue"]["p99"] == 900.0
    assert rows[0]["ms"]["queue"]["p50"] == 200.0


def test_lanes_and_times_are_told_apart() -> None:
    spans = [
        _span("consent", 5.0, [1], "passages.identified"),
        _span("consent", 5.0, [1], "passages.identified.slow"),
        _span("consent", 9.0, [1], "passages.identified"),
    ]
    assert within(spans, 4.0, 6.0) == spans[:1]
    assert within(spans, 4.0, 6.0, slow=True) == spans[1:2]


def test_freshness_counts_up_to_the_decision_and_once_a_record() -> None:
    spans = [
        _span("identity", 1.0, [1, 2]),
        _span("consent", 1.0, [1, 2]),
        _span("incidents", 1.0, [1]),
    ]
    assert fresh_share(spans, [1.0, 1.0]) == pytest.approx(0.2)
    assert fresh_share([], []) == 0


def test_spans_of_all_workers_are_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        line = orjson.dumps(_span("identity", 1.0, [1]))
        (tmp_path / f"spans-{name}.jsonl").write_bytes(line + b"\n" + line + b"\n")
    assert len(stages_seen.read(tmp_path)) == 4
