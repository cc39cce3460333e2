"""What goes wrong behind the door: erased, recalled, lost, too large, heard twice."""

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from acts_at_hand import a_bus, an_event, answer, codes, decide, verify
from local_bus import LocalBus
from synthgate.demo.facts import control
from synthgate.events.decision import Decision, DoorRow
from synthgate.events.facts import ConsentRow
from synthgate.events.topics import BY_NAME
from synthgate.library.sample import sample_rows
from synthgate.step import Batch, Waiting
from synthgate.steps.partition import partition_of

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}
HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def erase(bus: LocalBus, log: int) -> None:
    """Destroy every content key a log's entries were closed with."""
    reader = bus.parts.logs.get(log)
    for index in range(reader.head):
        bus.parts.logs.get(log)._keys.erase(reader.header(index)["kid"])


def test_the_same_bytes_under_another_type_are_another_act(bus: LocalBus) -> None:
    event = an_event(bus, "x")
    assert decide(bus, event).action == "release"
    swapped = decide(bus, {**event, "type": "scene.started"})
    assert swapped.action == "refuse" and "repeat_differs" in codes(swapped)


def test_a_recall_is_a_recall_even_of_what_would_now_be_held(bus: LocalBus) -> None:
    released = decide(bus, an_event(bus, "x", content={"prompt": "zebra"}))
    doubt = next(row for row in sample_rows() if row.kind == "keyword")
    changed = {"entry": "new", "value": "zebra", "risk": "A.2a", "severity": 60}
    bus.fact("facts.features", doubt.model_copy(update=changed))
    bus.start()
    assert decide(bus, an_event(bus, "y", content={"prompt": "zebra"})).action == "hold"
    assert answer(bus, released, "recall").action == "recall"


def test_a_generation_cannot_rest_on_a_recalled_decision(bus: LocalBus) -> None:
    requested = decide(bus, an_event(bus, "x"))
    answer(bus, requested, "recall")
    event = an_event(
        bus, "y", "generation.completed", content={"text": "hello"}, **{"pass": requested.pass_}
    )
    event["data"]["generation"]["id"] = "g-x"
    completed = decide(bus, event)
    assert completed.action == "refuse" and codes(completed) == {"recalled"}


def test_whom_the_request_named_the_result_names(bus: LocalBus) -> None:
    token = "subject-1"
    row = ConsentRow(
        version=1, tenant="t", subject=token, grant="g", grantor="subject", age_band="adult",
        biometric=["style", "face", "voice"], purposes=["chat"], separate=True,
        notice_sha256="0" * 64, granted_at="2026-01-01T00:00:00Z", channel="app", proof_ref="vault/1",
        necessity_shown=True,
    )  # fmt: skip
    bus.fact("facts.consents", row)
    prompted = {"template": "chat", "prompted_at": "2026-01-01T00:00:00Z"}
    decide(bus, an_event(bus, "p", "consent.prompted", **prompted))
    subjects = [{"token": token, "age_band": "adult"}]
    requested = decide(bus, an_event(bus, "x", subjects=subjects))
    assert requested.action == "release"
    for named, action in (([], "refuse"), (subjects, "release")):
        event = an_event(
            bus, f"y{len(named)}", "generation.completed", content={"text": "hello"},
            subjects=named, **{"pass": requested.pass_},
        )  # fmt: skip
        event["data"]["generation"]["id"] = "g-x"
        assert decide(bus, event).action == action


def test_erased_content_is_not_answered_and_nothing_stops(bus: LocalBus) -> None:
    first = decide(bus, an_event(bus, "x"))
    erase(bus, first.receipt.log)
    bus.start()
    bus.read["retention", "passages.labelled", first.receipt.log] = 0
    before = bus.ends("decisions")
    bus.run()
    assert bus.since("decisions", before) == []
    assert codes(answer(bus, first, "appeal")) == {"reentry_unknown"}


def test_incidents_passes_over_what_was_erased(bus: LocalBus) -> None:
    incidents = bus.stages.pop()
    lost = decide(bus, an_event(bus, "bad", **ILLEGAL))
    bus.logs["decisions", lost.receipt.log].clear()
    bus.parts.logs.get(lost.receipt.log)._keys.erase(
        bus.parts.logs.get(lost.receipt.log).header(lost.receipt.index)["kid"]
    )
    bus.stages.append(incidents)
    bus.start()
    bus.read.clear()
    for topic in ("generation.events", "passages.identified", "passages.labelled"):
        bus.logs[topic, lost.receipt.log].clear()
    decide(bus, an_event(bus, "next"))
    assert bus.parts.cases.answered(lost.receipt.log) == lost.receipt.index + 1


def test_a_damaged_entry_is_a_wait_and_no_refusal(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "x", **HELD))
    path = sorted((bus.settings.ledger_dir / f"{held.receipt.log:05d}").glob("*.seg"))[-1]
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    path.write_bytes(data)
    with pytest.raises(Waiting):
        answer(bus, held, "review", outcome="pass", reviewer="r-1")


def test_of_a_lost_range_what_was_logged_stands(bus: LocalBus) -> None:
    log = bus.parts.logs.get(partition_of(b"t/u", 2))
    row = DoorRow(
        epoch=1, topic="generation.events", partition=log.log_id, from_offset=0, to_offset=9,
        absent=[], lost=True, at=bus.now_ms,
    )  # fmt: skip
    bus.parts.accounting.apply(row.model_dump_json().encode())
    bus.tick()
    bus.tick()
    assert list(log.missing(1, "generation.events", 0, 9)) == []
    assert log.head == 2


def test_progress_is_not_durable_before_the_effects_it_speaks_of(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "first"))
    incidents = bus.stages.pop()
    lost = decide(bus, an_event(bus, "bad", **ILLEGAL))
    log = lost.receipt.log
    bus.logs["decisions", log].pop()
    decide(bus, an_event(bus, "next"))
    at = bus.read["incidents", "decisions", log]
    records = bus.logs["decisions", log][at:]
    batch = Batch("decisions", log, records, at, at + len(records))
    out = asyncio.run(incidents.process(batch, bus.now_ms))
    for key, value, named in out.by_topic["cases"]:  # and then the process dies
        bus.append("cases", key, value, named, log)
    bus.start()
    bus.run()
    assert len(list(bus.records("standings"))) == 1
    assert {r.key for r in bus.records("work")}


def test_a_standing_names_a_hundred_causes_at_most(bus: LocalBus) -> None:
    for number in range(103):
        bus.send(an_event(bus, f"bad{number}", **ILLEGAL))
    bus.run()
    rows = [orjson.loads(r.value or b"") for r in bus.records("standings")]
    assert max(len(row["causes"]) for row in rows) == 100
    assert rows[-1]["standing"] == "closed"
    assert len({r.key for r in bus.records("work")}) == 100
    opened = {r.key for r in bus.records("cases") if (r.key or b"").startswith(b"content/")}
    assert len(opened) == 103, "each has its case all the same"


def test_a_timer_nobody_answers_is_sent_less_and_less_often(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "hold", **HELD))
    bus.now_ms += bus.settings.hold_hours * 3_600_000
    for _ in range(60):
        bus.tick()
        bus.now_ms += 60_000
    assert len(list(bus.records("timer.events"))) == 7


def test_verdicts_that_cannot_travel_are_a_bug_and_a_refusal(bus: LocalBus) -> None:
    wide = "\u7528" * 240
    subjects = [{"token": f"subject-{n:0110d}", "age_band": "adult"} for n in range(256)]
    for number, subject in enumerate(subjects):
        row = ConsentRow(
            version=1, tenant="t", subject=subject["token"], grant=f"{wide}{number}",
            grantor="subject", age_band="adult", biometric=["style"], purposes=[wide],
            templates=["chat", wide], separate=True, notice_sha256="0" * 64,
            granted_at="2026-01-01T00:00:00Z",
        )  # fmt: skip
        bus.fact("facts.consents", row)
    event = an_event(bus, "wide", subjects=subjects, content={"prompt": "a" * 200_000})
    event["data"]["generation"]["template"] = "style"
    event["data"]["generation"]["purpose"] = wide
    decision = decide(bus, event)
    assert decision.action == "refuse" and "bug" in codes(decision)


def test_words_in_traceparent_stay_out_of_headers(bus: LocalBus) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    decide(bus, {**an_event(bus, "a"), "traceparent": parent})
    decide(bus, {**an_event(bus, "b"), "traceparent": "a prompt"})
    told = [dict(r.headers) for r in bus.records("passages.identified")]
    assert [h.get("traceparent") for h in told[-2:]] == [parent.encode(), None]


@pytest.mark.parametrize("fused", [False, True])
def test_a_trace_goes_through_every_topic_to_the_decision_and_to_its_repeat(
    tmp_path: Path, fused: bool
) -> None:
    bus = a_bus(tmp_path, fused=fused)
    verify(bus)
    parent = f"00-{'a1' * 16}-{'b2' * 8}-01"
    event = {**an_event(bus, "traced"), "traceparent": parent}

    def carried(topic: str, ends: list[int]) -> list[bytes | None]:
        return [dict(r.headers).get("traceparent") for r in bus.since(topic, ends)]

    between = [name for name in BY_NAME if name.startswith("passages.") and ".slow" not in name]
    before = {name: bus.ends(name) for name in (*between, "decisions")}
    decide(bus, event)
    travelled = ["decisions"] if fused else [*between, "decisions"]
    assert {name: carried(name, before[name]) for name in travelled} == {
        name: [parent.encode()] for name in travelled
    }
    bus.start()  # the decision is rebuilt from the log
    ends = bus.ends("decisions")
    decide(bus, event)
    assert carried("decisions", ends) == [parent.encode()]
    ends = bus.ends("decisions")
    decide(bus, an_event(bus, "untraced"))
    assert carried("decisions", ends) == [None]


def test_a_law_that_is_activated_and_not_ours_is_waited_for(bus: LocalBus) -> None:
    bus.fact("control", control("law", {"hash": bus.parts.book.hash}, bus.now_ms))
    assert decide(bus, an_event(bus, "ours")).action == "release"
    bus.fact("control", control("law", {"hash": "0" * 64}, bus.now_ms + 1))
    with pytest.raises(Waiting, match="law"):
        decide(bus, an_event(bus, "theirs"))


def test_a_passage_retention_chokes_on_is_logged_as_a_stub(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choke(passage: object, *_: object) -> None:
        raise TypeError("an event nobody foresaw")

    bus.send(an_event(bus, "one"))
    monkeypatch.setattr("synthgate.steps.retention.stale_now", choke)
    bus.run()
    decision = bus.decision("one")
    assert decision.action == "refuse" and "bug" in codes(decision)
    monkeypatch.undo()
    assert decide(bus, an_event(bus, "two")).action == "release"


def test_words_in_a_member_nobody_declared_are_reviewed(bus: LocalBus) -> None:
    words = "where can I buy heroin"
    event = an_event(bus, "top", system_prompt=words)
    assert "risk_refuse" in codes(decide(bus, event))
    event = an_event(bus, "deep")
    event["data"]["generation"]["negative"] = {"more": [words]}
    assert "risk_refuse" in codes(decide(bus, event))


def case_event(bus: LocalBus, id: str, type: str, **data: str) -> None:
    event = {
        "specversion": "1.0", "id": id, "source": "s", "type": type,
        "time": "2026-11-22T00:00:00Z", "data": {"tenant": "t", "case": "c1"} | data,
    }  # fmt: skip
    bus.append("case.events", b"c1", orjson.dumps(event))
    bus.run()


def test_a_case_moves_on_and_what_is_heard_again_does_not_move_it_back(bus: LocalBus) -> None:
    case_event(bus, "1", "incident.detected")
    case_event(bus, "2", "incident.closed")
    row = bus.parts.cases.get("incident/t/c1")
    assert row is not None
    told = (row.status, row.timeline[-1].type, row.rules[-1])
    assert told == ("handled", "incident.closed", "INC-8-1")
    bus.read["incidents", "case.events", partition_of(b"c1", 2)] = 0
    bus.run()
    assert bus.parts.cases.get("incident/t/c1") == row


def test_no_case_is_named_by_a_phone_number(bus: LocalBus) -> None:
    case_event(bus, "1", "rumour.detected", case="13800138000")
    assert not any(b"13800138000" in (r.value or b"") for r in bus.records("cases"))
    assert len(list(bus.records("quarantine"))) == 1


def part(
    bus: LocalBus, index: int, passed: str | None, id: str, shown: str | None = None, **data: Any
) -> Decision:
    content = {"text": data.pop("text", f"part {index}")} | ({"shown": shown} if shown else {})
    event = an_event(bus, id, "generation.segment", content=content, **{"pass": passed}, **data)
    event["data"]["generation"] |= {"id": "g-x", "segment": {"index": index}}
    return decide(bus, event)


def test_no_later_part_goes_before_the_first_was_released(bus: LocalBus) -> None:
    passed = decide(bus, an_event(bus, "x")).pass_
    refused = part(bus, 0, passed, "s0", keep_days=1)
    assert codes(refused) == {"keep_too_short"}
    unlabelled = part(bus, 1, passed, "s1")
    assert unlabelled.action == "refuse" and codes(unlabelled) == {"pass_invalid", "label_missing"}
    first = part(bus, 0, passed, "s0-again")
    assert first.action == "release"
    assert part(bus, 1, first.pass_, "s1-again", "part 0").action == "release"


def test_a_fact_that_may_not_be_kept_permits_nobody(bus: LocalBus) -> None:
    assert decide(bus, an_event(bus, "v", "identity.verified", "w", keep_days=1)).action == "refuse"
    bus.now_ms += 10
    assert "unverified_request" in codes(decide(bus, an_event(bus, "x", user="w")))
