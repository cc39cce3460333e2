import asyncio
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.decider import REASON, decision_row
from client.test_decisions import ROW
from client.world import PATIENCE_S, World, ask, release
from synthgate.client.decisions import Decision, Undecided
from synthgate.client.errors import EventError, EventsError, NotWatchedError
from synthgate.client.gate import Gate
from synthgate.client.watches import Place, Watches
from synthgate.events.event import Event

KEY = b"acme/u"


def decision(key: bytes = KEY, **over: Any) -> Decision:
    return Decision.read(orjson.dumps(ROW | over), key, 2)


def watches(remembered_max: int = 100) -> Watches:
    return Watches("acme", "s", remembered_max)


def test_id_and_bytes_must_both_fit() -> None:
    ours = watches()
    watch = ours.open("e1", KEY, "b" * 64)
    for other in (
        decision(event_hash="f" * 64), decision(tenant="x"), decision(source="x"),
        decision(event_id="e2"), decision(event_id=None), decision(key=b"acme/other"),
    ):  # fmt: skip
        ours.take(other)
        assert watch.arrivals == 0
    ours.take(decision())
    assert watch.arrivals == 1


def test_place_alone_is_enough_and_may_come_late() -> None:
    ours = watches()
    stub = decision(key=b"_stub/x", tenant="_", source="door", event_id="x", event_hash="f" * 64)
    assert ours.wants(b"_stub/x")
    ours.take(stub)
    watch = ours.open("e1", KEY, "b" * 64)
    ours.place(watch, Place(1, 7))
    assert watch.arrivals == 0
    ours.place(watch, Place(2, 7))
    assert watch.latest is not None
    assert watch.latest.row == stub.row


def test_an_operator_record_at_the_same_place_is_not_ours() -> None:
    ours = watches()
    ours.place(watch := ours.open("e1", KEY, "b" * 64), Place(2, 7))
    elsewhere = "1/operator.events/2/7"
    ours.take(decision(event_id="x", root=elsewhere, origin=elsewhere))
    assert watch.arrivals == 0
    ours.take(decision(event_id="x", origin=elsewhere))
    assert watch.arrivals == 1


@given(st.permutations([(1, "hold"), (1, "refuse"), (2, "release"), (3, "refuse"), (3, "release")]))
def test_order_of_arrival_does_not_matter(rows: list[tuple[int, str]]) -> None:
    ours = watches()
    watch = ours.open("e1", KEY, "b" * 64)
    for revision, action in rows:
        ours.take(decision(revision=revision, action=action))
    assert watch.latest is not None
    assert watch.latest.rank == decision(revision=3, action="refuse").rank
    assert watch.arrivals == len(rows)


def test_only_keys_of_ours_are_wanted() -> None:
    ours = watches(remembered_max=2)
    assert not ours.wants(KEY)
    ours.open("e1", KEY, None)
    ours.open("e2", KEY, None)
    assert ours.wants(KEY)
    assert not ours.wants(b"acme/v")
    assert not ours.wants(None)
    ours.open("e3", b"acme/v", None)
    ours.open("e4", b"acme/v", None)
    assert not ours.wants(KEY)


def test_who_waits_is_not_forgotten() -> None:
    ours = watches(remembered_max=1)
    waited = ours.open("e0", KEY, None)
    waited.askers += 1
    for number in range(5):
        ours.open(f"f{number}", KEY, None)
    assert ours.get("e0") is waited
    assert len(ours._by_id) <= 2


def test_unclaimed_decisions_are_bounded() -> None:
    ours = watches()
    ours.open("e0", KEY, "0" * 64)
    for offset in range(1500):
        origin = f"1/generation.events/2/{offset}"
        ours.take(decision(event_id="x", root=origin, origin=origin))
    assert len(ours._unplaced) == 1000


def test_id_with_other_bytes_is_refused() -> None:
    ours = watches()
    watch = ours.open("e1", KEY, None)
    assert ours.open("e1", KEY, "b" * 64) is watch
    with pytest.raises(EventError, match="id_reused"):
        ours.open("e1", KEY, "c" * 64)


def test_id_with_the_same_bytes_under_another_type_is_another_act() -> None:
    ours = watches()
    asked = ask(id="e1")
    other = Event({**asked.attrs, "type": "generation.completed"}, asked.data)
    watch = ours.open("e1", KEY, "b" * 64, asked)
    with pytest.raises(EventError, match="id_reused"):
        ours.open("e1", KEY, "b" * 64, other)
    with pytest.raises(EventError, match="id_reused"):
        ours.same("e1", "b" * 64, other.type)
    ours.take(decision(type=other.type))
    assert watch.arrivals == 0
    ours.take(decision(type=asked.type))
    ours.take(decision(type="record.stubbed", action="refuse"))
    assert watch.arrivals == 2


async def test_a_batch_whose_events_share_id_and_bytes_is_refused() -> None:
    asked = ask(id="e1")
    other = Event({**asked.attrs, "type": "generation.completed"}, {**asked.data})
    gate = Gate(brokers="", tenant="acme", source="//acme/app")
    with pytest.raises(EventsError) as refused:
        gate._all_checked([asked, asked, other])
    assert [(at, fault.code) for at, fault in refused.value.faults] == [(2, "id_reused")]


async def test_a_service_remembers_an_event_without_its_content(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def acknowledged(*_: Any, **__: Any) -> Any:
        sent = asyncio.get_running_loop().create_future()
        sent.set_result(Place(2, 7))
        return sent

    for keeps in (True, False):
        gate = Gate(brokers="", tenant="acme", source="//acme/app", keeps_events=keeps)
        monkeypatch.setattr(gate._writer, "write", acknowledged)
        asked = ask(id="e1")
        (answer,) = await gate.decide_all([asked], 0)
        assert isinstance(answer, Undecided)
        assert answer.event is asked
        watch = gate._watches.get("e1")
        assert watch is not None
        assert (watch.event is asked) is keeps
        other = Event({**asked.attrs, "type": "generation.completed"}, asked.data)
        with pytest.raises(EventsError, match="id_reused"):
            await gate.decide_all([other], 0)
        (again,) = await gate.decide_all([asked], 0)
        assert again == answer


async def test_closing_ends_every_wait() -> None:
    ours = watches()
    watch = ours.open("e1", KEY, None)
    ours.close()
    assert await watch.after(None) is None
    late = ours.open("e2", KEY, None)
    assert (await late.following(None, None)).action == "undecided"


@pytest.mark.embedded
async def test_watch_yields_a_hold_then_its_release_then_a_recall(world: World) -> None:
    decider = await world.decider(
        lambda record: [decision_row(record, action="hold", hold="retry", reasons=[REASON])]
    )
    gate = await world.gate()
    event = ask()
    await gate.decide(event, timeout=PATIENCE_S)
    record = decider.heard[0]
    seen: list[str] = []
    async with asyncio.timeout(PATIENCE_S):
        async for decision in gate.watch(event.id):
            seen.append(decision.action)
            if decision.action == "recall":
                break
            action = "release" if decision.revision == 1 else "recall"
            row = decision_row(record, revision=decision.revision + 1, action=action)
            # What comes back is another record: its decision bears the first one as root.
            row["origin"] = "1/timer.events/0/7"
            await decider.publish(record, row)
    assert seen == ["hold", "release", "recall"]


@pytest.mark.embedded
async def test_watches_an_event_another_replica_sent(world: World) -> None:
    await world.decider(release)
    one, two = await world.gate(), await world.gate()
    event = ask()
    with pytest.raises(NotWatchedError):
        await anext(two.watch(event.id))
    watching = asyncio.create_task(anext(two.watch(event.id, user="u1")))
    await asyncio.sleep(0)
    await one.decide(event, timeout=PATIENCE_S)
    async with asyncio.timeout(PATIENCE_S):
        assert (await watching).released


@pytest.mark.embedded
async def test_what_is_remembered_is_bounded(world: World) -> None:
    await world.decider(release)
    gate = await world.gate(remembered_max=10)
    events = [ask() for _ in range(50)]
    for event in events:
        await gate.decide(event, timeout=PATIENCE_S)
    watches = gate._watches
    assert len(watches._by_id) == len(watches._by_place) == 10
    with pytest.raises(NotWatchedError):
        await anext(gate.watch(events[0].id))
    assert (await anext(gate.watch(events[-1].id))).released
