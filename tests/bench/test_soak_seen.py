"""What a soak sees from outside: every entry once or a fault, lag by duty, lines of error; without a broker."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from local_bus import LocalBus, local_settings
from synthgate.bench import load
from synthgate.bench.soak_seen import Seen, accounts_of
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.topics import RECORDED

PAGE = """\
synthgate_lag_records{duty="consent",partition="0",topic="passages.identified"} 3.0
synthgate_lag_records{duty="consent",partition="1",topic="passages.identified"} 4.0
synthgate_lag_records{duty="records",partition="0",topic="cases"} 2.0
synthgate_log_entries{partition="0"} 11.0
synthgate_log_appended_entries_total 15.0
synthgate_log_append_seconds_count 5.0
"""


def test_every_entry_is_found_once_and_a_segment_that_is_gone_is_told(tmp_path: Path) -> None:
    bus = LocalBus(local_settings(tmp_path, provider_code=SAMPLE_CODE), fused=True, recording=True)
    for topic, row in load.facts(bus.now_ms):
        bus.fact(topic, row)
    for first in (0, 20, 40):  # a segment each, on each partition
        for one in load.events(bus.settings, 20, bus.now_ms, first=first):
            bus.append("generation.events", one.key, one.value, one.headers, one.partition)
        bus.run()
    found = accounts_of(bus.settings)
    assert found["entries"] == 60 and found["bytes"] > 60 * 2_000
    assert found["faults"] == found["holes"] == 0
    assert found["recorded"] >= sum(
        len(log) for (topic, _), log in bus.logs.items() if topic in RECORDED
    )
    sorted(bus.settings.ledger_dir.glob("[0-9]*/*.seg"))[1].unlink()
    assert accounts_of(bus.settings)["faults"] > 0


class _Chain:
    """One worker, this process, that says ``PAGE`` until it is too busy."""

    def __init__(self, log: Path) -> None:
        process = SimpleNamespace(pid=os.getpid(), poll=lambda: None)
        self.workers = {"consent": SimpleNamespace(name="consent", process=process, log=log)}
        self.settings = SimpleNamespace(topic_prefix="x.")
        self.busy = False

    def metrics(self, _: str) -> str:
        if self.busy:
            raise TimeoutError
        return PAGE


def _seen(chain: Any) -> Seen:
    return Seen(SimpleNamespace(nodes=()), chain)  # type: ignore[arg-type]


def test_lag_is_by_duty_and_a_busy_worker_is_taken_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    chain = _Chain(tmp_path / "log")
    seen = _seen(chain)
    row = seen.now()
    assert row["lag"]["consent"] == 7 and row["lag"]["identity"] == 0
    assert row["lag"]["records"] == 2
    assert row["rss_mib"]["consent"] > 10 and row["files"]["consent"] > 2
    chain.busy = True
    assert seen.now()["lag"] == row["lag"]


@pytest.mark.parametrize(
    ("level", "errors", "warnings"), [("error", 1, 0), ("warning", 0, 1), ("info", 0, 0)]
)
def test_a_line_is_counted_once_by_its_level(
    tmp_path: Path, level: str, errors: int, warnings: int
) -> None:
    log = tmp_path / "log"
    log.write_text("2026-11-26T22:00:00Z info synthgate an error of words\n")
    seen = _seen(_Chain(log))
    seen.now()
    with log.open("a") as more:
        more.write(f"2026-11-26T22:00:01Z {level} synthgate.x something\n")
    seen.now()
    assert seen.now()["errors"] == seen.errors == errors
    assert seen.warnings == warnings
    assert len(seen.said) == errors + warnings
