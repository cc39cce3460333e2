"""One line a record, never content."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthgate.crypto.keys import KeyFolder
from synthgate.events.origin import Origin
from synthgate.runtime import logs


def line(record: logging.LogRecord) -> str:
    return logs.OneLine().format(record)


def record(
    name: str, message: str, *args: object, error: BaseException | None = None
) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, args, info)


def test_one_line() -> None:
    text = line(record("synthgate.x", "a\nb %s", "c\r\nd"))
    assert text.endswith(" warning synthgate.x a b c d")
    assert "\n" not in text


def test_an_exception_is_told_by_type_and_place() -> None:
    try:
        raise ValueError("secret")
    except ValueError as error:
        text = line(record("synthgate.x", "went wrong", error=error))
        theirs = line(record("faust.agents", "[agent] %r crashed", error, error=error))
    assert "went wrong [builtins.ValueError at runtime/test_logs.py" in text
    assert "secret" not in text + theirs


def test_a_long_line_is_cut() -> None:
    assert len(line(record("synthgate.x", "x" * 5000))) < 600
    assert len(logs.Json().format(record("synthgate.x", "x" * 5000))) < 700


def test_as_json_a_line_names_the_origin_it_is_about() -> None:
    origin = Origin(1, "generation.events", 3, 17)
    try:
        raise ValueError("secret")
    except ValueError as error:
        text = logs.Json().format(record("synthgate.x", "a\nb on %s", origin, error=error))
        theirs = logs.Json().format(record("mode.x", "crashed %r", error, error=error))
    row = json.loads(text)
    assert row.pop("at").endswith("Z")
    assert row.pop("fault").startswith("builtins.ValueError at runtime/test_logs.py")
    assert row == {
        "level": "warning", "logger": "synthgate.x", "origin": "1/generation.events/3/17",
        "message": "a b on 1/generation.events/3/17",
    }  # fmt: skip
    assert json.loads(theirs)["message"] == ""
    assert "\n" not in text and "secret" not in text + theirs
    assert "origin" not in json.loads(logs.Json().format(record("synthgate.x", "plain")))


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_worker_s_log_is_set_up_as_the_setting_says(form: str, tmp_path: Path) -> None:
    settings = {"SYNTHGATE_DATA_DIR": str(tmp_path), "SYNTHGATE_BROKERS": "127.0.0.1:1"}
    KeyFolder.init(tmp_path / "keys")
    done = subprocess.run(
        [sys.executable, "-m", "synthgate", "worker"], capture_output=True, text=True, check=False,
        env={**os.environ, **settings, "SYNTHGATE_LOG_FORMAT": form},
    )  # fmt: skip
    assert done.returncode == 75, done.stderr
    lines = done.stderr.splitlines()
    assert "metrics at http" in lines[0]
    assert "no broker answers at 127.0.0.1:1" in lines[-1]
    if form == "json":
        assert [json.loads(one)["level"] for one in (lines[0], lines[-1])] == ["info", "critical"]


def test_libraries_are_kept_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    logs.quieten()
    for name in ("faust.transport", "mode.services", "aiokafka.consumer.fetcher"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
