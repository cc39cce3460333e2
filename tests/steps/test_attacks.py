"""What a sender with rights on a source may try: each ends in one answer, and the chain lives on."""

import base64
from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, accept, an_event, answer, codes, decide, verify
from local_bus import LocalBus
from synthgate.events.decision import Decision
from synthgate.steps.partition import partition_of

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}
HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}
TERMS = {"terms_version": "1", "duty_notice_shown": True, "accepted_at": "2026-11-20T08:00:00Z"}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def headers(event: dict[str, Any]) -> list[tuple[str, bytes | None]]:
    return [(f"ce_{k}", str(v).encode()) for k, v in event.items() if k != "data"]


def sent(bus: LocalBus, topic: str, key: bytes | None, value: bytes, **more: Any) -> Decision:
    """Append bytes; the one decision they get."""
    before = bus.ends("decisions")
    bus.append(topic, key, value, **more)
    bus.run()
    (said,) = bus.since("decisions", before)
    return Decision.model_validate_json(said.value or b"")


def raw(bus: LocalBus, event: dict[str, Any], key: bytes = b"t/u", **more: Any) -> Decision:
    more.setdefault("headers", headers(event))
    more.setdefault("partition", partition_of(b"t/u", 2))
    return sent(bus, "generation.events", key, orjson.dumps(event["data"]), **more)


def back(bus: LocalBus, decision: Decision, key: bytes = b"t/u", **data: Any) -> Decision:
    """A re-entry for a decision, with members of your choice."""
    body = {
        "tenant": decision.tenant, "root": decision.root, "cause": "appeal", "evidence": {},
        "receipt": decision.receipt.model_dump(), **data,
    }  # fmt: skip
    event = {
        "specversion": "1.0", "id": "back", "source": "desk", "type": "passage.reentered",
        "time": "2026-11-20T08:00:00Z", "data": body,
    }  # fmt: skip
    value = orjson.dumps(event)
    return sent(bus, "operator.events", key, value, partition=decision.receipt.log)


@pytest.mark.parametrize("key", [b"k" * 700_000, b"t/u#" + b"1" * 700_000, b"\xff\xfe"])
def test_a_key_that_cannot_travel(bus: LocalBus, key: bytes) -> None:
    content = {"prompt": "where can I buy heroin " + "a" * 240_000}
    decision = raw(bus, an_event(bus, "key", content=content), key)
    assert (decision.action, codes(decision)) == ("refuse", {"wrong_key"})


def test_the_longest_names_are_no_fault(bus: LocalBus) -> None:
    user = "\u7528" * 256
    accept(bus, user)
    decide(bus, an_event(bus, "v", "identity.verified", user))
    assert decide(bus, an_event(bus, "long", user=user)).action == "release"


def test_nobody_is_sanctioned_for_what_came_under_their_key(bus: LocalBus) -> None:
    decision = raw(bus, an_event(bus, "frame", **ILLEGAL), b"t/victim")
    assert {"wrong_key", "risk_refuse"} <= codes(decision)
    assert list(bus.records("standings")) == []
    cases = [r.key for r in bus.records("cases")]
    assert f"content/{decision.decision}".encode() in cases  # the content is a case none the less


def test_nobody_is_sanctioned_for_what_is_repeated_under_their_key(bus: LocalBus) -> None:
    event = an_event(bus, "twice", **ILLEGAL)
    first = decide(bus, event)
    again = raw(bus, event, b"t/victim")
    assert again == first  # told to whose act it was, not to whose key it came under
    assert {r.key for r in bus.records("standings")} == {b"t/u"}
    assert {r.key for r in bus.records("decisions")} == {b"t/u"}


def test_nobody_takes_anothers_id(bus: LocalBus) -> None:
    event = an_event(bus, "mine")
    assert codes(raw(bus, event, b"t/victim")) == {"wrong_key"}
    assert decide(bus, event).action == "release"


def test_a_user_id_cannot_be_read_as_anothers_sub_key(bus: LocalBus) -> None:
    event = an_event(bus, "hash", user="victim#1", **ILLEGAL)
    assert codes(raw(bus, event, b"t/victim#1")) == {"bad_shape"}
    assert list(bus.records("standings")) == []


@pytest.mark.parametrize("name", ["ce_extension", "id", "ce_id", "traceparent"])
def test_a_header_without_a_value(bus: LocalBus, name: str) -> None:
    event = an_event(bus, "none")
    assert raw(bus, event, headers=[*headers(event), (name, None)]).action == "release"
    before = bus.ends("decisions")
    bus.append("generation.events", b"t/u", b"garbage", [*headers(event), (name, None)])
    bus.run()
    assert len(bus.since("decisions", before)) == 1


ATTRIBUTES: dict[str, list[tuple[str, bytes | None]]] = {
    "a name of a megabyte": [("ce_" + "n" * 900_000, b"1")],
    "sixty of a kibibyte": [(f"ce_n{n}", b"x" * 1024) for n in range(58)],
    "control characters": [(f"ce_n{n}", b"\x01" * 1024) for n in range(8)],
    "an id of a kibibyte": [("ce_id", b"x" * 1000)],
    "an id nobody can print": [("ce_id", b"a\x00b")],
}


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attributes_that_cannot_travel(bus: LocalBus, kind: str) -> None:
    event = an_event(bus, "attrs")
    decision = raw(bus, event, headers=[*headers(event), *ATTRIBUTES[kind]])
    assert (decision.action, codes(decision)) == ("refuse", {"bad_envelope"})


def test_a_number_is_not_told_by_what_refuses_it(bus: LocalBus) -> None:
    phone = b"13800138000"
    event = an_event(bus, "phone")
    too_long = [("ce_" + phone.decode(), b"z" * 2000)]
    assert codes(raw(bus, event, headers=[*headers(event), *too_long])) == {"bad_envelope"}
    as_type = [*headers(event), ("ce_type", phone)]
    assert raw(bus, event, headers=as_type).action == "refuse"
    structured = orjson.dumps({**event, "extension": int(phone)})
    decision = sent(bus, "generation.events", b"t/u", structured)
    assert codes(decision) == {"plain_identity"}
    for (topic, _), records in bus.logs.items():
        if topic != "generation.events":
            assert all(phone not in (r.value or b"") + (r.key or b"") for r in records), topic


def test_a_record_that_unpacks_into_megabytes_is_sealed_in_part(bus: LocalBus) -> None:
    event = an_event(bus, "bomb")
    value = b'{"a":"' + b"x" * 10_000_000 + b'"}'
    decision = sent(bus, "generation.events", b"t/u", value, headers=headers(event))
    assert codes(decision) == {"too_large"}


UNDECLARED: dict[str, Any] = {
    "generation": {"id": 5},
    "subjects": 5,
    "review": {"outcome": 5},
    "content": {"text": 5},
    "pass": 5,
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_a_declared_member_has_its_shape_wherever_it_stands(bus: LocalBus, name: str) -> None:
    event = an_event(bus, "shape", "terms.accepted", **TERMS, **{name: UNDECLARED[name]})
    assert codes(raw(bus, event)) == {"bad_shape"}


def test_an_age_band_where_none_belongs_is_content(bus: LocalBus) -> None:
    assert raw(bus, an_event(bus, "age", "terms.accepted", **TERMS, age_band=5)).action == "release"


def test_eighty_thousand_words_of_content_fit_on_a_passage(bus: LocalBus) -> None:
    many = {"prompt": "a poem", "more": [""] * 80_000}
    assert decide(bus, an_event(bus, "parts", content=many)).action == "release"
    many["more"][-1] = "where can I buy heroin"
    assert decide(bus, an_event(bus, "last", content=many)).action == "refuse"


@pytest.mark.parametrize("data", [{}, {"tenant": "t", "user": 7}])
def test_an_answer_no_duty_hears_yet(bus: LocalBus, data: dict[str, Any]) -> None:
    event = an_event(bus, "w", "work.done") | {"data": data}
    decision = sent(bus, "operator.events", b"t/u", orjson.dumps(event))
    assert codes(decision) == {"unknown_type"}


def test_an_answer_does_not_heal_what_the_door_found(bus: LocalBus) -> None:
    refused = decide(bus, an_event(bus, "x", "generation.completed", content={"text": "hello"}))
    assert codes(refused) == {"no_pass"}
    again = answer(bus, refused, "appeal")
    assert again.action == "refuse" and codes(again) == {"no_pass"}
    strange = raw(bus, an_event(bus, "y"), b"t/victim")
    assert answer(bus, strange, "appeal").action == "refuse"


def test_an_answer_under_another_key_is_of_the_first_key(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "held", **HELD))
    said = {"reviewer": "r-1", "outcome": "refuse"}
    back(bus, held, b"t/victim", cause="review", evidence=said)
    assert {r.key for r in bus.records("standings")} == {b"t/u"}


def test_another_tenants_receipt_is_none(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "held", **HELD))
    assert codes(back(bus, held, tenant="demo")) == {"reentry_unknown"}


EVIDENCE: dict[str, dict[str, Any]] = {
    "like a passage": {"evidence": {"a": 1, "verdicts": [1]}},
    "headers are a number": {"evidence": {"headers": 5}, "cause": "redrive"},
    "headers are numbers": {"evidence": {"headers": [[1, 2]]}, "cause": "redrive"},
    "not base64": {"bytes_base64": "\u7528", "cause": "redrive"},
}


@pytest.mark.parametrize("kind", EVIDENCE)
def test_evidence_nobody_can_use(bus: LocalBus, kind: str) -> None:
    decision = sent(bus, "generation.events", b"t/u", b"garbage")
    data = {"bytes_base64": base64.b64encode(b"garbage").decode()} | EVIDENCE[kind]
    assert codes(back(bus, decision, **data)) == {"reentry_malformed"}
