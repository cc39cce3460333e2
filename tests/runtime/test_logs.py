"""One line a record, never content."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from synthgate.crypto.keys import KeyFolder
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage, Reentry
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


def passage(**over: Any) -> Passage:
    values: Mapping[str, Any] = {
        "origin": Origin(1, "generation.events", 3, 17), "at": 1, "event_hash": "h", "lane": "fast",
        "attrs": {"id": "secret"}, "event_bytes": b"{}", "key": b"secret/secret",
    }  # fmt: skip
    return Passage(**{**values, **over})


def test_as_json_a_line_names_the_passage_it_is_about() -> None:
    try:
        raise ValueError("secret")
    except ValueError as error:
        text = logs.Json().format(record("synthgate.x", "a\nb on %s", passage(), error=error))
        theirs = logs.Json().format(record("mode.x", "crashed %r", error, error=error))
    row = json.loads(text)
    assert row.pop("at").endswith("Z")
    assert row.pop("fault").startswith("builtins.ValueError at runtime/test_logs.py")
    assert row == {
        "level": "warning", "logger": "synthgate.x", "origin": "1/generation.events/3/17",
        "passage": "1/generation.events/3/17#1", "message": "a b on 1/generation.events/3/17#1",
    }  # fmt: skip
    assert json.loads(theirs)["message"] == ""
    assert "\n" not in text and "secret" not in text + theirs
    assert "origin" not in json.loads(logs.Json().format(record("synthgate.x", "plain")))


def test_a_passage_that_came_back_bears_the_id_of_its_act() -> None:
    back = Reentry(Origin(1, "generation.events", 3, 2), "appeal", 5, 4, {})
    again = passage(origin=Origin(1, "operator.events", 3, 9), reentry=back)
    row = json.loads(logs.Json().format(record("synthgate.x", "on %s", again)))
    assert (row["origin"], row["passage"]) == ("1/operator.events/3/9", "1/generation.events/3/2#4")


def test_what_a_library_says_of_an_error_is_told_without_its_text() -> None:
    error = OSError("secret")
    text = line(record("botocore.x", "%s failed: %r, %s", "n-1", error, OSError()))
    assert text.endswith("n-1 failed: 'builtins.OSError', builtins.OSError")


SAYS = """
import sys, threading, warnings
from synthgate.runtime import logs
logs.set_up("debug", form="json")
logs.take_over()
import logging
logging.getLogger("PIL.TiffImagePlugin").debug("tag: %r", "secret")
logging.getLogger("synthgate.x").debug("fine %s", chr(0xD800))
logging.getLogger("synthgate.x").debug("%d is not fine", "secret")
warnings.warn("secret", UserWarning)
def fail(): raise ValueError("secret")
one = threading.Thread(target=fail)
one.start()
one.join()
class Bad:
    def __del__(self): fail()
Bad()
fail()
"""


def test_what_python_itself_would_print_is_a_line_like_the_others() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAYS], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1 and "secret" not in done.stderr
    said = [(row["level"], row["message"]) for row in map(json.loads, done.stderr.splitlines())]
    fault = "nobody caught builtins.ValueError at"
    assert [(level, text[: len(fault)]) for level, text in said] == [
        ("debug", "fine ?"), ("warning", "UserWarning at <string>:10"),
        *[("critical", fault)] * 3,
    ]  # fmt: skip


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
