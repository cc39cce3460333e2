"""A worker taken for dead says its rows late; what stands last on the topic is the newest again (ADR 0024)."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus, verify
from cases_at_hand import act, case, standing, violate
from local_bus import LocalBus, Stored
from synthgate.step import Waiting
from synthgate.steps.lookup import Lookup


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    for name in ("b1", "b2", "b3"):
        violate(bus, name)
    return bus


def rows(bus: LocalBus, topic: str, key: bytes) -> list[Stored]:
    return [record for record in bus.records(topic) if record.key == key]


def a_user(bus: LocalBus, topic: str) -> bytes:
    """The key of the one user with a past."""
    found = {record.key or b"" for record in bus.records(topic)}
    return next(key for key in sorted(found) if topic == "standings" or key.startswith(b"user/"))


def late(bus: LocalBus, topic: str, record: Stored, **changed: object) -> None:
    value = orjson.dumps(orjson.loads(record.value or b"") | changed)
    for partition in range(bus.settings.partitions):
        if record in bus.logs[topic, partition]:
            bus.append(topic, record.key, value, partition=partition)


@pytest.mark.parametrize("topic", ["standings", "cases"])
def test_an_older_row_said_late_is_followed_by_the_newest(bus: LocalBus, topic: str) -> None:
    key = a_user(bus, topic)
    first, *_, newest = rows(bus, topic, key)
    late(bus, topic, first)
    bus.tick()
    assert rows(bus, topic, key)[-1].value == newest.value
    sent = len(list(bus.records(topic)))
    bus.tick()
    assert len(list(bus.records(topic))) == sent, "said again without need"


@pytest.mark.parametrize("topic", ["standings", "cases"])
def test_another_row_of_the_same_version_is_overruled_by_a_newer(bus: LocalBus, topic: str) -> None:
    key = a_user(bus, topic)
    newest = rows(bus, topic, key)[-1]
    before = orjson.loads(newest.value or b"")
    changed = {"standing": "ok", "causes": []} if topic == "standings" else {"timeline": []}
    late(bus, topic, newest, **changed)
    bus.tick()
    after = orjson.loads(rows(bus, topic, key)[-1].value or b"")
    assert after == before | {"version": before["version"] + 1}
    sent = len(list(bus.records(topic)))
    bus.tick()
    assert len(list(bus.records(topic))) == sent, "said again without end"


def test_what_a_later_release_reads_from_a_compacted_topic_is_the_newest(bus: LocalBus) -> None:
    key = a_user(bus, "standings")
    late(bus, "standings", rows(bus, "standings", key)[0])
    bus.tick()
    for log in bus.logs.items():
        kept = {
            record.key: record for record in log[1]
        }  # the last of a key, as compaction leaves it
        if log[0][0] in ("standings", "cases"):
            log[1][:] = kept.values()
    bus.start()
    held = standing(bus)
    assert held is not None and held.standing == "suspended"


def test_progress_and_holds_keep_their_numbers(bus: LocalBus) -> None:
    key = next(r.key for r in bus.records("cases") if (r.key or b"").startswith(b"_answered/"))
    newest = rows(bus, "cases", key or b"")[-1]
    late(bus, "cases", newest, opened_at=1)
    bus.tick()
    assert rows(bus, "cases", key or b"")[-1].value == newest.value
    violate(bus, "b4")
    assert bus.parts.cases.answered(0) + bus.parts.cases.answered(1) > 0
    last = orjson.loads(rows(bus, "cases", key or b"")[-1].value or b"")
    assert last["version"] == last["detail"]["index"] + 2


def test_facts_of_a_user_that_were_said_apart_are_said_together(bus: LocalBus) -> None:
    key = next(iter(bus.records("registry.users"))).key or b""
    newest = rows(bus, "registry.users", key)[-1]
    facts = orjson.loads(newest.value or b"")["facts"]
    assert len(facts) > 1, "one fact cannot be said apart"
    late(bus, "registry.users", newest, facts=facts[:1])
    violate(bus, "b4")  # any batch of the partition
    last = orjson.loads(rows(bus, "registry.users", key)[-1].value or b"")
    assert last == orjson.loads(newest.value or b"") | {"version": last["version"]}
    assert last["version"] > orjson.loads(newest.value or b"")["version"]
    sent = len(list(bus.records("registry.users")))
    violate(bus, "b5")
    assert len(list(bus.records("registry.users"))) == sent


@pytest.mark.parametrize("topic", ["standings", "cases"])
def test_what_is_to_be_said_again_outlives_a_batch_that_waits(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    """What a batch owes is thrown away if it must wait; the late word stands last all the same."""

    def away(*_: object) -> object:
        raise Waiting("ledger", "the log cannot be read now")

    key = a_user(bus, topic)
    first, *_, newest = rows(bus, topic, key)
    late(bus, topic, first)
    with monkeypatch.context() as patch:
        patch.setattr(Lookup, "fetch", away)
        with pytest.raises(Waiting):
            act(bus, case(bus, a_user(bus, "cases").decode()), "note.added")
    bus.tick()
    assert rows(bus, topic, key)[-1].value == newest.value
