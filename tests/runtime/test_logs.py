"""One line a record, never content."""

import logging
import sys

import pytest

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


def test_libraries_are_kept_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stderr)
    logs.quieten()
    for name in ("faust.transport", "mode.services", "aiokafka.consumer.fetcher"):
        assert not logging.getLogger(name).isEnabledFor(logging.INFO)
