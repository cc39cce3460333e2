"""``synthgate bench ledger`` runs and says what it promises; no figure is judged here."""

from pathlib import Path

import orjson
import pytest

from synthgate.__main__ import main

FIELDS = {
    "bench", "quick", "store", "cores", "system", "python", "libraries", "batch_entries",
    "content_bytes", "entries", "stored_bytes", "appends_per_second", "bare_per_second", "ratio",
    "append_p50_ms", "append_p99_ms", "bare_p99_ms",
    "proved_per_second", "verified_mb_per_second", "verified_per_second",
    "takeover_ids", "takeover_seconds", "snapshot_seconds", "peak_mb", "bucket",
}  # fmt: skip
BUCKET_FIELDS = {
    "bucket_slow_per_second", "bucket_slow_p50_ms", "bucket_slow_p99_ms", "bucket_slow_puts_per_1000",
    "bucket_slow_gets_per_1000", "bucket_full_per_second", "bucket_full_bare_per_second",
    "bucket_full_p50_ms", "bucket_full_p99_ms", "bucket_full_puts_per_1000", "bucket_full_gets_per_1000",
}  # fmt: skip


def test_quick_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
