"""How the process ends, and what it says."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from synthgate.events import origin, wire
from synthgate.runtime import exits
from synthgate.runtime.exits import Fate, Refused, told
from synthgate.settings import Settings

SRC = Path(__file__).parents[2] / "src"


def test_an_error_is_told_without_its_text() -> None:
    with pytest.raises(ValueError, match="secret") as caught:
        origin.Origin.parse("a secret")
    text = told(caught.value)
    assert text.startswith("builtins.ValueError at events/origin.py:")
    assert text.endswith(" in parse")
    assert "secret" not in text


def test_an_error_is_told_with_what_caused_it() -> None:
    error = ZeroDivisionError("a secret")
    error.__cause__ = KeyError("another secret")
    assert told(error) == "builtins.ZeroDivisionError, caused by builtins.KeyError"


def test_an_error_that_is_its_own_cause_is_told() -> None:
    error = ValueError("a secret")
    error.__cause__ = error
    assert told(error).startswith("builtins.ValueError, caused by builtins.ValueError")


def test_an_error_from_a_library_is_told_with_our_place() -> None:
    with pytest.raises(ValueError, match="validation error") as caught:
        Settings(brokers=["a secret"])  # type: ignore[arg-type]
    assert "ValidationError at pydantic/main.py:" in told(caught.value)
    with pytest.raises(wire.Malformed) as malformed:
        wire.admit(b"secret")
    assert "events/wire.py:" in told(malformed.value)


async def test_the_first_word_counts(caplog: pytest.LogCaptureFixture) -> None:
    fate = Fate()
    fate.fail(Refused(78, "topic x is missing; make it"), "start")
    fate.fail(ValueError("secret"), "later")
    fate.settle(0)
    assert await fate.wait() == 78
    assert "topic x is missing; make it" in caplog.text
    assert "later" not in caplog.text


async def test_a_fault_is_a_crash(caplog: pytest.LogCaptureFixture) -> None:
    fate = Fate()
    waiting = asyncio.create_task(fate.wait())
    fate.fail(ZeroDivisionError("secret"), "consent in/3")
    assert await waiting == 1
    assert "consent in/3: builtins.ZeroDivisionError" in caplog.text
    assert "secret" not in caplog.text


def test_leave_waits_for_no_thread() -> None:
    code = (
        "import threading, time; from synthgate.runtime.exits import leave;"
        "threading.Thread(target=time.sleep, args=(60,)).start(); print('last'); leave(75)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        timeout=20,
        check=False,
        env={"PYTHONPATH": str(SRC)},
    )
    assert done.returncode == exits.TRY_LATER
    assert done.stdout == b"last\n"
