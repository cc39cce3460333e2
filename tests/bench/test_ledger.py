"""``synthgate bench ledger`` runs and says what it promises; no figure is judged here."""

import random
from pathlib import Path

import orjson
import pytest

from synthgate.__main__ import main
from synthgate.bench import ledger_replay, ledger_trace
from synthgate.broker.choose import Broker
from synthgate.broker.errors import BrokerUnavailableError
from synthgate.steps.trace_index import TraceIndex

FIELDS = {
    "bench", "quick", "store", "cores", "system", "python", "libraries", "batch_entries",
    "content_bytes", "entries", "stored_bytes", "appends_per_second", "bare_per_second", "ratio",
    "append_p50_ms", "append_p99_ms", "bare_p99_ms",
    "proved_per_second", "verified_mb_per_second", "verified_per_second",
    "takeover_ids", "takeover_seconds", "snapshot_seconds", "peak_mb", "bucket",
    "trace_entries", "trace_bytes", "trace_rows_per_second", "trace_aim_ms", "trace_produce_id",
    "trace_object", "trace_user", "trace_subject", "trace_time", "replay",
}  # fmt: skip
BUCKET_FIELDS = {
    "bucket_slow_per_second", "bucket_slow_p50_ms", "bucket_slow_p99_ms", "bucket_slow_puts_per_1000",
    "bucket_slow_gets_per_1000", "bucket_full_per_second", "bucket_full_bare_per_second",
    "bucket_full_p50_ms", "bucket_full_p99_ms", "bucket_full_puts_per_1000", "bucket_full_gets_per_1000",
}  # fmt: skip


LOOKED_UP = {"entries", "p50_ms", "p99_ms", "cold_p50_ms", "cold_p99_ms"}
REPLAYED = {
    "variant", "what", "passages", "live_per_second", "live_cpu_us", "replayed_per_second",
    "replayed_cpu_us", "ratio", "by_cpu", "indexed_per_second",
}  # fmt: skip


def no_broker() -> Broker:
    raise BrokerUnavailableError("none here")


def test_quick_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_replay, "choose_broker", no_broker)
    monkeypatch.setattr(ledger_trace, "QUICK_ENTRIES", 20_000)
    assert main(["bench", "ledger", "--quick", "--json", "--folder", str(tmp_path)]) == 0
    found = orjson.loads(capsys.readouterr().out)
    if found["bucket"].startswith("S3Proxy"):
        assert set(found) == FIELDS | BUCKET_FIELDS
        assert (found["bucket_slow_puts_per_1000"], found["bucket_full_puts_per_1000"]) == (1000, 1)
    else:
        assert set(found) == FIELDS
    assert found["entries"] % found["batch_entries"] == 0
    assert found["entries"] > 0
    assert found["stored_bytes"] > found["entries"] * found["content_bytes"]
    assert found["ratio"] > 0
    assert found["replay"] == "not measured: none here"
    assert (found["trace_entries"], found["trace_aim_ms"]) == (20_000, 50)
    for kind in ledger_trace.KINDS:
        assert set(found[f"trace_{kind}"]) == LOOKED_UP
    assert found["trace_produce_id"]["entries"] == found["trace_object"]["entries"] == 1
    assert list(tmp_path.iterdir()) == []  # nothing is left behind


def test_an_index_filled_in_bulk_is_the_same_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the long form: its indexes, and every row by each way to it."""
    monkeypatch.setattr(ledger_trace, "QUICK_ENTRIES", 2_000)
    monkeypatch.setattr(ledger_trace, "LONG_ENTRIES", 5_000)
    monkeypatch.setattr(ledger_trace, "_BULK", 1_000)
    for name in ("put", "bulk"):
        (tmp_path / name).mkdir()
    found = ledger_trace.measure(tmp_path / "bulk", quick=False)
    assert found["trace_entries"] == 5_000
    made = ledger_trace._Made(5_000)
    bulk = TraceIndex(tmp_path / "bulk" / "trace.sqlite3")
    put = TraceIndex(tmp_path / "put" / "trace.sqlite3")
    put.put(made.rows(0, 5_000))
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    assert bulk._db.execute(indexes).fetchall() == put._db.execute(indexes).fetchall()
    for number in random.Random(1).sample(range(5_000), 50):
        for kind in ledger_trace.KINDS:
            ours = ledger_trace._ask(bulk, made, kind, number)
            assert ours == ledger_trace._ask(put, made, kind, number) != []


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("few_partitions")
def test_replay_beside_the_live_chain(
    kafka: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNTHGATE_TEST_BROKERS", kafka.bootstrap)
    monkeypatch.setattr(ledger_replay, "QUICK_PASSAGES", 60)
    monkeypatch.setattr(ledger_replay, "LONG_PASSAGES", 60)
    quick = ledger_replay.measure(tmp_path, quick=True)
    whole = ledger_replay.measure(tmp_path, quick=False)
    assert quick["replay_aim"] == whole["replay_aim"] == 2
    assert [row["variant"] for row in quick["replay_rows"]] == ["d"]
    assert [row["variant"] for row in whole["replay_rows"]] == ["c", "d"]
    for row in (*quick["replay_rows"], *whole["replay_rows"]):
        assert set(row) == REPLAYED
        assert (row["passages"], row["ratio"] > 0, row["indexed_per_second"] > 0) == (
            60,
            True,
            True,
        )
