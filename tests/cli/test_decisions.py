"""``synthgate decisions``: all that is there, or what comes, a line each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli_commands import Running, run, send
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.cli.decisions import line

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples" / "decisions.v1"


def value(name: str, **over: object) -> bytes:
    row = json.loads((EXAMPLES / f"{name}.json").read_bytes()) | over
    return json.dumps(row).encode()


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_a_line_says_what_and_why(path: Path) -> None:
    row = json.loads(path.read_bytes())
    said = line(row)
    assert "\n" not in said
    assert f"  {row['action']}" in said
    assert f"{row['receipt']['log']}/{row['receipt']['index']}" in said
    for reason in row["reasons"]:
        assert reason["code"] in said
    assert "(observed)" in line(row | {"enforced": False})


def test_all_that_is_there_and_what_is_no_decision_is_passed_over(
    embedded: EmbeddedBroker, topic_prefix: str, chain: Running, capsys: Capture
) -> None:
    topic = f"{topic_prefix}decisions"
    embedded.create_topics({topic: 2})
    where = [*chain.options, "--set", f"topic_prefix={topic_prefix}"]
    assert run(capsys, "decisions", *where) == (0, "", "")
    send(embedded.bootstrap, topic, 0, [value("release", event_id="a"), b"{", b'{"v":2}'])
    send(embedded.bootstrap, topic, 1, [value("refuse", event_id="b")])
    code, said, _ = run(capsys, "decisions", *where, "--json")
    assert code == 0
    assert {json.loads(text)["event_id"] for text in said.splitlines()} == {"a", "b"}


def test_follow_goes_on(embedded: EmbeddedBroker, topic_prefix: str, chain: Running) -> None:
    topic = f"{topic_prefix}decisions"
    embedded.create_topics({topic: 2})
    send(embedded.bootstrap, topic, 0, [value("release", event_id="first")])
    with subprocess.Popen(
        [
            sys.executable, "-m", "synthgate", "decisions", "--follow", "--from-beginning",
            *chain.options, "--set", f"topic_prefix={topic_prefix}",
        ],
        stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as following:  # fmt: skip
        assert following.stdout is not None
        try:
            assert "  first  " in following.stdout.readline()
            send(embedded.bootstrap, topic, 1, [value("release", event_id="second")])
            assert "  second  " in following.stdout.readline()
        finally:
            following.terminate()


def test_no_topic(chain: Running, capsys: Capture) -> None:
    code, _, why = run(capsys, "decisions", *chain.options, "--set", "topic_prefix=nowhere.")
    assert code == 1
    assert "no topic nowhere.decisions on the broker" in why
