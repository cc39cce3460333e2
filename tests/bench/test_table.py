from synthgate.bench import chain, stages_seen, table
from synthgate.bench.place import place
from synthgate.cli.bench import BENCHES


def _found(rates: list[int]) -> dict[str, object]:
    rows = [
        {
            "variant": variant.letter,
            "what": variant.what,
            "events": variant.quick,
            "events_per_second": 1_000 * number,
            "each_round": rates,
            "cpu_us_per_event": 12_345,
        }
        for number, variant in enumerate(chain.VARIANTS, 1)
    ]
    ratios = [
        {"ratio": name, "found": 1.25, "by_cpu": 1.5, "aim": aim}
        for name, aim in chain.RATIOS.items()
    ]
    return {
        "bench": "chain", "store": "a store", "acks": "all", "replicas": 1, "compression": "zstd",
        "partitions": 12, "event_bytes": 2_100, **place(), "rows": rows, "ratios": ratios,
    }  # fmt: skip


def test_every_variant_and_ratio_is_told() -> None:
    text = table.of_chain(_found([1_000]))
    for variant in chain.VARIANTS:
        assert f"({variant.letter}) {variant.what}" in text
    for name, aim in chain.RATIOS.items():
        (line,) = [line for line in text.splitlines() if line.startswith(name)]
        assert "1.25" in line and "1.50" in line
        assert (aim is None) == ("aim" not in line)
    assert "a store" in text
    assert text.count("12,345") == len(chain.VARIANTS)
    assert "12 partitions" in text


def test_rounds_are_told_where_there_are_several() -> None:
    assert "1,001, 1,002" in table.of_chain(_found([1_001, 1_002]))
    assert "1,001" not in table.of_chain(_found([1_001]))


def test_ratios_name_variants() -> None:
    letters = {variant.letter for variant in chain.VARIANTS}
    assert {letter for name in chain.RATIOS for letter in name.split("/")} <= letters


_MS = {"p50": 1.5, "p99": 2.5, "mean": 1.6}
_LOAD = {
    "rate": 10.0, "requests": 40, "p50_ms": 11.5, "p99_ms": 22.5, "fresh_share": 0.25,
    "duties": [
        {
            "duty": "identity", "records_per_batch": 1.5,
            "ms": dict.fromkeys((*stages_seen.PARTS, "whole"), _MS),
        }
    ],
}  # fmt: skip


def test_latency_is_told_with_its_aims_and_parts() -> None:
    text = table.of_latency(
        {
            **_found([1]), "aims": {"calm_ms": 50.0, "half_ms": 100.0, "moved": 0.1},
            "slow": {"share": 0.05, "seconds": 2.0},
            "topologies": [
                {
                    "topology": "fused", "capacity_per_second": 2_000, "calm": _LOAD, "half": _LOAD,
                    "rising": [{"rate": 200.0, "p50_ms": 41.0, "p99_ms": 77.0}],
                    "slow_lane": {"fast_p99_moved": -0.031, "each_turn": [], "slow_p50_ms": 2_345.0},
                }
            ],
        }
    )  # fmt: skip
    for words in (
        "a store", "replicas 1", "zstd", "acks all", "capacity 2,000 events/s", "p99 22.5 ms",
        "aim: p99 below 50 ms", "aim: p99 below 100 ms", "freshness takes 25%", "1.5/2.5",
        "at 200 a second: p50 41.0 ms, p99 77.0 ms", "5% on the slow lane", "-3.1%", "aim: less than 10%",
    ):  # fmt: skip
        assert words in text
    for part in stages_seen.PARTS:
        assert part in text


def test_backlog_is_told_with_its_aims() -> None:
    rows = [{"waiting": 0, "rss_mb": 90.0}, {"waiting": 1_000, "rss_mb": 100.0}]
    text = table.of_backlog(
        {
            **_found([1]), "aims": {"expired": 5.0, "live_seconds": 60.0, "grew": 0.1},
            "topologies": [
                {
                    "topology": "fused", "capacity_per_second": 2_000, "half_per_second": 1_000,
                    "stopped_seconds": 5.0, "ready_seconds": 2.25, "expired": 5_000,
                    "expired_per_second": 9_000, "expired_over_capacity": 4.5, "live": 300,
                    "live_longest_wait_seconds": 3.21, "soon_again_seconds": 2.5,
                    "memory": {"rows": rows, "grew": 0.02},
                }
            ],
        }
    )  # fmt: skip
    for words in (
        "stopped for 5 s", "9,000 a second, 4.50 x capacity   aim: at least 5", "waited for 3.2 s",
        "aim: at most 60 s", "1,000 waiting 100", "grew +2%", "aim: less than 10%",
    ):  # fmt: skip
        assert words in text


def test_scale_is_told_with_and_without_a_broker_of_ours() -> None:
    together = {
        "topology": "fused", "processes": 2, "events_per_second": 3_000, "cpu_us_per_event": 456,
        "broker_cpu_us_per_event": 78, "worker_mb": 300,
        "bytes_per_event": {"log": 2_100.0, "objects": 0, "topics": {"decisions": 300.0}},
    }  # fmt: skip
    unknown = {
        **together, "processes": 4, "broker_cpu_us_per_event": None,
        "bytes_per_event": {"log": 1.0, "objects": 0, "topics": None},
    }  # fmt: skip
    alone = [{"duty": "consent", "events_per_second": 7_000, "cpu_us_per_event": 123}]
    text = table.of_scale({**_found([1]), "alone": alone, "together": [together, unknown]})
    lines = text.splitlines()
    (line,) = [line for line in lines if line.startswith("fused, 2")]
    assert line.split()[-6:] == ["3,000", "456", "78", "300", "2,100", "300"]
    (line,) = [line for line in lines if line.startswith("fused, 4")]
    assert line.split()[-4:] == ["-", "300", "1", "-"]
    assert any(line.startswith("consent alone") and "7,000" in line for line in lines)


def test_every_bench_of_the_command_has_a_table() -> None:
    assert set(table.OF) == set(BENCHES)
