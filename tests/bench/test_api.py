"""``synthgate bench api``: its figures, its table; the run itself is `synthgate bench api --quick`."""

from synthgate.bench.api import found
from synthgate.bench.table_api import lines_of_api


def row(http_s: float) -> dict[str, object]:
    made = found([0.02] * 99 + [0.05], [0.03] * 99 + [http_s])
    return {"bench": "api", "rate": 20.0, "aim_ms": 30.0} | made


def test_figures() -> None:
    made = row(0.5)
    assert made["bus"] == {"requests": 100, "p50_ms": 20.0, "p99_ms": made["bus"]["p99_ms"]}  # type: ignore[index]
    assert made["http"]["p50_ms"] == 30.0  # type: ignore[index]
    assert made["above_ms"] == round(
        made["http"]["p99_ms"] - made["bus"]["p99_ms"],
        1,  # type: ignore[index]
    )


def test_the_table_says_whether_the_aim_was_met() -> None:
    place = {"store": "a store", "machine": "m", "python": "p", "broker": "b", "clients": "c"}
    for above, ratio, word in ((29.9, 1.5, ": met"), (30.1, 2.5, ": missed")):
        text = lines_of_api(row(0.1) | place | {"above_ms": above, "ratio": ratio})
        assert text[-1].endswith(word)
        assert f"ratio {ratio:.2f}" in text[-1]
