"""A lane: what waits is worked on as one batch, in order, and each delivery is acknowledged for itself."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from synthgate.runtime.acks import TP, Delivery
from synthgate.runtime.attempts import PARTS, Book, Part, Turn
from synthgate.runtime.lanes import BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Lane, joined
from synthgate.runtime.waits import Waits
from synthgate.step import Outputs, Waiting

A = TP("in", 0)


def delivered(*counts: int, size: int = 0) -> list[Delivery]:
    """Deliveries of so many records each, one behind the other, with a marker's offset between them."""
    made, at = [], 0
    for count in counts:
        records = [SimpleNamespace(offset=at + n, timestamp=0) for n in range(count)]
        made.append(Delivery(A, records, at, at + count + 1, size))
        at += count + 1
    return made


class Runner:
    """What a lane asks of its runner, written down."""

    duty = "test"

    def __init__(self, folder: Path) -> None:
        self.logical = {A.topic: "in"}
        self.waits = Waits()
        self.turn = Turn()
        self.gate = asyncio.Event()
        self.batches: list[tuple[int, int, list[int]]] = []
        self.acked: list[Delivery] = []
        self.failed: list[BaseException] = []
        self.refusals = 0
        self._folder = folder

    def book(self, topic: str, partition: int, start: int) -> Book:
        return Book(self._folder / "attempts", start)

    async def ready(self) -> None: ...

    async def process(self, part: Part) -> Outputs:
        await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise Waiting("registry")
        batch = part.batch
        offsets = [record.offset for record in batch.records]
        self.batches.append((batch.position, batch.next_offset, offsets))
        return Outputs()

    async def publish(self, outputs: Outputs, partition: int) -> None: ...

    def ack(self, delivery: Delivery) -> None:
        self.acked.append(delivery)

    def fail(self, error: BaseException, where: str) -> None:
        self.failed.append(error)


async def carried(folder: Path, sent: Sequence[Delivery], refusals: int = 0) -> Runner:
    """Put the first, and the rest while it is in work; then let the lane go on to the end."""
    runner: Any = Runner(folder)
    runner.refusals = refusals
    lane = Lane(runner, A, 0)
    lane.put(sent[0])
    await asyncio.sleep(0.01)
    for delivery in sent[1:]:
        lane.put(delivery)
    runner.gate.set()
    async with asyncio.timeout(5):
        while len(runner.acked) < len(sent) and not runner.failed:
            await asyncio.sleep(0.001)
    lane.task.cancel()
    assert runner.failed == []
    assert lane.position == sent[-1].next_offset
    return runner


async def test_what_came_meanwhile_is_one_batch(tmp_path: Path) -> None:
    sent = delivered(2, 1, 3, 1)
    runner = await carried(tmp_path, sent)
    assert runner.batches == [(0, 3, [0, 1]), (3, 11, [3, 5, 6, 7, 9])]
    assert runner.acked == sent


async def test_a_wait_tries_the_same_batch_again(tmp_path: Path) -> None:
    runner = await carried(tmp_path, delivered(1, 1, 1), refusals=3)
    assert runner.batches == [(0, 2, [0]), (2, 6, [2, 4])]


async def test_each_part_of_a_batch_is_progress(tmp_path: Path) -> None:
    """After a death a batch is tried in parts, alone: all of them may take longer than a stall."""
    (sent,) = delivered(PARTS)
    before = Book(tmp_path / "attempts")
    (part,) = before.parts("in", sent)
    before.trying(part)
    before.close()
    runner: Any = Runner(tmp_path)
    lane = Lane(runner, A, 0)
    moved: list[float] = []

    async def process(part: Part) -> Outputs:
        assert part.alone and not lane.waits_for_turn
        moved.append(lane.moved_at)
        await asyncio.sleep(0.002)
        return Outputs()

    runner.process = process
    lane.put(sent)
    async with asyncio.timeout(5):
        while not runner.acked:
            await asyncio.sleep(0.001)
    lane.task.cancel()
    assert len(moved) == PARTS and moved == sorted(set(moved))


async def test_a_lane_that_got_its_turn_has_all_its_time(tmp_path: Path) -> None:
    """However long others had the turn before: the watchdog counts from when this one has it."""
    runner: Any = Runner(tmp_path)
    lane = Lane(runner, A, 0)
    async with runner.turn.take(alone=True):
        lane.put(delivered(1)[0])
        await asyncio.sleep(0.01)
        assert lane.waits_for_turn
        waited_until = time.monotonic()
    await asyncio.sleep(0.01)
    assert lane.busy and lane.moved_at >= waited_until
    lane.task.cancel()


async def test_a_worker_that_ends_for_another_lane_suspects_none_of_this_one(
    tmp_path: Path,
) -> None:
    for stalled in (False, True):
        runner: Any = Runner(tmp_path)
        lane = Lane(runner, A, 0)
        lane.put(delivered(3)[0])
        await asyncio.sleep(0.01)
        assert lane.busy
        lane.stalled = stalled
        lane.acquit()
        lane.task.cancel()
        await asyncio.wait([lane.task])
        assert bool(Book(tmp_path / "attempts").suspect) is stalled


async def test_a_batch_ends_where_it_is_full(tmp_path: Path) -> None:
    half = BATCH_BYTES_MAX // 2
    runner = await carried(tmp_path, delivered(1, 1, 1, 1, size=half))
    assert [offsets for _, _, offsets in runner.batches] == [[0], [2], [4], [6]]
    runner = await carried(tmp_path, delivered(1, 300, 199, 300))
    assert [len(offsets) for _, _, offsets in runner.batches] == [1, 499, 300]


async def test_a_lane_is_full_when_two_batches_wait(tmp_path: Path) -> None:
    runner: Any = Runner(tmp_path)
    lane = Lane(runner, A, 0)
    for delivery in delivered(BATCH_RECORDS_MAX, BATCH_RECORDS_MAX - 1, 1):
        assert not lane.full
        lane.put(delivery)
    assert lane.full
    lane.task.cancel()


@given(st.lists(st.integers(1, 5), min_size=1, max_size=8))
def test_joined_deliveries_cover_what_they_covered(counts: list[int]) -> None:
    sent = delivered(*counts)
    one = joined(sent)
    assert (one.tp, one.position, one.next_offset) == (A, 0, sent[-1].next_offset)
    assert list(one.records) == [record for delivery in sent for record in delivery.records]
