"""``synthgate bench registries`` runs and says what it promises; no figure is judged here."""

from pathlib import Path

from synthgate.bench import registries, table


def test_what_is_measured_is_told(tmp_path: Path) -> None:
    found = registries.measure(quick=True, folder=tmp_path, count=1_200)
    assert (found["users"], found["consents"]) == (1_200, 1_200)
    for kind in ("memory", "rocksdb"):
        for name in ("fill_per_s", "user_us", "grants_us", "identity_and_consent_us"):
            assert found[kind][name] > 0
    assert found["rocksdb"]["disk_bytes_per_million"] > 0
    assert list(tmp_path.iterdir()) == []  # nothing is left behind
    text = table.of_registries(found)
    assert "1,200 users" in text
    for name in ("reopen_s", "identity_and_consent_us", "disk_bytes"):
        assert name in text
