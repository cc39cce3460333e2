"""``synthgate quarantine``: labels for everybody, bytes for the operator, and events made of bytes again."""

import asyncio
import hashlib
import json
from pathlib import Path

import orjson
import pytest
from aiokafka import AIOKafkaProducer

from cli_commands import options, run
from synthgate.broker.embedded import EmbeddedBroker
from synthgate.cli.errors import CommandError
from synthgate.cli.redriving import Source, _headers
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.seal import seal

Capture = pytest.CaptureFixture[str]
ATTRS = {"specversion": "1.0", "id": "e1", "source": "s", "type": "generation.requested",
         "time": "2026-11-20T08:00:00Z"}  # fmt: skip
DATA = orjson.dumps({"tenant": "demo", "user": {"id": "u"}})
BOUND = [(f"ce_{name}", value.encode()) for name, value in ATTRS.items()]
WHOLE = orjson.dumps({**ATTRS, "data": orjson.loads(DATA)})


def names(pairs: list[tuple[str, bytes]]) -> dict[str, bytes]:
    return dict(pairs)


def test_a_whole_envelope_needs_no_headers() -> None:
    assert _headers(WHOLE, Source(b"k", [("x", b"y")], WHOLE)) == []


def test_a_binary_record_takes_its_own() -> None:
    source = Source(b"k", [*BOUND, ("traceparent", b"t"), ("x-other", b"y")], DATA)
    assert names(_headers(DATA, source)) == {**names(BOUND), "traceparent": b"t"}


def test_what_a_duty_sealed_of_a_structured_event_takes_the_attributes_around_it() -> None:
    inner = WHOLE[WHOLE.index(b'"data":') + 7 : -1]
    assert names(_headers(inner, Source(b"k", [], WHOLE))) == names(BOUND)


def test_bytes_that_are_not_the_sources_are_not_handed_back() -> None:
    with pytest.raises(CommandError, match="other bytes at this origin"):
        _headers(b'{"a":1}', Source(b"k", [], WHOLE))


def test_what_the_ledger_knows_serves_when_the_source_has_let_go() -> None:
    assert names(_headers(DATA, Source(b"k", list(BOUND), None))) == names(BOUND)


async def put(
    bootstrap: str, topic: str, folder: KeyFolder, rows: list[tuple[str, str, int]]
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    for origin, code, at in rows:
        data = f"bytes of {origin}".encode()
        headers = [
            ("sg_origin", origin.encode()), ("sg_code", code.encode()),
            ("sg_sha256", hashlib.sha256(data).hexdigest().encode()),
        ]  # fmt: skip
        if code == "unmapped":
            headers.append(("sg_why", b"typed: data.user.id = value.who.uid: it gives nothing"))
        box = seal(folder.operator_public, data, origin.encode())
        await producer.send_and_wait(
            topic, box, key=b"demo", headers=headers, timestamp_ms=at, partition=0
        )
    await producer.stop()


def test_list_selects_and_show_opens(
    embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path, capsys: Capture
) -> None:
    embedded.create_topics({f"{topic_prefix}quarantine": 2})
    where = options(embedded.bootstrap, topic_prefix, data_dir=tmp_path)
    folder = KeyFolder.init(tmp_path / "keys")
    day = 1_795_161_600_000  # 2026-11-20T08:00:00Z
    rows = [
        ("1/generation.events/0/1", "bug", day), ("1/generation.events/0/2", "not_json", day + 1000),
        ("1/case.events/0/3", "bug", day + 2000), ("1/generation.events/0/1", "bug", day + 3000),
    ]  # fmt: skip
    asyncio.run(put(embedded.bootstrap, f"{topic_prefix}quarantine", folder, rows))

    def listed(*more: str) -> list[str]:
        code, said, why = run(capsys, "quarantine", "list", "--json", *more, *where)
        assert (code, why) == (0, "")
        return [json.loads(line)["id"].rpartition("/")[2] for line in said.splitlines()]

    assert listed() == ["1", "2", "3"]  # a record sealed twice is one
    assert listed("--reason", "bug") == ["1", "3"]
    assert listed("--since", "2026-11-20T08:00:01Z") == ["2", "3", "1"]
    assert listed("--until", "2026-11-20T16:00:01+08:00") == ["1"]
    code, said, _ = run(capsys, "quarantine", "list", *where)
    assert (code, said.count("demo")) == (0, 3)
    assert "bytes of" not in said

    code, said, _ = run(capsys, "quarantine", "show", "1/case.events/0/3", *where)
    assert (code, said) == (0, "bytes of 1/case.events/0/3")
    code, _, why = run(capsys, "quarantine", "show", "1/case.events/0/9", *where)
    assert (code, "does not lie in quarantine" in why) == (1, True)
    code, _, why = run(capsys, "quarantine", "list", "--since", "yesterday", *where)
    assert (code, "write it like" in why) == (1, True)
    code, _, why = run(capsys, "quarantine", "redrive", "--why", "x", *where)
    assert (code, "nothing selected" in why) == (1, True)
    other = KeyFolder.init(tmp_path / "other")
    (folder.path / "operator.key").write_text((other.path / "operator.key").read_text())
    code, _, why = run(capsys, "quarantine", "show", "1/case.events/0/3", *where)
    assert (code, "cannot be opened with" in why) == (1, True)
    (folder.path / "operator.key").unlink()
    code, _, why = run(capsys, "quarantine", "show", "1/case.events/0/3", *where)
    assert (code, "operator.key" in why) == (78, True)


def test_what_did_not_map_says_which_expression_failed_and_how_to_go_on(
    embedded: EmbeddedBroker, topic_prefix: str, tmp_path: Path, capsys: Capture
) -> None:
    embedded.create_topics({f"{topic_prefix}quarantine": 2})
    where = (*options(embedded.bootstrap, topic_prefix, data_dir=tmp_path), "--set", "intake_in=in")
    folder = KeyFolder.init(tmp_path / "keys")
    rows = [("1/intake.in/0/7", "unmapped", 1_795_161_600_000)]
    asyncio.run(put(embedded.bootstrap, f"{topic_prefix}quarantine", folder, rows))
    code, said, _ = run(capsys, "quarantine", "list", *where)
    assert code == 0
    assert said.rstrip().endswith("typed: data.user.id = value.who.uid: it gives nothing")
    code, said, _ = run(capsys, "quarantine", "list", "--json", *where)
    assert json.loads(said)["why"].startswith("typed: data.user.id")
    code, said, _ = run(capsys, "quarantine", "redrive", rows[0][0], "--why", "x", *where)
    assert code == 1
    assert f"set group {topic_prefix}synthgate.intake.in back" in said
