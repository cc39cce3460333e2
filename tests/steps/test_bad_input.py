"""Bad input at the door: each a defined outcome and reason; nothing is lost and the chain lives on."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, an_event, codes, decide, verify
from local_bus import LocalBus
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.seal import unseal
from synthgate.events.decision import Decision
from synthgate.steps.partition import partition_of


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def headers(bus: LocalBus, event: dict[str, Any]) -> list[tuple[str, bytes]]:
    return [(f"ce_{k}", str(v).encode()) for k, v in event.items() if k != "data"]


def raw(bus: LocalBus, value: bytes | None, key: bytes | None = b"t/u", **more: Any) -> Decision:
    """Send bytes; the one decision they get."""
    before = bus.ends("decisions")
    bus.append("generation.events", key, value, **more)
    bus.run()
    (answer,) = bus.since("decisions", before)
    return Decision.model_validate_json(answer.value or b"")


BYTES = {
    "not_json": b"\xff not json",
    "duplicate_key": b'{"tenant":"t","tenant":"t"}',
    "number_range": b'{"tenant":"t","n":1180591620717411303424}',
    "not_object": b"[1]",
    "too_deep": b'{"a":' + b"[" * 40 + b"]" * 40 + b"}",
    "too_large": b'{"a":"' + b"x" * 10_000_000 + b'"}',
    "bad_shape": b'{"tenant":"t","user":{"id":7}}',
}


@pytest.mark.parametrize("code", BYTES)
def test_bytes_that_cannot_be_processed_are_refused_by_name(bus: LocalBus, code: str) -> None:
    event = an_event(bus, f"bad-{code}")
    decision = raw(bus, BYTES[code], headers=headers(bus, event))
    assert decision.action == "refuse" and codes(decision) == {code}
    assert decision.event_id == f"bad-{code}"  # its sender can match the answer


def test_infinity_is_not_a_number(bus: LocalBus) -> None:
    decision = raw(bus, b'{"n":1e400}', headers=headers(bus, an_event(bus, "inf")))
    assert decision.action == "refuse"


def test_a_lone_surrogate_is_no_json(bus: LocalBus) -> None:
    value = b'{"tenant":"t","content":{"prompt":"\\ud800"}}'
    assert codes(raw(bus, value, headers=headers(bus, an_event(bus, "half")))) == {"not_json"}


@pytest.mark.parametrize(
    ("prompt", "code"),
    [
        ("", "prompt_missing"), ("\u202eshi a poem\u202c", None), ("诗" * 80_000, None),
        ("a" + "\u0300\u0336" * 9_000, None), ("стих 诗 قصيدة poem ｼ", None),
        ("стих 海\u0336洛\u0336因 قصيدة", "risk_refuse"), ("\u202e海洛因\u202c", "risk_refuse"),
    ],
)  # fmt: skip
def test_text_of_any_kind_is_decided(bus: LocalBus, prompt: str, code: str | None) -> None:
    decision = decide(bus, an_event(bus, "odd", content={"prompt": prompt}))
    assert decision.action == ("refuse" if code else "release")
    assert code is None or code in codes(decision)


def test_a_record_without_value_is_refused(bus: LocalBus) -> None:
    assert codes(raw(bus, None)) == {"not_json"}


def test_the_bytes_lie_sealed_to_the_operator_and_nowhere_else(bus: LocalBus) -> None:
    secret = b'{"tenant":"t","secret-word":"xyzzy","tenant":"t"}'
    raw(bus, secret)
    (sealed,) = list(bus.records("quarantine"))
    named = dict(sealed.headers)
    private = KeyFolder(bus.settings.keys_dir).operator_private
    assert unseal(private, sealed.value or b"", named["sg_origin"]) == secret
    for (topic, _), records in bus.logs.items():
        if topic != "generation.events":
            assert all(b"xyzzy" not in (r.value or b"") for r in records), topic
    stored = [p.read_bytes() for p in bus.settings.ledger_dir.rglob("*") if p.is_file()]
    assert not any(b"xyzzy" in data for data in stored)


def test_structured_mode_is_admitted_with_its_data_as_received(bus: LocalBus) -> None:
    event = an_event(bus, "structured")
    value = orjson.dumps(event, option=orjson.OPT_INDENT_2)
    assert raw(bus, value).action == "release"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"type": "generation.imagined"}, "unknown_type"),
        ({"specversion": "0.3"}, "bad_envelope"),
        ({"time": "yesterday"}, "bad_envelope"),
        ({"id": ""}, "bad_envelope"),
    ],
)
def test_an_envelope_that_is_none(bus: LocalBus, change: dict[str, str], code: str) -> None:
    event = an_event(bus, "envelope") | change
    decision = raw(bus, orjson.dumps(event["data"]), headers=headers(bus, event))
    assert (decision.action, codes(decision)) == ("refuse", {code})


def test_a_missing_key(bus: LocalBus) -> None:
    event = an_event(bus, "nokey")
    decision = raw(bus, orjson.dumps(event["data"]), None, headers=headers(bus, event))
    assert "missing_key" in codes(decision)


def test_another_users_key(bus: LocalBus) -> None:
    event = an_event(bus, "wrongkey")
    decision = raw(bus, orjson.dumps(event["data"]), b"t/v", headers=headers(bus, event))
    assert "wrong_key" in codes(decision)


def test_the_wrong_partition(bus: LocalBus) -> None:
    event = an_event(bus, "wrongpartition")
    other = 1 - partition_of(b"t/u", 2)
    value = orjson.dumps(event["data"])
    decision = raw(bus, value, headers=headers(bus, event), partition=other)
    assert "wrong_partition" in codes(decision)


@pytest.mark.parametrize("at_s", [-700, 700, -86_400 * 365 * 20, 86_400 * 365])
def test_a_clock_off_is_refused_whatever_year_it_claims(bus: LocalBus, at_s: int) -> None:
    now, bus.now_ms = bus.now_ms, bus.now_ms + at_s * 1000
    event = an_event(bus, f"clock{at_s}")
    bus.now_ms = now
    decision = decide(bus, event)
    assert decision.action == "refuse" and "clock" in codes(decision)


def test_an_answer_nobody_waits_for(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "late", answer_by="2020-01-01T00:00:00Z"))
    assert decision.action == "refuse" and "expired" in codes(decision)


def test_missing_network_fields_are_all_named(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "net", net={"src_ip": "192.0.2.1"}))
    places = {r.where for r in decision.reasons if r.code == "network_fields_missing"}
    assert places == {"/net/src_port", "/net/dst_ip", "/net/client_fingerprint"}


@pytest.mark.parametrize("place", ["user", "model", "id"])
def test_a_plain_identity_number_outside_content(bus: LocalBus, place: str) -> None:
    phone = "13800138000"
    event = an_event(bus, "plain")
    if place == "user":
        event = an_event(bus, "plain", user=phone)
    elif place == "model":
        event["data"]["generation"]["model"] = phone
    else:
        event["id"] = phone
    key = f"t/{event['data']['user']['id']}".encode()
    decision = raw(bus, orjson.dumps(event["data"]), key, headers=headers(bus, event))
    assert decision.action == "refuse" and "plain_identity" in codes(decision)
    for (topic, _), records in bus.logs.items():
        if topic != "generation.events":
            for record in records:
                told = (record.value or b"") + (record.key or b"") + repr(record.headers).encode()
                assert phone.encode() not in told, topic


def test_the_same_number_inside_content_is_content(bus: LocalBus) -> None:
    event = an_event(bus, "inside", content={"prompt": "call 13800138000 for tea"})
    assert decide(bus, event).action == "release"


def test_the_same_id_twice_gets_the_same_answer(bus: LocalBus) -> None:
    event = an_event(bus, "twice")
    first, second = decide(bus, event), decide(bus, event)
    assert first == second and first.action == "release"


def test_other_bytes_under_one_id_are_refused(bus: LocalBus) -> None:
    event = an_event(bus, "twice")
    decide(bus, event)
    event["data"]["content"] = {"prompt": "another poem"}
    assert "repeat_differs" in codes(decide(bus, event))


def test_every_record_is_one_entry(bus: LocalBus) -> None:
    for number, value in enumerate(BYTES.values()):
        raw(bus, value, f"t/u{number}".encode())
    count = sum(1 for _ in bus.records("generation.events"))
    assert sum(bus.parts.logs.heads().values()) == count
