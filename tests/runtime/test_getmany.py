"""What a fetch returns is delivered from where reading stands, or read again: rebalances come meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from types import SimpleNamespace
from typing import Any

from faust.types.tuples import TP as FaustTP

from synthgate.runtime.acks import TP, Acks, Delivery
from synthgate.runtime.transport import Consumer

HERE, THERE = TP("in", 0), TP("in", 1)
GAP = 3
"""An offset that is a transaction marker."""


@dataclass
class Thread:
    """Where reading stands, as aiokafka keeps it: a fetch moves it, a seek sets it."""

    position: dict[TP, int] = field(default_factory=lambda: {HERE: 0, THERE: 0})

    async def handed_out(self) -> dict[TP, int]:
        return dict(self.position)

    async def call_thread(self, call: Callable[..., Any], *args: Any) -> Any:
        result = call(*args)
        return await result if isawaitable(result) else result

    def seek_to(self, starts: Mapping[TP, int]) -> None:
        self.position.update(starts)


class Reading(Consumer):
    """The consumer without a broker. ``meanwhile`` happens while a fetch is under way, once."""

    should_stop = False
    flow_active = True

    def __init__(self) -> None:
        self.acks = Acks(self._nobody)
        self._next = {HERE: 0, THERE: 0}
        self._lost: dict[TP, int] = {}
        self._read_offset: dict[Any, int] = {}
        self._thread = Thread()
        self.app = SimpleNamespace(consumer_generation_id=1)
        self.engine = SimpleNamespace(full=lambda _: False)
        self.meanwhile: Callable[[], None] = lambda: None

    async def _nobody(self, _: Mapping[TP, int]) -> bool:
        return True

    def _get_active_partitions(self) -> set[Any]:
        return {HERE, THERE}

    async def _getmany(self, active: set[TP], _: float) -> dict[Any, tuple[int, list[Any]]]:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        fetched = {}
        for tp in sorted(active):
            at = self._thread.position[tp]
            offsets = [offset for offset in range(at, at + 2) if offset != GAP]
            if at == GAP:
                offsets = [GAP + 1]
            records = [
                SimpleNamespace(offset=offset, timestamp=0, timestamp_type=0, value=b"", key=None)
                for offset in offsets
            ]
            fetched[FaustTP(*tp)] = (at, records)
            self._thread.position[tp] = offsets[-1] + 1
        return fetched

    async def round(self) -> dict[TP, Delivery]:
        """One fetch: what is delivered of it."""
        found = [message.value async for _, message in self.getmany(0.1)]
        return {delivery.tp: delivery for delivery in found}


def offsets(delivery: Delivery) -> list[int]:
    return [record.offset for record in delivery.records]


async def test_a_fetch_that_waited_through_a_rebalance_is_read_again() -> None:
    reading = Reading()
    assert offsets((await reading.round())[HERE]) == [0, 1]

    def rebalance() -> None:
        """The fetch returns what lies behind the place where reading starts anew."""
        reading._start_anew({HERE: 0, THERE: 2})

    reading.meanwhile = rebalance
    assert HERE not in await reading.round()
    again = await reading.round()
    assert offsets(again[HERE]) == [0, 1]
    assert again[HERE].position == 0


async def test_a_fetch_dropped_while_the_flow_was_stopped_is_read_again() -> None:
    reading = Reading()
    reading.meanwhile = lambda: setattr(reading, "flow_active", False)
    assert await reading.round() == {}
    reading.flow_active = True
    assert await reading.round() == {}
    assert offsets((await reading.round())[THERE]) == [0, 1]


async def test_a_dropped_fetch_is_read_again_though_nothing_comes_behind_it() -> None:
    reading = Reading()
    reading._thread.position[HERE] = 2
    for _ in range(2):
        await reading._read_again(await reading._thread.handed_out())
    assert reading._thread.position == {HERE: 0, THERE: 0}


async def test_markers_are_no_loss() -> None:
    reading = Reading()
    await reading.round()
    assert offsets((await reading.round())[HERE]) == [2]
    found = (await reading.round())[HERE]
    assert (offsets(found), found.position) == ([4], 3)
    assert offsets((await reading.round())[HERE]) == [5, 6]
