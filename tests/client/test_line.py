"""One line under many gates, batches in order, and listening by name; on the embedded broker."""

import asyncio
from typing import Any

import orjson
import pytest

from client.decider import decision_row
from client.world import PARTITIONS, World, ask, release, silent, until_heard
from synthgate.client import Events, EventsError, Gate, Generation, Line

pytestmark = pytest.mark.embedded


def line_to(world: World) -> Line:
    return Line(brokers=world.brokers, topic_prefix=world.prefix, partitions=PARTITIONS)


def gate_on(line: Line, tenant: str, source: str) -> Gate:
    return Gate(brokers="", tenant=tenant, source=source, line=line)


async def test_gates_of_two_tenants_share_a_line_and_hear_their_own(world: World) -> None:
    decider = await world.decider(release)
    async with line_to(world) as line:
        async with gate_on(line, "acme", "//a") as one, gate_on(line, "other", "//a") as two:
            events = [
                gate.events.requested(
                    "u1", Generation("g", "chat"), prompt=gate.tenant, id="same-id"
                )
                for gate in (one, two)
            ]
            answers = await asyncio.gather(one.decide(events[0], 20), two.decide(events[1], 20))
            assert [answer.row["tenant"] for answer in answers] == ["acme", "other"]  # type: ignore[union-attr]
            assert line._watches[b"acme/"]
        assert not line._watches[b"acme/"]
    assert {record.key for record in decider.heard} == {b"acme/u1", b"other/u1"}


async def test_a_batch_goes_out_in_order_and_as_it_is(world: World) -> None:
    decider = await world.decider(release)
    gate = await world.gate()
    events = [ask("u1", id=f"e{n}") for n in range(20)]
    answers = await gate.decide_all(events, 20)
    assert [answer.event_id for answer in answers] == [event.id for event in events]
    assert all(answer.released for answer in answers)
    assert [dict(record.headers)["ce_id"] for record in decider.heard] == [
        event.id.encode() for event in events
    ]
    assert all("answer_by" not in orjson.loads(record.value) for record in decider.heard)


async def test_of_a_batch_with_a_fault_nothing_is_sent(world: World) -> None:
    decider = await world.decider(release)
    gate = await world.gate()
    bad = gate.events.requested("13800138000", Generation("g", "chat"), prompt="p")
    with pytest.raises(EventsError) as refused:
        await gate.decide_all([ask("u1"), bad, ask("u2", id="x"), ask("u3", id="x")], 20)
    assert [(at, fault.code) for at, fault in refused.value.faults] == [
        (1, "plain_identity"), (3, "id_reused"),
    ]  # fmt: skip
    assert "13800138000" not in str(refused.value)
    (answer,) = await gate.decide_all([ask("u9", id="after")], 20)
    assert answer.released
    assert [dict(record.headers)["ce_id"] for record in decider.heard] == [b"after"]


async def test_without_a_decision_the_broker_has_it_all_the_same(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    (answer,) = await gate.decide_all([ask()], 0)
    assert (answer.action, answer.cause) == ("undecided", "timeout")  # type: ignore[union-attr]
    record = await until_heard(decider, 1)
    await decider.publish(record, decision_row(record))
    assert (await answer.next(20)).released


async def test_who_listens_by_name_hears_what_another_sent(world: World) -> None:
    decider = await world.decider(silent)
    gate = await world.gate()
    async with line_to(world) as line:
        with line.listen(("acme", "//acme/app", "e1")) as heard:
            await gate.tell(ask("u1", id="e2"))
            await gate.tell(ask("u1", id="e1"))
            for record in [await until_heard(decider, 1), await until_heard(decider, 2)]:
                await decider.publish(record, decision_row(record))
            first: Any = await asyncio.wait_for(heard.get(), 20)
            assert first.event_id == "e1"
            assert heard.empty()
        assert not line._listening
        assert not line._listeners


async def test_a_listener_is_told_when_the_line_ends(world: World) -> None:
    line = line_to(world)
    async with line:
        with line.listen(("acme", "//a", "e")) as heard:
            await line.__aexit__()
            assert await asyncio.wait_for(heard.get(), 5) is None


def test_a_batch_of_another_gate_is_refused() -> None:
    events = Events("acme", "//other")
    gate = Gate(brokers="x", tenant="acme", source="//acme/app")
    with pytest.raises(EventsError, match="wrong_source"):
        gate._all_checked([events.requested("u", Generation("g", "chat"), prompt="p")])
