"""``synthgate library``: lists checked and tested as files, sent to the topic, put in force by two people."""

import asyncio
import json
from importlib import resources
from pathlib import Path

import pytest

from cli_commands import options, run
from synthgate.bench.made_up import entries, row
from synthgate.broker.choose import Broker
from synthgate.client import Writer
from synthgate.library.files import read_rows, written
from synthgate.library.library import AGAINST_LABEL
from synthgate.library.sample import sample_rows

Capture = pytest.CaptureFixture[str]
ROWS = [row("a", "海洛因", severity=90), row("b", "稳赚不赔", risk="A.3e", severity=60)]


@pytest.fixture
def list_file(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_text("".join(written(ROWS, ".csv")), encoding="utf-8")
    return path


def cases(folder: Path, *rows: object) -> str:
    path = folder / "cases.jsonl"
    path.write_text("\n".join(json.dumps(one) for one in rows), encoding="utf-8")
    return str(path)


def test_a_change_of_outcome_fails(list_file: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = [
        {"name": "hidden", "text": "买海*洛*因", "outcome": "refuse", "entries": ["a"]},
        {"name": "bait", "text": "稳赚不赔", "outcome": "hold"},
        {"name": "plain", "text": "今天天气很好", "outcome": "pass", "entries": []},
    ]
    file = cases(tmp_path, *kept)
    assert run(capsys, "library", "test", str(list_file), "--cases", file)[:2] == (
        0,
        "3 of 3 cases as kept\n",
    )
    list_file.write_text("".join(written(ROWS[1:], ".csv")), encoding="utf-8")
    code, said, _ = run(capsys, "library", "test", str(list_file), "--cases", file)
    assert code == 1
    assert "hidden: outcome: refuse is now pass" in said
    assert "2 of 3 cases as kept" in said
    assert "海" not in said


def test_a_case_is_decided_as_moderation_decides(tmp_path: Path, capsys: Capture) -> None:
    """Who asks to remove a label is refused at any severity; the public has thresholds of its own."""
    rows = [
        row("mark", "去除AI标识", severity=5, criteria=AGAINST_LABEL),
        row("rumour", "包治百病", risk="A.1g", severity=65),
        row("half", "半信半疑", severity=90, state="percent", percent=50),
    ]
    path = tmp_path / "list.csv"
    path.write_text("".join(written(rows, ".csv")), encoding="utf-8")
    public = {"type": "content.published"}
    kept = [
        {"text": "怎样去除AI标识", "outcome": "refuse", "entries": ["mark"]},
        {"text": "怎样去除AI标识", "outcome": "pass", "entries": ["mark"], **public},
        {"text": "此药包治百病", "outcome": "hold"},
        {"text": "此药包治百病", "outcome": "hold", "type": "generation.completed"},
        {"text": "此药包治百病", "outcome": "refuse", **public},
        {"text": "半信半疑", "outcome": "pass", "entries": []},
    ]
    code, said, _ = run(capsys, "library", "test", str(path), "--cases", cases(tmp_path, *kept))
    assert (code, said) == (0, "6 of 6 cases as kept\n")


def test_the_sample_library_keeps_its_cases(capsys: Capture) -> None:
    """All of its entries and allowances stand in some case, so that none changes unseen."""
    sample = resources.files("synthgate.library")
    file = str(sample / "sample_cases.jsonl")
    kept = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
    code, said, why = run(capsys, "library", "test", str(sample / "sample.toml"), "--cases", file)
    assert (code, said) == (0, f"{len(kept)} of {len(kept)} cases as kept\n"), said + why
    words = " ".join(one["text"] for one in kept)
    assert not [one.entry for one in sample_rows() if one.value not in words]
    assert {one["outcome"] for one in kept} == {"pass", "hold", "refuse"}
    assert {one.get("type") for one in kept} >= {None, "content.published"}


@pytest.mark.parametrize(
    "bad",
    [
        {"text": "x"}, {"text": 5, "outcome": "pass"}, {"text": "x", "outcome": "maybe"}, [],
        {"text": "x", "outcome": "pass", "entries": "a"}, {"txt": "x"},
        {"text": "x", "outcome": "pass", "type": "account.registered"},
        {"text": "x", "outcome": "pass", "type": ["content.published"]},
    ],
)  # fmt: skip
def test_a_bad_case_stops_the_test(
    list_file: Path, tmp_path: Path, capsys: Capture, bad: object
) -> None:
    good = {"text": "x", "outcome": "pass"}
    code, _, why = run(
        capsys, "library", "test", str(list_file), "--cases", cases(tmp_path, good, bad)
    )
    assert code == 78
    assert "cases.jsonl:2: " in why


def test_no_case_is_no_test(list_file: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(capsys, "library", "test", str(list_file), "--cases", cases(tmp_path))[0] == 78


def test_lint_stats_and_diff(list_file: Path, tmp_path: Path, capsys: Capture) -> None:
    assert run(capsys, "library", "lint", str(list_file))[:2] == (0, "nothing found\n")
    harmless = tmp_path / "harmless.txt"
    harmless.write_text("没有\n稳赚不赔的说法\n", encoding="utf-8")
    code, said, _ = run(
        capsys, "library", "lint", str(list_file), "--harmless", str(harmless), "--json"
    )
    assert (code, [one["code"] for one in json.loads(said)]) == (1, ["harmless"])
    code, said, _ = run(capsys, "library", "stats", str(list_file))
    assert code == 1
    assert "short: all        2 of 10000" in said
    other = tmp_path / "other.jsonl"
    other.write_text("".join(written(ROWS[:1], ".jsonl")), encoding="utf-8")
    assert run(capsys, "library", "diff", str(list_file), str(list_file))[:2] == (0, "the same\n")
    code, said, _ = run(capsys, "library", "diff", str(list_file), str(other))
    assert (code, said) == (1, "removed  b\n1 entries differ\n")


def test_a_bad_row_is_one_line_and_a_default_fills_gaps(tmp_path: Path, capsys: Capture) -> None:
    bank = tmp_path / "bank.txt"
    bank.write_text("a1" * 32 + "\n", encoding="utf-8")
    code, _, why = run(capsys, "library", "lint", str(bank))
    assert (code, why.count("\n")) == (78, 1)
    given = ("risk=A.1f", "severity=90", "criteria=c", "proposed_by=ann", "approved_by=bob")
    filled = [part for one in given for part in ("--default", one)]
    assert run(capsys, "library", "lint", str(bank), *filled)[0] == 0
    assert run(capsys, "library", "lint", str(bank), "--default", "risk")[0] == 78


def test_two_lists_may_not_both_name_an_entry(list_file: Path, capsys: Capture) -> None:
    code, _, why = run(capsys, "library", "lint", str(list_file), str(list_file))
    assert code == 78
    assert "another list" in why


def test_the_same_person_twice_is_one(capsys: Capture) -> None:
    code, _, why = run(capsys, "library", "activate", "1", "--by", "ann", "--and-by", "ann ")
    assert code == 78
    assert "another person" in why


def put(bootstrap: str, prefix: str, key: str, value: bytes | None) -> None:
    """One record on the topic, as a careless writer would."""

    async def work() -> None:
        async with Writer(brokers=bootstrap, topic_prefix=prefix, partitions=2) as writer:
            await writer.write_and_wait("facts.features", key.encode(), value)

    asyncio.run(work())


@pytest.mark.kafka
def test_a_list_is_sent_put_in_force_and_comes_back(
    kafka: Broker, topic_prefix: str, tmp_path: Path, capsys: Capture
) -> None:
    where = options(kafka.bootstrap, topic_prefix)
    assert run(capsys, "topics", "create", *where)[0] == 0
    rows = entries(3_000)
    path = tmp_path / "list.jsonl"
    path.write_text("".join(written(rows, ".jsonl")), encoding="utf-8")
    two = ("--by", "ann", "--and-by", "bob", *where)
    code, _, why = run(capsys, "library", "activate", "1", *two)
    assert (code, "no entry" in why) == (1, True)

    assert run(capsys, "library", "import", str(path), "--dry-run", *where)[0] == 0
    for sent in (3_000, 0):  # what stands there is not sent again
        code, said, _ = run(capsys, "library", "import", str(path), *where)
        assert code == 0
        assert said.startswith(f"{sent} entries sent")
    code, said, _ = run(capsys, "library", "activate", "1", *two)
    assert (code, said) == (0, "version 1 is in force: 3000 entries\n")
    assert "library: version 1" in run(capsys, "status", *where)[1]

    back = tmp_path / "back.csv"
    assert run(capsys, "library", "export", str(back), *where)[0] == 0
    assert read_rows(back) == [one.model_copy(update={"version": 0}) for one in rows]

    # What is sent past the command for a version that was put in force is not in it, nor in the next.
    stray = row("stray", "甲乙丙")
    put(kafka.bootstrap, topic_prefix, "stray/1", stray.model_dump_json().encode())
    code, said, _ = run(capsys, "library", "activate", "1", *two)
    assert (code, said) == (0, "version 1 is in force: 3000 entries\n")
    code, _, why = run(capsys, "library", "activate", "2", *two)
    assert (code, "stray was sent for version 1" in why) == (1, True)
    # A row nobody can read, and one by a single person: what is in force stays.
    put(kafka.bootstrap, topic_prefix, "stray/1", None)
    alone = row("alone", "甲乙丙", approved_by="one", from_version=2)
    put(kafka.bootstrap, topic_prefix, "alone/2", alone.model_dump_json().encode())
    code, _, why = run(capsys, "library", "activate", "2", *two)
    assert (code, "alone" in why) == (1, True)
    put(kafka.bootstrap, topic_prefix, "torn", b"{")
    code, _, why = run(capsys, "library", "export", str(back), *where)
    assert (code, "cannot be read" in why) == (1, True)
    assert len(read_rows(back)) == 3_000
