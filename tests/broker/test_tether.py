"""A command on a tether ends with whoever started it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from synthgate.broker import tether

SECONDS_MAX = 20
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
STARTER = """
import subprocess, sys
command = [sys.executable, *sys.argv[1:]]
subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True).wait()
"""


def tethered(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-I", "-S", tether.__file__, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_it_hands_on_the_exit_code_and_both_outputs() -> None:
    script = (
        "import sys; print('out'); sys.stdout.flush(); print('err', file=sys.stderr); sys.exit(7)"
    )
    process = tethered(sys.executable, "-c", script)
    process.wait(SECONDS_MAX)
    out, err = process.communicate()
    assert process.returncode == 7
    assert out == "out\nerr\n"
    assert err.strip().isdigit()


@pytest.mark.parametrize("name", ["TERM", "KILL"])
def test_a_line_is_a_signal(name: str) -> None:
    process = tethered("sleep", "600")
    assert process.stderr is not None
    assert process.stdin is not None
    process.stderr.readline()
    process.stdin.write(f"{name}\n")
    process.stdin.flush()
    process.wait(SECONDS_MAX)
    assert process.returncode == 128 + signal.Signals[f"SIG{name}"]
    process.communicate()


def test_the_end_of_the_tether_ends_a_stopped_command() -> None:
    process = tethered("sleep", "600")
    assert process.stdin is not None
    process.stdin.write("STOP\n")
    process.stdin.flush()
    process.communicate(timeout=SECONDS_MAX)
    assert process.returncode == 128 + signal.SIGTERM


def test_nothing_outlives_a_starter_killed_with_sigkill(tmp_path: Path) -> None:
    """The command ignores SIGTERM; the pipe it holds ends only when it, too, is gone."""
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, "-I", "-S", tether.__file__, sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == "ready\n"
    starter.kill()
    out, _ = starter.communicate(timeout=SECONDS_MAX)
    assert out == ""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_nothing_outlives_the_tether_itself() -> None:
    process = tethered("sleep", "600")
    assert process.stderr is not None
    process.stderr.readline()
    process.kill()
    process.communicate(timeout=SECONDS_MAX)
