"""What was lost by accord stands in the log as never read: each offset once, with who and why."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus, an_event, verify
from local_bus import LocalBus
from synthgate.demo.acts import moment
from synthgate.events.facts import ControlRow
from synthgate.steps.partition import partition_of

HERE = partition_of(b"t/u", 2)
TOPIC = "generation.events"


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def lose(bus: LocalBus, start: int, end: int) -> None:
    """The range is gone, somebody accepts it, and the door reads on behind it."""
    body = {"to": end, "by": "ops-1", "reason": "disk"}
    row = ControlRow(
        version=1, name=f"loss/{TOPIC}/{HERE}/{start}", body=body, by="ops-1", at=moment(bus.now_ms)
    )
    bus.fact("control", row)
    log = bus.logs[TOPIC, HERE]
    while len(log) < end:
        bus.append(TOPIC, b"t/u", b"gone", (), HERE)
    bus.read["identity", TOPIC, HERE] = end
    bus.send(an_event(bus, "behind"))
    bus.run()


def entries(bus: LocalBus) -> list[dict[str, object]]:
    log = bus.parts.logs.get(HERE)
    found = [log.header(index) for index in range(log.head)]
    return [header for header in found if header["action"] == "never read"]


def unaccounted(bus: LocalBus) -> object:
    return bus.parts.accounting.oldest(HERE, bus.parts.logs.get(HERE))


def test_a_lost_range_is_one_entry_with_who_and_why(bus: LocalBus) -> None:
    lose(bus, 1, 4)
    assert unaccounted(bus) is not None
    for _ in range(2):
        bus.tick()
        (header,) = entries(bus)
        assert (header["origin"], header["offsets"]) == (f"1/{TOPIC}/{HERE}/1", 3)
        assert unaccounted(bus) is None
        bus.start()
    index = header["index"]
    assert isinstance(index, int)
    passage = orjson.loads(bus.parts.logs.get(HERE).read(index).content)["passage"]
    assert passage == {"lost": [{"by": "ops-1", "reason": "disk"}]}


def test_what_was_logged_before_it_was_lost_stays_as_it_is(bus: LocalBus) -> None:
    """Read and logged, not committed, then deleted: the range begins with what the log holds."""
    bus.send(an_event(bus, "logged"))
    bus.run()
    lose(bus, 1, 4)
    bus.tick()
    (header,) = entries(bus)
    assert (header["origin"], header["offsets"]) == (f"1/{TOPIC}/{HERE}/2", 2)
    assert unaccounted(bus) is None


def test_a_loss_is_accounted_for_though_the_rows_before_are_gone(bus: LocalBus) -> None:
    """records.door is kept for days only: after a quiet week it begins with the loss."""
    lose(bus, 1, 4)
    del bus.logs["records.door", HERE][0]
    bus.start()
    bus.tick()
    assert len(entries(bus)) == 1
    assert unaccounted(bus) is None
