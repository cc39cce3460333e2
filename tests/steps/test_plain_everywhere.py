"""A thousand events with a phone, identity, card or credit-code number in every place: none is left."""

import itertools
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, codes, decide, verify
from local_bus import LocalBus, Stored
from synthgate.cli.scan_places import SENT, Place, in_files, in_record
from synthgate.events.event import Event
from synthgate.events.topics import BY_NAME, TOPICS
from synthgate.obligations import consent, identity, labelling, moderation, retention
from synthgate.runtime.logs import Json
from synthgate.steps.partition import partition_of

NUMBERS = ("13800138000", "11010519491231002X", "6222020200112233446", "91110000600037341L")
EXAMPLES = sorted(
    (Path(__file__).parents[2] / "schemas/examples/generation.events.v1").glob("*.json")
)
EVENTS = 1000
Steps = tuple[str | int, ...]


def leaves(value: Any, at: Steps = ()) -> Iterator[Steps]:
    """Every string in an event, by the way to it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*at, name))
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from leaves(item, (*at, n))
    elif isinstance(value, str) and at not in (("specversion",), ("type",), ("time",)):
        yield at


def planted() -> Iterator[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    """Key, data and headers of events with one number each, in turn."""
    places = [
        (json.loads(path.read_text(encoding="utf-8")), steps)
        for path in EXAMPLES
        for steps in leaves(json.loads(path.read_text(encoding="utf-8")))
    ]
    extra: list[Steps] = [("key",), ("header",), ("ce",), ("data", "unknown"), ("data", "deep")]
    wholes = [json.loads(path.read_text(encoding="utf-8")) for path in EXAMPLES]
    places += [(whole, steps) for whole in wholes for steps in extra]
    turns = zip(itertools.cycle(places), itertools.cycle(NUMBERS), range(EVENTS), strict=False)
    for (whole, steps), number, n in turns:
        event = json.loads(json.dumps(whole)) | {"id": f"e-{n}", "time": "2026-11-18T14:26:40Z"}
        user = event["data"].get("user", {"id": "u"})["id"]
        key, headers = f"{event['data']['tenant']}/{user}", []
        match steps:
            case ("key",):
                key = f"{event['data']['tenant']}/{number}"
            case ("header",):
                headers.append((f"x-{number}", number.encode()))
            case ("ce",):
                event["extension"] = number
            case ("data", "deep"):
                event["data"]["deep"] = [{"a": {number: f"call {number}"}}]
            case _:
                put(event, steps, f"id {number}" if n % 2 else number)
        attrs = {name: text for name, text in event.items() if name != "data"}
        headers += [(f"ce_{name}", str(text).encode()) for name, text in attrs.items()]
        yield key.encode(), json.dumps(event["data"]).encode(), headers


def put(event: dict[str, Any], steps: Steps, text: str) -> None:
    holder: Any = event
    for step in steps[:-1]:
        holder = holder[step]
    holder[steps[-1]] = text


def found(bus: LocalBus, *, sent: bool = False) -> list[str]:
    """Every place a number stands in, on topics and in folders."""
    places = [
        f"{topic.name}{where}"
        for topic in TOPICS
        if (topic.kind in SENT) == sent
        for record in bus.records(topic.name)
        for where in in_record(topic.name, record)
    ]
    folders = Place("folders")
    for folder in (bus.settings.ledger_dir, bus.settings.objects_dir):
        in_files(folder, folders)
    return places if sent else places + folders.found


@pytest.mark.slow
def test_nothing_plain_is_left_and_a_planted_number_is_found(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bus = a_bus(tmp_path)
    bus.now_ms = 1_795_012_000_000
    caplog.set_level(logging.DEBUG)
    for key, data, headers in planted():
        bus.append("generation.events", key, data, headers, partition_of(key, 2))
    bus.run()
    assert len(bus.decisions()) == EVENTS
    assert found(bus) == []
    assert len(found(bus, sent=True)) > EVENTS / 4, "what was sent is found where it was sent"
    assert any("plain_identity" in codes(decision) for decision in bus.decisions())
    page = tmp_path / "log.txt"
    page.write_text("\n".join(record.getMessage() for record in caplog.records))
    place = Place("log")
    in_files(page, place)
    assert (place.searched, place.found) == (1, [])
    plant = bus.append("decisions", b"qiming/u", b'{"note":"13800138000"}', (), 0)
    assert found(bus) == ["decisions/value"]
    assert in_record("decisions", plant) == ("/value",)


@pytest.mark.parametrize("duty", [identity, consent, moderation, labelling, retention])
def test_a_crash_whose_message_holds_a_number_leaves_none(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, duty: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    bus = a_bus(tmp_path)
    verify(bus)
    code = duty.decide.__code__

    def crash(event: Event, facts: object, law: object, as_of: int) -> None:
        raise ValueError(
            "no user 13800138000 / 11010519491231002X / 6222020200112233446 / 91110000600037341L"
        )

    duty.decide.__code__ = crash.__code__
    try:
        decision = decide(bus, an_event(bus, "crash"))
    finally:
        duty.decide.__code__ = code
    assert "bug" in codes(decision)
    assert found(bus) == []
    assert not any(number in record.getMessage() for record in caplog.records for number in NUMBERS)
    assert not any(record.exc_info for record in caplog.records)
    lines = [Json().format(record) for record in caplog.records]
    assert decision.origin in {json.loads(line).get("origin") for line in lines}
    assert not any(number in line for number in NUMBERS for line in lines)


@pytest.mark.parametrize("topic", [name for name, row in BY_NAME.items() if row.kind not in SENT])
def test_every_place_of_a_record_is_searched(topic: str) -> None:
    value = (
        b'{"origin":"x","attrs":{"id":"a","type":"content.delivered"},"verdicts":[%s],'
        b'"event":{"tenant":"t"%s}}'
    )
    harmless = Stored(0, 0, b"t/u", value % (b"", b',"other":"13800138000"'), [("h", b"v")])
    chain = BY_NAME[topic].kind.value == "chain"
    assert in_record(topic, harmless) == (() if chain else ("/value",))
    clean = value % (b"", b"")
    for key, body, headers, where in (
        (b"t/13800138000", clean, [], "/key"),
        (b"t/u", clean, [("x-13800138000", b"")], "/headers"),
        (b"t/u", clean, [("x", b"13800138000")], "/headers"),
        (b"t/u", value % (b'{"w":"13800138000"}', b""), [], "/verdicts" if chain else "/value"),
        (
            b"t/u",
            value % (b"", b',"recipient":"13800138000"'),
            [],
            "/recipient" if chain else "/value",
        ),
    ):
        assert in_record(topic, Stored(0, 0, key, body, headers)) == (where,)


def test_a_number_across_two_chunks_of_a_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(b"x" * ((1 << 20) - 4) + b" 13800138000 " + b"x" * 99)
    place = Place("trace")
    in_files(tmp_path, place)
    assert place.found == [str(path)]
