"""``synthgate review``: look, claim, decide; two desks, one task, one answer."""

import json
import os
import time
from pathlib import Path

import pytest

from cli_commands import PATIENCE_S, Running, run
from synthgate.cli.example_acts import CHAT, NET
from synthgate.client.build import rfc3339

Capture = pytest.CaptureFixture[str]
TENANT = "example"
WORDS = "Promise guaranteed returns to investors, call 13912345678"


@pytest.fixture
def desk(chain: Running, capsys: Capture, tmp_path: Path):
    """A chain with a verified user and two reviewers; ``hold`` makes one more task."""
    said = run(capsys, "example", "chat", *chain.options)
    assert said[0] == 0, said
    listed = {"name": f"reviewers/{TENANT}", "body": {"reviewers": ["ann", "bob", "cid"]}}
    listed |= {"by": "ops", "at": rfc3339(time.time_ns() // 1_000_000)}
    _produce(chain, capsys, tmp_path, {"topic": "control", "data": listed})
    return chain


def _produce(chain, capsys, folder, *rows):
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    code, out, err = run(capsys, "produce", str(file), *chain.options)
    assert code == 0, err
    return out


def hold(chain: Running, capsys: Capture, folder: Path, name: str) -> str:
    """Send what is held for review; the case, once the chain has opened it."""
    data = {
        "tenant": TENANT, "user": {"id": "example-user"}, "net": dict(NET),
        "generation": {"id": f"g-{name}", "medium": "text", "template": CHAT, "purpose": "chat"},
        "content": {"prompt": WORDS},
    }  # fmt: skip
    row = {"type": "generation.requested", "id": name, "source": "desk-test", "data": data}
    _produce(chain, capsys, folder, row)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        decision = [
            json.loads(line)
            for line in run(capsys, "decisions", "--json", *chain.options)[1].splitlines()
            if f'"{name}"' in line
        ]
        if decision and decision[0]["action"] != "hold":
            raise AssertionError(decision[0]["reasons"])
        if decision and f"hold/{decision[0]['root']}" in _open(chain, capsys):
            return f"hold/{decision[0]['root']}"
        time.sleep(0.1)
    raise AssertionError("never held")


def _open(chain: Running, capsys: Capture) -> str:
    return run(capsys, "review", "next", "--reviewer", "cid", "--json", *chain.options)[1]


def final(chain: Running, capsys: Capture, case: str) -> dict:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for line in run(capsys, "decisions", "--json", *chain.options)[1].splitlines():
            row = json.loads(line)
            if row["root"] == case.removeprefix("hold/") and row["revision"] == 2:
                return row
        time.sleep(0.1)
    raise AssertionError("never answered")


def closed(capsys: Capture, count: int, *options: str) -> dict:
    """Figures, once the desk has closed so many: incidents hears the last decision a little later."""
    until = time.monotonic() + PATIENCE_S
    while True:
        row = json.loads(run(capsys, "review", "stats", "--json", *options)[1])
        if row["closed_by"].get("desk", 0) >= count:
            return row
        assert time.monotonic() < until, row
        time.sleep(0.1)


def test_a_task_is_claimed_by_one_judged_once_and_answered_by_the_chain(
    desk: Running, capsys: Capture, tmp_path: Path
) -> None:
    options = desk.options
    # No second opinions but where the test asks for them.
    alone = [*options, "--set", "second_opinion_percent=0"]
    stats = json.loads(run(capsys, "review", "stats", "--json", *alone)[1])
    before = stats["closed_by"]
    case = hold(desk, capsys, tmp_path, f"held-{os.urandom(4).hex()}")
    code, said, _ = run(capsys, "review", "next", "--reviewer", "ann", "--claim", "--json", *alone)
    task = json.loads(said)
    assert (code, task["case"]) == (0, case)
    assert (task["codes"], task["risks"], task["people"]) == (["risk_review"], ["A.3e"], 1)
    assert "guaranteed returns" in task["preview"][0]
    assert "13912345678" not in said
    assert "nothing for bob" in run(capsys, "review", "next", "--reviewer", "bob", *alone)[1]
    for words, told in (
        (("claim", case, "--reviewer", "bob"), "ann has it"),
        (("claim", case, "--reviewer", "eve"), "not listed"),
        (("claim", "hold/none", "--reviewer", "ann"), "no open review task"),
        (("decide", case, "pass", "--reviewer", "bob"), "ann has it"),
        (("decide", case, "refuse", "--reviewer", "ann", "--risk", "A.9z"), "no risk code"),
        (("escalate", case, "--reviewer", "bob"), "claim it first"),
    ):
        order = (words[0], *words[2:3], words[1], *words[3:]) if words[0] == "decide" else words
        code, _, err = run(capsys, "review", *order, *alone)
        assert (code, told in err) == (1, True), (order, err)
    decide = ("review", "decide", "refuse", case, "--reviewer", "ann", "--risk", "A.3e")
    code, said, err = run(capsys, *decide, *alone)
    assert (code, "refuse, sent" in said) == (0, True), err
    answered = final(desk, capsys, case)
    assert answered["action"] == "refuse"
    assert {reason["code"] for reason in answered["reasons"]} >= {"review_refused"}
    row = closed(capsys, before.get("desk", 0) + 1, *alone)
    assert row["answers"]["ann"] == stats["answers"].get("ann", 0) + 1
    assert row["closed_by"] == before | {"desk": before.get("desk", 0) + 1}


def test_a_sampled_task_takes_two_people(desk: Running, capsys: Capture, tmp_path: Path) -> None:
    both = [*desk.options, "--set", "second_opinion_percent=100"]
    row = json.loads(run(capsys, "review", "stats", "--json", *both)[1])
    case = hold(desk, capsys, tmp_path, f"held-{os.urandom(4).hex()}")
    for name, told in (("ann", "your opinion is kept"), ("bob", "pass, sent")):
        code, said, err = run(capsys, "review", "claim", case, "--reviewer", name, *both)
        assert code == 0, err
        assert "opinion" not in said
        code, said, err = run(capsys, "review", "decide", "pass", case, "--reviewer", name, *both)
        assert (code, told in said) == (0, True), (said, err)
    assert final(desk, capsys, case)["action"] == "release"
    closed(capsys, row["closed_by"].get("desk", 0) + 1, *both)
    text = run(capsys, "review", "stats", *both)[1]
    assert "agreed_percent       100.0" in text
