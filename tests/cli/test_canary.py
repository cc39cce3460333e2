"""``synthgate canary --once`` against a chain that runs, and against one that does not."""

from pathlib import Path

import pytest

from cli_commands import PATIENCE_S, Running, run
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.events.topics import TOPICS

Capture = pytest.CaptureFixture[str]


def test_every_partition_answers(chain: Running, capsys: Capture) -> None:
    assert run(capsys, "example", "chat", *chain.options)[0] == 0  # puts the library in force
    code, said, why = run(capsys, "canary", "--once", "--timeout", f"{PATIENCE_S}", *chain.options)
    assert (code, why) == (0, ""), said
    assert [line.split(" ms")[0].split(" in ")[0] for line in said.splitlines()] == [
        f"partition {number}: decided" for number in range(chain.settings.partitions)
    ]


def test_no_chain_no_decision(
    embedded: EmbeddedBroker, topic_prefix: str, chain: Running, capsys: Capture, tmp_path: Path
) -> None:
    embedded.create_topics({topic_prefix + topic.name: 2 for topic in TOPICS})
    where = [*chain.options, "--set", f"topic_prefix={topic_prefix}"]
    code, said, _ = run(capsys, "canary", "--once", "--timeout", "0.5", *where)
    assert code == 1
    assert said == "".join(f"partition {n}: NO DECISION within 0.5 s\n" for n in range(2))


def test_without_its_key_it_says_how_to_make_one(capsys: Capture, tmp_path: Path) -> None:
    where = ["--set", f"data_dir={tmp_path}"]
    code, _, why = run(capsys, "canary", *where)
    assert code == 78
    assert "keys add-canary" in why
    code, _, why = run(capsys, "canary", "--every", "0", *where)
    assert (code, "seconds above 0" in why) == (78, True)
