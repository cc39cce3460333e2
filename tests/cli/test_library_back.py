"""A bad list is put in force on a running chain, hits people, and is rolled back by two."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from cli_commands import PATIENCE_S, Running, run
from rule_players import play_on
from synthgate.client import Gate, Generation
from synthgate.demo.acts import NET, TENANT
from synthgate.library.files import written
from synthgate.library.sample import SAMPLE_VERSION, sample_rows

Capture = pytest.CaptureFixture[str]
BAD = SAMPLE_VERSION + 1
TWO = ("--by", "ann", "--and-by", "bob", "--reason", "a word of every day")
USERS = 8


def planted(folder: Path) -> str:
    like = next(row for row in sample_rows() if row.risk == "A.1h" and row.kind == "keyword")
    grave = {"entry": "bad-01", "value": "begonia", "severity": 95, "from_version": BAD}
    path = folder / "bad.jsonl"
    rows = [like.model_copy(update=grave)]
    path.write_text("".join(written(rows, ".jsonl")), encoding="utf-8")
    return str(path)


async def ask(chain: Running, round_: str) -> list[Any]:
    settings = chain.settings
    async with Gate(
        brokers=settings.brokers, tenant=TENANT, source="//test/back",
        topic_prefix=settings.topic_prefix, partitions=settings.partitions,
    ) as gate:  # fmt: skip
        asked = []
        for number in range(USERS):
            name = f"back-{round_}-{number}"
            story = Generation(name, template="chat", purpose="chat")
            event = gate.events.requested(name, story, prompt="a begonia in spring", net=NET)
            asked.append(gate.decide(event, timeout=PATIENCE_S))
        return list(await asyncio.gather(*asked))


def test_a_version_is_rolled_back_and_what_rested_on_it(
    chain: Running, tmp_path: Path, capsys: Capture
) -> None:
    where = chain.options
    asyncio.run(play_on(chain.settings, []))  # what the stories stand on
    code, _, why = run(capsys, "library", "rollback", str(SAMPLE_VERSION), *TWO, *where)
    assert (code, "name the version to go back to" in why) == (1, True)
    two = TWO[:4]
    version = ("--library-version", str(BAD))
    sent = run(capsys, "library", "import", planted(tmp_path), *version, *where)
    assert sent[0] == 0, sent
    assert run(capsys, "library", "activate", str(BAD), *two, "--urgent", *where)[0] == 0
    for decision in asyncio.run(ask(chain, "a")):
        assert "risk_refuse" in {reason.code for reason in decision.reasons}

    told = tmp_path / "affected.jsonl"
    code, said, why = run(
        capsys, "library", "rollback", str(SAMPLE_VERSION), *TWO, "--list", str(told), *where
    )
    assert code == 0, why
    assert f"{USERS} cases overturned, {USERS} violations of {USERS} users taken back" in said
    # Ten seconds, on a machine with nothing else to do.
    assert float(said.partition(", in ")[2].partition(" s")[0]) < PATIENCE_S
    rows = [json.loads(line) for line in told.read_text().splitlines()]
    assert len({row["user"] for row in rows}) == USERS
    assert "back-a" not in told.read_text()  # tokens, not the platform's ids
    for decision in asyncio.run(ask(chain, "b")):
        assert "risk_refuse" not in {reason.code for reason in decision.reasons}

    again = run(capsys, "library", "rollback", str(SAMPLE_VERSION), *TWO, *where)
    assert again[0] == 0 and f"{USERS} cases overturned" in again[1], again
    code, _, why = run(capsys, "library", "activate", str(BAD), *two, *where)
    assert (code, "was withdrawn" in why) == (1, True)
    # The next version does not hold what was withdrawn.
    back = tmp_path / "next.jsonl"
    next_ = ("--library-version", str(BAD + 1))
    assert run(capsys, "library", "export", str(back), *next_, *where)[0] == 0
    assert "begonia" not in back.read_text(encoding="utf-8")


def test_nobody_alone_takes_back_or_lets_go(chain: Running, capsys: Capture) -> None:
    alone = ("--by", "ann", "--and-by", "ann ", "--reason", "x", *chain.options)
    for what in (("rollback", "1"), ("let-go", "rule/DSP-6-1")):
        code, _, why = run(capsys, "library", *what, *alone)
        assert (code, "another person" in why) == (78, True)


def test_there_is_nothing_to_let_go_where_nothing_waits(chain: Running, capsys: Capture) -> None:
    code, said, _ = run(capsys, "library", "guards", *chain.options)
    assert (code, said) == (0, "no surge was seen\n")
    code, _, why = run(capsys, "library", "let-go", "rule/DSP-6-1", *TWO, *chain.options)
    assert (code, "no penalty waits for rule/DSP-6-1" in why) == (1, True)
