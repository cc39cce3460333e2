"""Whether the disk holds out: what is written a day, times the days it is kept, beside what is free."""

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli_commands import run
from ledger.builders import a_draft, a_log, a_store
from synthgate.crypto.keys import KeyFolder
from synthgate.ledger import Packer, expiry
from synthgate.ledger.expiry import DAY_MS
from synthgate.ledger.forecast import Grown, folder_growth, forecast, log_growth

NOW_MS = 1_795_000_000_000
GB = 1_000_000_000


def test_growth_is_what_the_segments_weigh(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for day in (30, 6, 1):
        log.append([a_draft(100 - day, content=bytes(5_000))], NOW_MS - day * DAY_MS)
    store = a_store(tmp_path)
    found = log_growth(store, 0, NOW_MS - 7 * DAY_MS)
    sizes = [path.stat().st_size for path in sorted((tmp_path / "logs/00000").glob("*.seg"))]
    assert found == Grown(sum(sizes), sum(sizes[1:]), NOW_MS - 30 * DAY_MS)
    assert log_growth(store, 5, 0) == Grown(0, 0, None)


def test_what_has_expired_weighs_nothing(tmp_path: Path) -> None:
    log = a_log(tmp_path)
    for day in (400, 1):
        log.append([a_draft(500 - day)], NOW_MS - day * DAY_MS)
    store = a_store(tmp_path)
    Packer(store, 0).run(NOW_MS - 399 * DAY_MS)
    (pack,) = expiry.packs(store, 0, ())
    before = log_growth(store, 0, 0).used
    assert expiry.expire(store, pack, NOW_MS, 1)
    after = log_growth(store, 0, 0)
    assert 0 < after.used < before
    assert after.oldest_ms == NOW_MS - DAY_MS


def test_growth_of_a_folder_goes_by_the_times_of_its_files(tmp_path: Path) -> None:
    for name, days, size in (("a", 30, 10), ("x/b", 2, 100)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes(size))
        os.utime(path, ns=((NOW_MS - days * DAY_MS) * 1_000_000,) * 2)
    assert folder_growth(tmp_path, NOW_MS - 7 * DAY_MS) == Grown(110, 100, NOW_MS - 30 * DAY_MS)
    assert folder_growth(tmp_path / "none", 0) == Grown(0, 0, None)


@pytest.mark.parametrize(
    ("grown", "free", "day", "needed", "full"),
    [
        ([Grown(70 * GB, 7 * GB, 0)], 200 * GB, GB, 114 * GB, None),
        ([Grown(70 * GB, 7 * GB, 0)], 50 * GB, GB, 114 * GB, 50.0),
        ([Grown(35 * GB, 7 * GB, 0), Grown(35 * GB, 7 * GB, 0)], 100 * GB, 2 * GB, 298 * GB, 50.0),
        ([Grown(200 * GB, 7 * GB, 0)], 1, GB, 0, None),  # the oldest goes as fast as new comes
        ([Grown(GB, GB, NOW_MS - DAY_MS // 2)], 999 * GB, 2 * GB, 367 * GB, None),
        ([Grown(GB, GB, NOW_MS)], 999_999 * GB, 24 * GB, 4_415 * GB, None),
        ([Grown(0, 0, None)], 1, 0, 0, None),
        ([Grown(7 * GB, 7 * GB, 0), Grown(0, 7 * GB, 0, 1096)], 1 << 62, 2 * GB, 1273 * GB, None),
    ],
)
def test_the_forecast(
    grown: list[Grown], free: int, day: int, needed: int, full: float | None
) -> None:
    since_ms = NOW_MS - 7 * DAY_MS
    found = forecast(grown, free=free, keep_days=184, since_ms=since_ms, now_ms=NOW_MS)
    assert (found.day_bytes, found.needed, found.full_in_days) == (day, needed, full)
    assert found.enough == (full is None)


def test_the_command(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    KeyFolder.init(tmp_path / "keys")
    now_ms = time.time_ns() // 1_000_000
    a_log(tmp_path).append([a_draft(0, content=bytes(50_000_000))], now_ms - DAY_MS)
    (tmp_path / "logs").rename(tmp_path / "ledger")
    options = ("--set", f"data_dir={tmp_path}", "log", "space")
    for free, code in ((10**12, 0), (10**9, 1)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert run(capsys, *options)[0] == code
        found = json.loads(run(capsys, *options, "--json")[1])
        assert found["enough"] == (code == 0)
        assert 49_000_000 < found["day_bytes"] < 52_000_000
    assert "FULL in 2" in run(capsys, *options)[1] or "FULL in 1" in run(capsys, *options)[1]
