"""Every example gets the answer it is there to show, from a chain that runs."""

import json
import re

import pytest

from cli_commands import Running, run
from synthgate.cli import example_acts
from synthgate.cli.example import NAMES

Capture = pytest.CaptureFixture[str]

LAST = {
    "chat": ("generation.completed", "release", ""),
    "style": ("generation.requested", "release", ""),
    "publish": ("content.published", "release", ""),
    "reviewed": ("generation.requested", "release r2", ""),
    "refused": ("generation.requested", "refuse", "unverified_request"),
}


@pytest.mark.parametrize("name", NAMES)
def test_example_is_answered_as_it_says(name: str, chain: Running, capsys: Capture) -> None:
    code, said, why = run(capsys, "example", name, *chain.options)
    assert (code, why) == (0, "")
    event_type, action, reason = LAST[name]
    answers = [line for line in said.splitlines() if line.startswith("20")]
    assert f"  {action} " in answers[-1]
    assert f"  {event_type}  " in answers[-1]
    assert reason in answers[-1]
    event_id = re.findall(r"synthgate explain (\S+)", said)[0]
    assert event_id in answers[-1]
    if name == "refused":
        for missing in ("network_fields_missing", "unverified_request", "no_prompt", "no_grant"):
            assert missing in answers[-1]


@pytest.mark.parametrize("name", example_acts.PRINTABLE)
def test_printed_lines_are_what_produce_takes(
    name: str, chain: Running, capsys: Capture, tmp_path
) -> None:
    code, said, _ = run(capsys, "example", name, "--print")
    assert code == 0
    file = tmp_path / "lines.jsonl"
    file.write_text(said, encoding="utf-8")
    for _ in range(2):  # Sent twice, the event is a repeat: same id, same bytes.
        code, sent, why = run(capsys, "produce", str(file), *chain.options, "--json")
        assert (code, why) == (0, "")
    assert json.loads(sent.splitlines()[-1])["id"] == f"demo-{name}"


def test_what_needs_a_pass_cannot_be_printed(capsys: Capture) -> None:
    code, _, why = run(capsys, "example", "publish", "--print")
    assert code == 1
    assert "carries the pass of a decision before it" in why


def test_nobody_answers(capsys: Capture, chain: Running, embedded, topic_prefix: str) -> None:
    """Topics are there, no worker is: the example says so and exits 75."""
    embedded.create_topics(
        {topic_prefix + name: 2 for name in ("generation.events", "decisions", "control")}
        | {f"{topic_prefix}facts.{name}": 2 for name in ("features", "templates")}
    )
    code, _, why = run(
        capsys, "example", "chat", "--wait", "0.3", *chain.options,
        "--set", f"topic_prefix={topic_prefix}",
    )  # fmt: skip
    assert code == 75
    assert "no decision within 0.3 s" in why
