"""The quick start, the guides of auditors and operators, run as they stand: what is typed, and what is seen."""

import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain, WorkerProcess
from synthgate.demo.run import PARTITIONS
from synthgate.library.files import written
from synthgate.library.sample import sample_rows

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "src" / "guides"
PAGE = (GUIDES / "QUICKSTART.md").read_text("utf-8")
AUDIT = (GUIDES / "AUDIT.md").read_text("utf-8")
OPERATIONS = (GUIDES / "OPERATIONS.md").read_text("utf-8")
NOT_RUN = {"synthgate topics check": "asks what the embedded broker does not answer"}
"""Commands of the operator's guide, each with why it is left out."""
READY_S = 240
DONE_S = 240
MARK = "== typed: "


def terminals(title: str) -> tuple[str, str]:
    """The commands of a section's two terminals."""
    (section,) = re.findall(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    first, second = re.split(r"^### Second terminal\n", section, flags=re.MULTILINE)
    return _commands(first), _commands(second)


def _commands(text: str) -> str:
    return "".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))


def environment(home: Path) -> dict[str, str]:
    """A newcomer's: a home of their own, no settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNTHGATE_")}
    return kept | {"HOME": str(home)}


@contextmanager
def first_terminal(
    commands: str, home: Path, ready: Callable[[WorkerProcess], bool]
) -> Iterator[None]:
    """It stays up in the background, from the moment it is ready."""
    said = home / "first"
    with said.open("wb") as out:
        shell = subprocess.Popen(
            ["bash", "-ec", commands], cwd=ROOT, env=environment(home),
            stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + READY_S
        terminal = WorkerProcess("first", (), said)
        while not ready(terminal):
            assert shell.poll() is None and time.monotonic() < until, said.read_text("utf-8")
            time.sleep(0.1)
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself: the assertion above says why
            os.killpg(shell.pid, signal.SIGINT)
        try:
            shell.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            shell.wait()


def second_terminal(commands: str, home: Path) -> str:
    done = subprocess.run(
        ["bash", "-ec", commands], cwd=ROOT, env=environment(home), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=DONE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def operated(home: Path, before: str) -> list[tuple[str, str]]:
    """The commands of the operator's guide on a running chain, and what each says."""
    lines = _commands(OPERATIONS).splitlines()
    assert NOT_RUN.keys() <= set(lines)
    lines = [line for line in lines if line not in NOT_RUN]
    lists(home)
    script = "cd\n" + "".join(f"echo {shlex.quote(MARK + line)}\n{line}\n" for line in lines)
    said = second_terminal(before + script, home).split(MARK)[1:]
    found = [(line, rest) for line, _, rest in (part.partition("\n") for part in said)]
    assert [line for line, _ in found] == lines
    return found


def lists(home: Path) -> None:
    """What the guide brings in: a list, a word of everyday speech, and text that harms nobody."""
    like = next(row for row in sample_rows() if row.kind == "keyword")
    for name, value, version in (("spam", "keep on winning coins", 7), ("word", "begonia", 8)):
        entry = {"entry": f"{name}-1", "value": value, "from_version": version}
        text = "".join(written([like.model_copy(update=entry)], ".csv"))
        (home / f"{name}.csv").write_text(text, "utf-8")
    (home / "harmless.txt").write_text("the begonias are out\n", "utf-8")


@pytest.mark.embedded
@pytest.mark.timeout(600)
def test_on_the_embedded_broker(tmp_path: Path) -> None:
    first, second = terminals("On the embedded broker")
    with first_terminal(first, tmp_path, lambda chain: "The chain stays up" in chain.said):
        said = second_terminal(second + _commands(AUDIT), tmp_path)
        told = operated(tmp_path, "".join(second.splitlines(keepends=True)[:2]))
    assert len(re.findall(r"^\S+ \S+  release  .*chat-\w+-answer ", said, re.MULTILINE)) == 1
    assert "REFUSED  demo-refused" in said
    assert "png   compliant" in said and "text  compliant" in said
    assert said.count("\nwhole\n") == 5
    assert ", 0 different" in said and "of 0 different" in said
    assert "entries lead to signed checkpoints" in said
    looks_right(told)


def looks_right(told: list[tuple[str, str]]) -> None:
    """What the operator's table calls good, and a pause that is seen and ends."""
    states = [said for line, said in told if line == "synthgate status"]
    before, paused, after, watching = states
    assert "oldest unaccounted" in before and "paused: " not in before + after
    assert "paused: retention on partition 3, by ops-1 (disk of log 3)" in paused
    assert "library: version 7" in watching
    of = dict(told)
    assert of["synthgate canary --once"].count("decided in ") == PARTITIONS
    assert "duplicate_key" in of["synthgate quarantine list"]
    assert "0 would be handed back" in of[next(line for line in of if "redrive" in line)]


@pytest.mark.timeout(600)
def test_on_a_kafka_of_ones_own(kafka: Broker, tmp_path: Path, topic_prefix: str) -> None:
    first, second = terminals("On your own Kafka")
    here = first.replace("127.0.0.1:9092", kafka.bootstrap).replace('"try."', f'"{topic_prefix}"')
    assert here.count(kafka.bootstrap) == here.count(topic_prefix) == 1
    with first_terminal(here, tmp_path, Chain.ready):
        said = second_terminal(second, tmp_path)
    assert len(re.findall(r"  release  ", said)) == 4
    assert "text  compliant" in said
    assert said.endswith("whole\n")
