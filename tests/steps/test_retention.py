"""Retention: logged once, answered always; nothing stale, missing or unanswered is released."""

from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, answer, codes, decide, verify
from local_bus import LocalBus
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.passes import verify_pass
from synthgate.demo.acts import moment
from synthgate.demo.facts import recall
from synthgate.events.decision import Decision
from synthgate.events.facts import AccountRow, SwitchRow
from synthgate.steps.partition import partition_of


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def test_a_release_carries_a_pass_that_names_it(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "a"))
    keys = KeyFolder(bus.settings.keys_dir).pass_keys
    body = verify_pass(
        keys, decision.pass_ or "", now_ms=bus.now_ms, use="serve", tenant="t", generation="g-a"
    )
    assert (body.log, body.index) == (decision.receipt.log, decision.receipt.index)
    assert body.event_type == "generation.requested"


def test_a_passage_heard_again_is_answered_byte_for_byte(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "a"))
    said = list(bus.records("decisions"))[-1]
    bus.start()  # a new owner, nothing but the log to go by
    partition = partition_of(b"t/u", 2)
    before = bus.ends("decisions")
    bus.read["retention", "passages.labelled", partition] = 0
    heads = bus.parts.logs.heads()
    bus.run()
    again = bus.since("decisions", before)
    assert again[-1].value == said.value and again[-1].key == said.key
    assert bus.parts.logs.heads() == heads


def test_observe_mode_tells_the_truth_and_makes_no_pass(tmp_path: Path) -> None:
    bus = a_bus(tmp_path, enforced=False)
    refused = decide(bus, an_event(bus, "a"))
    assert (refused.action, refused.enforced, refused.pass_) == ("refuse", False, None)
    verify(bus)
    released = decide(bus, an_event(bus, "b"))
    assert (released.action, released.enforced, released.pass_) == ("release", False, None)


def forbid_late(bus: LocalBus, topic: str, row: object) -> Decision:
    """The fact comes after every other duty has let the event pass."""
    bus.send(an_event(bus, "late"))
    stages, bus.stages = bus.stages, bus.stages[:4]
    bus.run()
    bus.fact(topic, row)  # type: ignore[arg-type]
    bus.stages = stages
    before = bus.ends("decisions")
    bus.run()
    (said,) = bus.since("decisions", before)
    return Decision.model_validate_json(said.value or b"")


def test_a_suspension_known_before_the_append_counts(bus: LocalBus) -> None:
    row = AccountRow(
        version=1, tenant="t", user="u", standing="suspended", reason="x", since=moment(bus.now_ms)
    )
    decision = forbid_late(bus, "facts.accounts", row)
    assert decision.action == "refuse" and codes(decision) == {"stale_account"}


def test_a_recall_known_before_the_append_counts(bus: LocalBus) -> None:
    row = recall("g-late", bus.now_ms).model_copy(update={"tenant": "t"})
    assert codes(forbid_late(bus, "facts.recalls", row)) == {"recalled"}


def test_a_switch_known_before_the_append_counts(bus: LocalBus) -> None:
    row = SwitchRow(
        version=1, tenant="*", function="generation.requested", off=True, order="o",
        since=moment(bus.now_ms),
    )  # fmt: skip
    assert "stale_function" in codes(forbid_late(bus, "facts.switches", row))


def test_a_forbidding_row_nobody_can_read_forbids(bus: LocalBus) -> None:
    bus.append("facts.accounts", b"t/u", b"\x00 broken")
    decision = decide(bus, an_event(bus, "broken"))
    assert decision.action == "refuse" and "account_restricted" in codes(decision)


HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}


def test_a_reviewer_lifts_a_hold_once(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "hold", **HELD))
    assert (held.action, held.hold, held.pass_) == ("hold", "review", None)
    released = answer(bus, held, "review", outcome="pass", reviewer="r-1")
    assert (released.action, released.revision) == ("release", 2)
    assert released.supersedes == held.receipt.index
    late = answer(bus, held, "review", outcome="refuse", reviewer="r-1")
    assert late == released  # the second answer is logged and changes nothing
    entries = bus.parts.logs.get(held.receipt.log)
    assert entries.header(entries.head - 1)["action"] == "silent"


def test_a_stranger_lifts_nothing(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "hold", **HELD))
    assert answer(bus, held, "review", outcome="pass", reviewer="nobody").action == "hold"


def test_a_forged_receipt_is_a_stub(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "hold", **HELD))
    forged = held.model_copy(
        update={"receipt": held.receipt.model_copy(update={"index": held.receipt.index - 1})}
    )
    first = [r for r in bus.records("decisions") if held.receipt.hash.encode() in (r.value or b"")]
    assert first
    bus.logs["decisions", held.receipt.log].append(first[0])
    decision = answer_raw(bus, forged, first[0].key)
    assert codes(decision) == {"reentry_unknown"}


def answer_raw(bus: LocalBus, decision: Decision, key: bytes | None) -> Decision:
    import orjson

    data = {
        "tenant": decision.tenant, "root": decision.root, "cause": "review",
        "receipt": decision.receipt.model_dump(), "evidence": {},
    }  # fmt: skip
    headers = [
        ("ce_specversion", b"1.0"), ("ce_id", b"x"), ("ce_source", b"d"),
        ("ce_type", b"passage.reentered"), ("ce_time", moment(bus.now_ms).encode()),
    ]  # fmt: skip
    before = bus.ends("decisions")
    bus.append("operator.events", key, orjson.dumps(data), headers, decision.receipt.log)
    bus.run()
    (said,) = bus.since("decisions", before)
    return Decision.model_validate_json(said.value or b"")


def test_a_recall_by_re_entry_supersedes_the_release(bus: LocalBus) -> None:
    released = decide(bus, an_event(bus, "a"))
    recalled = answer(bus, released, "recall", why="order")
    assert (recalled.action, recalled.revision, recalled.pass_) == ("recall", 2, None)


def test_keeping_less_than_six_months_is_refused(bus: LocalBus) -> None:
    assert "keep_too_short" in codes(decide(bus, an_event(bus, "short", keep_days=30)))
    assert decide(bus, an_event(bus, "long", keep_days=400)).action == "release"


def test_an_origin_with_other_bytes_is_refused_beside_the_first(bus: LocalBus) -> None:
    first = decide(bus, an_event(bus, "a"))
    partition = partition_of(b"t/u", 2)
    record = bus.logs["generation.events", partition][-1]
    other = an_event(bus, "b")
    import orjson

    record.value = orjson.dumps(other["data"])
    record.headers = [(f"ce_{k}", str(v).encode()) for k, v in other.items() if k != "data"]
    bus.start()
    bus.read["identity", "generation.events", partition] = record.offset
    before = bus.ends("decisions")
    bus.run()
    (said,) = bus.since("decisions", before)
    decision = Decision.model_validate_json(said.value or b"")
    assert decision.action == "refuse" and "origin_conflict" in codes(decision)
    assert decision.receipt.index == first.receipt.index + 1
