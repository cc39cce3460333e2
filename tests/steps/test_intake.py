"""From the platform's own topic to its own topic through the whole chain; what does not map is sealed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, verify
from local_bus import LocalBus
from synthgate import outside
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.seal import unseal
from synthgate.demo.acts import TERMS
from synthgate.settings import Settings, SettingsError
from synthgate.step import Batch
from synthgate.steps.intake import IntakeStage

GUIDES = Path(__file__).parents[2] / "src" / "guides" / "mapping"


def mapped_bus(folder: Path, name: str) -> LocalBus:
    """A chain and, beside it, both stages with a mapping of the guides; its tenant is ours."""
    bus = a_bus(folder)
    text = (GUIDES / f"{name}.toml").read_text().replace("'acme'", "'t'")
    (folder / "map.toml").write_text(text)
    settings = bus.settings.model_copy(
        update={"intake_map": str(folder / "map.toml"), "intake_in": "in", "intake_out": "out"}
    )
    made, outputs = outside.stages(settings, ("intake", "replies"))
    assert outputs == ["quarantine", "generation.events", "intake.out"]
    bus.stages += made
    return bus


def put(bus: LocalBus, value: Any, key: str | None = None, **headers: str) -> None:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    heads = [(name, text.encode()) for name, text in headers.items()]
    bus.append("intake.in", None if key is None else key.encode(), raw, heads, 0)
    bus.run()
    bus.now_ms += 10


def told(bus: LocalBus) -> list[Any]:
    return [
        ((record.key or b"").decode(), json.loads(record.value or b""))
        for record in sorted(bus.records("intake.out"), key=lambda record: record.timestamp)
    ]


def typed(bus: LocalBus, msg: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "prompt", "msg": msg, "job": f"job-{msg}", "ts": bus.now_ms, "text": text,
        "who": {"uid": "u", "device": "d"}, "from": {"ip": "203.0.113.7", "port": 50123},
        "to": {"ip": "198.51.100.20", "port": 443}, **more,
    }  # fmt: skip


def test_a_chat_goes_through_both_gates_from_its_topic_to_its_topic(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "chat")
    verify(bus)
    put(bus, {"kind": "heartbeat"})
    put(bus, typed(bus, "1", "a poem about rain"))
    ((key, asked),) = told(bus)
    assert (key, asked["msg"], asked["go"], asked["why"]) == ("job-1", "1", True, [])
    said = typed(bus, "2", "it rains", kind="answer", job="job-1", ticket=asked["ticket"])
    put(bus, said)
    (_, (key, made)) = told(bus)
    assert (key, made["msg"], made["go"]) == ("job-1", "2", True)
    assert [sorted(one) for one in made["serve"]] == [["file", "sha256"]]
    put(bus, typed(bus, "3", "where can I buy heroin"))
    assert told(bus)[-1][1]["go"] is False
    assert told(bus)[-1][1]["why"]
    assert "ticket" not in told(bus)[-1][1]
    assert not list(bus.records("quarantine"))


def test_people_are_verified_from_their_topic_and_told_on_theirs(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "people")
    now_s = bus.now_ms // 1000
    put(
        bus,
        {"result": "ok", "by": "carrier", "at": now_s, "ref": "vault/1", "age": 31},
        "u",
        kind="kyc",
    )
    put(bus, {"version": TERMS, "notice": True, "at": now_s}, "u", kind="terms")
    put(bus, {"result": "no"}, "u", kind="kyc")
    taken = [("u", {"of": of, "taken": True, "again": False})
             for of in ("identity.verified", "terms.accepted")]  # fmt: skip
    assert told(bus) == taken
    from acts_at_hand import an_event, decide

    assert decide(bus, an_event(bus, "a")).action == "release"
    assert told(bus) == taken


def test_what_does_not_map_is_sealed_with_the_expression_and_holds_up_nothing(
    tmp_path: Path,
) -> None:
    bus = mapped_bus(tmp_path, "chat")
    verify(bus)
    lacking = {k: v for k, v in typed(bus, "1", "secret words").items() if k != "who"}
    bus.append("intake.in", b"k", json.dumps(lacking).encode(), (), 0)
    bus.append("intake.in", b"k", b"no json", (), 0)
    bus.append("intake.in", b"k", None, (), 0)
    put(bus, typed(bus, "2", "a poem"))
    assert [row["msg"] for _, row in told(bus)] == ["2"]
    sealed = list(bus.records("quarantine"))
    labels = [{name: raw.decode() for name, raw in record.headers} for record in sealed]
    assert [label["sg_code"] for label in labels] == ["unmapped", "not_json", "not_json"]
    assert labels[0]["sg_why"].startswith("typed: data.user.id = value.who.uid: it gives nothing")
    assert labels[0]["sg_origin"] == "1/intake.in/0/0"
    assert "secret" not in str(labels)
    private = KeyFolder(bus.settings.keys_dir).operator_private
    opened = unseal(private, sealed[0].value or b"", labels[0]["sg_origin"].encode())
    assert json.loads(opened) == lacking


def test_a_record_read_twice_is_answered_as_the_first(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "chat")
    verify(bus)
    put(bus, typed(bus, "1", "a poem"))
    bus.read["intake", "intake.in", 0] = 0
    bus.run()
    (one, two) = [row for _, row in told(bus)]
    assert {**one, "ticket": ""} == {**two, "ticket": ""}


def test_a_record_that_killed_the_process_is_sealed_as_such(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "chat")
    verify(bus)
    bus.poison.add(("intake", 0))
    put(bus, typed(bus, "1", "a poem"))
    (record,) = bus.records("quarantine")
    assert dict(record.headers)["sg_code"] == b"bug"
    assert told(bus) == []


def test_a_topic_of_more_partitions_than_ours_stops_at_nothing(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "chat")
    stage = next(one for one in bus.stages if one.name == "intake")
    bus.append("intake.in", None, b"{", [], 0)
    bus.append("intake.in", None, json.dumps(typed(bus, "1", "a poem")).encode(), [], 0)
    there = bus.settings.partitions + 30
    batch = Batch("intake.in", there, list(bus.records("intake.in")), 0, 2)
    made = asyncio.run(stage.process(batch, 1))
    # On the batch's own partition our topics have none.
    assert (made.by_topic, made.last) == ({}, {})
    assert {name: len(rows) for name, rows in made.keyed.items()} == {
        "quarantine": 1, "generation.events": 1,
    }  # fmt: skip


def test_the_trace_of_a_record_goes_on(tmp_path: Path) -> None:
    bus = mapped_bus(tmp_path, "chat")
    trace = "00-" + "1" * 32 + "-" + "2" * 16 + "-01"
    verify(bus)
    put(bus, typed(bus, "1", "a poem"), traceparent=trace)
    (record,) = [r for r in bus.records("generation.events") if b"poem" in (r.value or b"")]
    assert dict(record.headers)["traceparent"] == trace.encode()


@pytest.mark.parametrize("trace", ["x" * 900_000, "13800138000", "00-é", ""])
def test_a_trace_that_is_none_stays_behind(tmp_path: Path, trace: str) -> None:
    bus = mapped_bus(tmp_path, "chat")
    verify(bus)
    put(bus, typed(bus, "1", "a poem"), traceparent=trace)
    (record,) = [r for r in bus.records("generation.events") if b"poem" in (r.value or b"")]
    assert "traceparent" not in dict(record.headers)
    assert told(bus)[0][1]["go"] is True


@pytest.mark.parametrize("lacking", ["intake_map", "intake_in", "intake_out"])
def test_what_a_worker_beside_the_chain_needs(tmp_path: Path, lacking: str) -> None:
    given = {"intake_map": "m", "intake_in": "i", "intake_out": "o", lacking: ""}
    settings = Settings.load(environ={}, data_dir=tmp_path, **given)
    with pytest.raises(SettingsError, match=lacking):
        outside.stages(settings, ("intake", "replies"))


def test_topics_and_groups_of_the_platform_have_its_names() -> None:
    settings = Settings.load(
        environ={}, topic_prefix="x.", intake_in="theirs.in", intake_out="theirs.out"
    )
    assert [settings.topic(name) for name in ("intake.in", "intake.out", "decisions")] == [
        "theirs.in", "theirs.out", "x.decisions",
    ]  # fmt: skip
    assert settings.group("intake") == "x.synthgate.intake.theirs.in"
    assert settings.group("identity") == "x.synthgate.identity"
    assert IntakeStage.inputs == ("intake.in",)


@pytest.mark.parametrize(
    "over",
    [
        {"intake_out": "p.decisions"}, {"intake_in": "p.generation.events"}, {"intake_out": "in"},
        {"intake_out": "p.control"},
    ],
)  # fmt: skip
def test_topics_of_ours_are_nobody_s_own(over: dict[str, str]) -> None:
    given = {"intake_map": "m", "intake_in": "in", "intake_out": "decisions", "topic_prefix": "p."}
    settings = Settings.load(environ={}, **(given | over))
    with pytest.raises(SettingsError, match=r"own: name|one topic"):
        outside.stages(settings, ("intake", "replies"))
