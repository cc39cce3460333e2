"""Only the longest acknowledged prefix is ever committed."""

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from synthgate.runtime.acks import TP, Acks, Delivery

A = TP("a", 0)


@dataclass
class Record:
    offset: int


class Sent:
    """Stands for the broker: takes commits, or refuses them."""

    def __init__(self) -> None:
        self.offsets: dict[TP, int] = {}
        self.refuse = False

    async def send(self, offsets: Mapping[TP, int]) -> bool:
        if self.refuse:
            return False
        self.offsets |= offsets
        return True


def batches(acks: Acks, sizes: list[int], tp: TP = A) -> list[Delivery]:
    made, at = [], 0
    for size in sizes:
        made.append(acks.deliver(tp, [Record(at + n) for n in range(size)], at))
        at += size
    return made


async def test_a_later_batch_waits_for_the_one_before() -> None:
    sent = Sent()
    acks = Acks(sent.send)
    first, second = batches(acks, [3, 2])
    acks.ack(second)
    assert not await acks.commit()
    acks.ack(first)
    assert await acks.commit()
    assert sent.offsets == {A: 5}
    assert not await acks.commit()


async def test_a_failed_commit_is_sent_again() -> None:
    sent = Sent()
    acks = Acks(sent.send)
    (first,) = batches(acks, [3])
    acks.ack(first)
    sent.refuse = True
    assert not await acks.commit()
    sent.refuse = False
    assert await acks.commit()
    assert sent.offsets == {A: 3}


async def test_a_late_acknowledgement_of_an_old_batch_commits_nothing() -> None:
    sent = Sent()
    acks = Acks(sent.send)
    (old,) = batches(acks, [3])
    acks.forget()
    (new,) = batches(acks, [5])
    assert acks.holds(new)
    assert not acks.holds(old)
    acks.ack(old)
    assert not await acks.commit()
    assert sent.offsets == {}


async def test_gaps_are_committed_past() -> None:
    sent = Sent()
    acks = Acks(sent.send)
    delivery = acks.deliver(A, [Record(4), Record(9)], 2)
    assert (delivery.position, delivery.next_offset) == (2, 10)
    acks.ack(delivery)
    await acks.commit()
    assert sent.offsets == {A: 10}


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=12),
    st.lists(st.one_of(st.integers(0, 11), st.just("commit"), st.just("lost")), max_size=40),
)
async def test_never_past_an_open_batch(sizes: list[int], moves: list[int | str]) -> None:
    sent = Sent()
    acks = Acks(sent.send)
    made = batches(acks, sizes)
    done: set[int] = set()
    for move in [*moves, "commit"]:
        if isinstance(move, int) and move < len(made) and move not in done:
            acks.ack(made[move])
            done.add(move)
        elif not isinstance(move, int):
            sent.refuse = move == "lost"
            await acks.commit()
        prefix = 0
        while prefix in done:
            prefix += 1
        assert sent.offsets.get(A, 0) <= sum(sizes[:prefix])
    assert sent.offsets.get(A, 0) == sum(sizes[:prefix])
    assert acks.unacked(A) == len(sizes) - prefix
