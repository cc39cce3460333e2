"""``synthgate produce``: keys computed, every bad line named, nothing sent unless all is well."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli_commands import Running, run
from synthgate.cli.errors import CommandError
from synthgate.cli.produce import line_of, read
from synthgate.client.writer import partition_of
from synthgate.events.topics import BY_NAME, Kind

Capture = pytest.CaptureFixture[str]
EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
EVENT: dict[str, Any] = {
    "type": "account.registered",
    "data": {"tenant": "acme", "user": {"id": "u-1"}},
}
SENDABLE = sorted(
    path
    for topic in BY_NAME.values()
    if topic.kind is Kind.SOURCE or topic.writer in ("platform", "cli")
    for path in (EXAMPLES / f"{topic.name}.v1").glob("*.json")
    if topic.name not in ("timer.events", "quarantine")
)


def lines(*rows: dict[str, Any] | bytes) -> io.BytesIO:
    return io.BytesIO(
        b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
    )


@pytest.mark.parametrize("path", SENDABLE, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_example_can_be_sent(path: Path) -> None:
    topic = path.parent.name.removesuffix(".v1")
    row = json.loads(path.read_bytes())
    if BY_NAME[topic].kind is Kind.FACT:
        row = {"topic": topic, "data": row}
    if topic == "operator.events":
        row["key"] = "qiming/u-1024"
    line = line_of(json.dumps(row).encode())
    assert line.topic == topic
    assert line.key
    if topic == "generation.events":
        assert line.key == b"qiming/u-1024"
        assert dict(line.headers)["ce_id"].decode() == row["id"]


def test_an_answer_goes_to_the_partition_of_what_it_answers() -> None:
    row = json.loads((EXAMPLES / "operator.events.v1/passage.reentered.json").read_bytes())
    assert line_of(json.dumps(row | {"key": "qiming/u-1024"}).encode()).partition == 3
    with pytest.raises(ValueError, match='an answer needs "key"'):
        line_of(json.dumps(row).encode())


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (b"not json", "not_json"),
        (b'{"type":"a","type":"b"}', "duplicate_key"),
        ({"type": "generation.imagined", "data": {}}, "unknown type"),
        ({"data": {}}, "unknown type"),
        ({"type": "account.registered"}, "data must be an object"),
        ({"type": "account.registered", "data": {"tenant": "a"}}, "/data/user"),
        (EVENT | {"time": "yesterday"}, "/time"),
        (EVENT | {"key": 7}, "key: a string"),
        ({"type": "record.stubbed", "data": {}}, "made inside the chain"),
        ({"type": "consent.granted", "data": {"tenant": "a"}}, "/data/"),
        ({"topic": "standings", "data": {}}, "/data/"),
    ],
)
def test_a_bad_line_is_named_without_its_content(row: Any, words: str) -> None:
    with pytest.raises(CommandError) as caught:
        list(read(lines(EVENT, b"", row, EVENT)))
    said = str(caught.value)
    assert said.startswith("nothing was sent: line 3: ")
    assert words in said


def test_all_bad_lines_are_counted() -> None:
    with pytest.raises(CommandError, match=r"line 1: .*line 2: .*line 3: .*and 2 more lines"):
        list(read(lines(*[b"{"] * 5)))


def test_sent_lines_stand_where_it_says(chain: Running, capsys: Capture, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(
        "\n".join(
            json.dumps(EVENT | {"id": f"e-{n}", "data": EVENT["data"] | {"user": {"id": f"u-{n}"}}})
            for n in range(4)
        )
    )
    where = [*chain.options, "--set", "topic_prefix=produce."]
    code, _, why = run(capsys, "produce", str(file), *where)
    assert code in (75, 78), why  # No such topic there.
    code, said, why = run(capsys, "produce", str(file), *chain.options, "--json")
    assert (code, why) == (0, "")
    sent = [json.loads(line) for line in said.splitlines()]
    assert [row["id"] for row in sent] == ["e-0", "e-1", "e-2", "e-3"]
    for n, row in enumerate(sent):
        assert row["partition"] == partition_of(f"acme/u-{n}".encode(), chain.settings.partitions)


def test_a_file_that_is_not_there(capsys: Capture) -> None:
    code, _, why = run(capsys, "produce", "/nowhere.jsonl")
    assert code == 1
    assert why == "synthgate: /nowhere.jsonl: No such file or directory\n"
