"""The gate against the embedded broker and a scripted decider."""

import asyncio
import hashlib
import logging
import time
from typing import Any

import orjson
import pytest

from client.decider import REASON, decision_row
from client.world import PATIENCE_S, World, ask, release, silent, until_heard
from synthgate.client import (
    Decision,
    EventError,
    Gate,
    GateError,
    Undecided,
)
from synthgate.client.writer import partition_of
from synthgate.events.event import Event, time_ms

pytestmark = pytest.mark.embedded


async def test_sends_the_event_as_the_door_reads_it(world: World) -> None:
    decider = await world.decider(release)
    gate = await world.gate()
    event = ask("用户", traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    answer = await gate.decide(event, timeout=PATIENCE_S)
    assert answer.released
    (record,) = decider.heard
    assert record.key == "acme/用户".encode()
    assert record.partition == partition_of(record.key, 3)
    assert orjson.loads(record.value)["content"] == {"prompt": "a poem"}
    assert dict(record.headers) == {
        "ce_specversion": b"1.0", "ce_id": event.id.encode(), "ce_source": b"//acme/app",
        "ce_type": b"generation.requested", "ce_time": event.attrs["time"].encode(),
        "content-type": b"application/json", "traceparent": event.attrs["traceparent"].encode(),
    }  # fmt: skip
    assert isinstance(answer, Decision)
    assert (answer.key, answer.partition) == (record.key, record.partition)


async def test_timeout_becomes_answer_by(world: World) -> None:
    decider = await world.decider(release)
    gate = await world.gate()
    before = time.time_ns() // 1_000_000
    await gate.decide(ask(), timeout=60)
    after = time.time_ns() // 1_000_000
    answer_by = time_ms(orjson.loads(decider.heard[0].value)["answer_by"])
    assert before + 60_000 <= answer_by <= after + 60_000
    await gate.decide(ask(answer_by="2026-01-01T00:00:00Z"), timeout=PATIENCE_S)
    assert orjson.loads(decider.heard[1].value)["answer_by"] == "2026-01-01T00:00:00Z"
    await gate.decide(ask())
    assert "answer_by" not in orjson.loads(decider.heard[2].value)


async def test_each_of_two_replicas_gets_its_own_answers(world: World) -> None:
    def judge(record: Any) -> list[Any]:
        prompt = orjson.loads(record.value)["content"]["prompt"]
        return [decision_row(record, action="release" if prompt == "fine" else "refuse")]

    await world.decider(judge)
    first, second = await world.gate(), await world.gate()
    asked = [
        (gate, "fine" if number % 3 else "foul", ask(f"u{number % 7}", prompt))
        for number in range(60)
        for gate in (first, second)
        for prompt in ["fine" if number % 3 else "foul"]
    ]
    answers = await asyncio.gather(
        *(gate.decide(event, timeout=PATIENCE_S) for gate, _, event in asked)
    )
    for (_, prompt, event), answer in zip(asked, answers, strict=True):
        assert answer.event_id == event.id
        assert answer.released == (prompt == "fine")


async def test_no_answer_in_time_is_not_released(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    answer = await gate.decide(ask(), timeout=0.3)
    assert isinstance(answer, Undecided)
    assert (answer.action, answer.released, answer.cause) == ("undecided", False, "timeout")
    assert (answer.objects, answer.reasons, answer.pass_text) == ((), (), None)
    record = await until_heard(decider, 1)
    late = asyncio.create_task(answer.next(timeout=PATIENCE_S))
    await decider.publish(record, decision_row(record))
    assert (await late).released
    assert (await answer.next(timeout=PATIENCE_S)).released


async def test_same_event_again_goes_out_unchanged(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    event = ask()
    lost = await gate.decide(event, timeout=0.2)
    await until_heard(decider, 1)
    decider.script = lambda record: [decision_row(record, root="1/generation.events/0/0")]
    assert (await gate.decide(event, timeout=PATIENCE_S)).released
    assert isinstance(lost, Undecided)
    assert lost.event is not None
    assert (await gate.decide(lost.event, timeout=PATIENCE_S)).released
    await until_heard(decider, 3)
    first, second, third = decider.heard
    assert first.value == second.value == third.value
    changed = Event(event.attrs, {**event.data, "user": {"id": "u2"}})
    with pytest.raises(EventError) as caught:
        await gate.decide(changed, timeout=1)
    assert caught.value.code == "id_reused"


async def test_same_id_with_other_bytes_elsewhere_is_not_our_answer(world: World) -> None:
    """Two replicas use one id for different bytes: the refusal of the one must not reach the other."""

    def judge(record: Any) -> list[Any]:
        prompt = orjson.loads(record.value)["content"]["prompt"]
        return [decision_row(record, action="release" if prompt == "first" else "refuse")]

    await world.decider(judge)
    one, two = await world.gate(), await world.gate()
    answers = await asyncio.gather(
        one.decide(ask(prompt="first", id="same"), timeout=PATIENCE_S),
        two.decide(ask(prompt="other", id="same"), timeout=PATIENCE_S),
    )
    assert [answer.action for answer in answers] == ["release", "refuse"]


async def test_a_stub_without_an_id_is_found_by_its_place(world: World) -> None:
    async def stub(record: Any) -> None:
        unread = {
            "event_id": f"1/generation.events/{record.partition}/{record.offset}",
            "source": "synthgate:door", "tenant": "_", "event_hash": "f" * 64,
        }  # fmt: skip
        row = decision_row(record, action="refuse", reasons=[REASON], **unread)
        await decider.publish(record, row, key=b"_stub/" + row["origin"].encode())

    decider = await world.decider(stub)
    gate = await world.gate()
    answers = await asyncio.gather(*(gate.decide(ask(), timeout=PATIENCE_S) for _ in range(20)))
    assert {answer.action for answer in answers} == {"refuse"}
    assert answers[0].reasons[0].rule == "DSP-10-1"


async def test_highest_revision_wins_and_repeats_change_nothing(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    asked = asyncio.create_task(gate.decide(ask(), timeout=PATIENCE_S))
    record = await until_heard(decider, 1)
    held = decision_row(record, action="hold", hold="review", reasons=[REASON])
    refused = decision_row(record, revision=2, action="refuse", reasons=[REASON])
    await decider.publish(record, held)
    answer = await asked
    assert (answer.action, answer.hold, answer.released) == ("hold", "review", False)
    following = asyncio.create_task(answer.next(timeout=PATIENCE_S))
    for row in (held, held, refused, held):
        await decider.publish(record, row)
    later = await following
    assert (later.action, later.revision) == ("refuse", 2)
    await decider.publish(record, decision_row(record, revision=2))
    assert (await later.next(timeout=0.5)).action == "undecided"
    assert (await answer.next(timeout=1)).action == "refuse"


async def test_decisions_that_cannot_be_read_are_left_out(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    decider = await world.decider(
        lambda record: [
            b"secret not json", b"[]", b'{"v":2}', decision_row(record, receipt=None),
            decision_row(record, root="nowhere"), decision_row(record, event_id=["x"]),
            decision_row(record, reasons=[{}]), decision_row(record, action="allow"),
        ]
    )  # fmt: skip
    gate = await world.gate()
    answer = await gate.decide(ask(), timeout=PATIENCE_S)
    assert (answer.action, answer.released) == ("allow", False)
    assert "left out" in caplog.text
    assert "secret" not in caplog.text
    assert len(decider.heard) == 1


async def test_no_content_in_logs_at_any_level(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aiokafka").setLevel(logging.NOTSET)
    await world.decider(release)
    gate = await world.gate()
    caplog.clear()
    await gate.decide(ask("somebody", "a very private prompt"), timeout=PATIENCE_S)
    assert "private" not in caplog.text
    assert "somebody" not in caplog.text


async def test_in_flight_is_bounded_and_waiting_counts_against_the_timeout(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate(in_flight_max=2)
    first = [asyncio.create_task(gate.decide(ask(), timeout=PATIENCE_S)) for _ in range(2)]
    await until_heard(decider, 2)
    crowd = await asyncio.gather(*(gate.decide(ask(), timeout=0.2) for _ in range(8)))
    assert {answer.action for answer in crowd} == {"undecided"}
    assert len(decider.heard) == 2
    decider.script = release
    for record in tuple(decider.heard):
        await decider.publish(record, decision_row(record))
    assert all(answer.released for answer in await asyncio.gather(*first))
    assert (await gate.decide(ask(), timeout=PATIENCE_S)).released
    assert len(decider.heard) == 3


async def test_closing_wakes_everyone_who_waits(world: World) -> None:
    decider = await world.decider(silent)
    async with Gate(
        brokers=world.brokers, topic_prefix=world.prefix, partitions=3, tenant="acme",
        source="//acme/app", in_flight_max=1,
    ) as gate:  # fmt: skip
        asked = [asyncio.create_task(gate.decide(ask())) for _ in range(3)]
        await until_heard(decider, 1)
    answers = await asyncio.gather(*asked)
    assert {(answer.action, answer.released) for answer in answers} == {("undecided", False)}
    with pytest.raises(GateError):
        await gate.tell(ask())


async def test_wrong_number_of_partitions_is_named(world: World) -> None:
    with pytest.raises(GateError, match=r"decisions|generation\.events has 3 partitions"):
        await world.gate(partitions=12)


async def test_a_topic_that_is_not_there_is_named(world: World) -> None:
    with pytest.raises(GateError, match=r"has no topic else\.generation\.events: set topic_prefix"):
        await world.gate(topic_prefix="else.", start_timeout_s=1.0)


async def test_no_broker_is_named() -> None:
    with pytest.raises(GateError, match=r"127\.0\.0\.1:9 within 1 s"):
        async with Gate(brokers="127.0.0.1:9", tenant="a", source="s", start_timeout_s=1.0):
            pass


async def test_told_events_are_acknowledged_and_can_be_watched(world: World) -> None:
    decider = await world.decider(release)
    gate = await world.gate()
    event = gate.events.identity_verified(
        "u1", method="mobile", checker="carrier", evidence_ref="ref-1"
    )
    await gate.tell(event)
    async with asyncio.timeout(PATIENCE_S):
        assert (await anext(gate.watch(event.id))).released
    assert hashlib.sha256(decider.heard[0].value).hexdigest()
