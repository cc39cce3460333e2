"""A record that kills is found, tried alone, and only it becomes poison."""

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.runtime.acks import TP, Delivery
from synthgate.runtime.attempts import KILLS_MAX, Book, Turn


@dataclass
class Record:
    offset: int


class Died(Exception):
    """The process is gone."""


def deliveries(offsets: list[int], size: int, start: int = 0) -> list[Delivery]:
    left = [Record(offset) for offset in offsets if offset >= start]
    made, position = [], start
    for at in range(0, len(left), size):
        records = left[at : at + size]
        made.append(Delivery(TP("t", 0), records, position, records[-1].offset + 1))
        position = made[-1].next_offset
    return made


class Life:
    """Processes one after the other over the same file. ``stubs``: what was handed over as poison."""

    def __init__(self, path: Path, offsets: list[int], killers: set[int], size: int) -> None:
        self.path, self.offsets, self.killers, self.size = path, offsets, killers, size
        self.committed = 0
        self.stubs: list[int] = []
        self.done: list[int] = []
        self.alone_deaths: dict[int, int] = {}

    def live(self) -> None:
        book = Book(self.path, self.committed)
        try:
            for delivery in deliveries(self.offsets, self.size, self.committed):
                seen = [r.offset for part in book.parts("t", delivery) for r in part.batch.records]
                assert seen == [record.offset for record in delivery.records]
                position = delivery.position
                for part in book.parts("t", delivery):
                    assert part.batch.position == position
                    position = part.batch.next_offset
                    book.trying(part)
                    for record in part.batch.records:
                        if record.offset in part.poison:
                            self.stubs.append(record.offset)
                        elif record.offset in self.killers:
                            if part.alone and len(part.batch.records) == 1:
                                deaths = self.alone_deaths.get(record.offset, 0)
                                self.alone_deaths[record.offset] = deaths + 1
                            raise Died
                        else:
                            self.done.append(record.offset)
                    book.done(part)
                assert position == delivery.next_offset
                self.committed = delivery.next_offset
        finally:
            book.close()


@given(
    st.sets(st.integers(0, 400), min_size=1, max_size=200),
    st.sets(st.integers(0, 400), max_size=3),
    st.integers(1, 150),
)
def test_found_and_only_it(offsets: set[int], killers: set[int], size: int) -> None:
    killers &= offsets
    with TemporaryDirectory() as folder:
        life = Life(Path(folder) / "book", sorted(offsets), killers, size)
        lives = 0
        while True:
            lives += 1
            assert lives <= 1 + len(killers) * 10
            try:
                life.live()
                break
            except Died:
                continue
    assert set(life.stubs) == killers
    assert set(life.done) == offsets - killers
    assert life.alone_deaths == dict.fromkeys(killers, KILLS_MAX)


def test_poison_is_forgotten_once_the_commit_is_past_it(tmp_path: Path) -> None:
    path = tmp_path / "book"
    life = Life(path, list(range(20)), {3, 5}, 20)
    while life.committed < 20:
        with contextlib.suppress(Died):
            life.live()
    assert set(Book(path, 0).poison) == {3, 5}
    assert not Book(path, 20).poison
    assert not Book(path, 0).poison


def test_a_death_while_waiting_is_no_attempt(tmp_path: Path) -> None:
    path = tmp_path / "book"
    (delivery,) = deliveries([7], 1)
    book = Book(path)
    (part,) = book.parts("t", delivery)
    book.trying(part)  # dies, not alone: suspected
    book.close()
    for _ in range(10):
        book = Book(path)
        assert book.kills == 0
        (part,) = book.parts("t", delivery)
        assert part.alone
        book.trying(part)
        book.waiting(part)  # a dependency is away; dies
        book.close()
    book = Book(path)
    (part,) = book.parts("t", delivery)
    book.trying(part)  # dies alone
    book.close()
    assert Book(path).kills == 1


def test_a_clean_end_leaves_no_suspicion(tmp_path: Path) -> None:
    book = Book(tmp_path / "book")
    for delivery in deliveries(list(range(100)), 10):
        for part in book.parts("t", delivery):
            assert not part.alone
            book.trying(part)
            book.done(part)
    book.close()
    assert not Book(tmp_path / "book").suspect


def test_what_the_broker_did_is_not_the_records_doing(tmp_path: Path) -> None:
    book = Book(tmp_path / "book")
    (delivery,) = deliveries([1, 2, 3], 3)
    (part,) = book.parts("t", delivery)
    book.trying(part)
    book.clear()
    book.close()
    assert not Book(tmp_path / "book").suspect


def test_an_end_for_another_reason_is_no_attempt(tmp_path: Path) -> None:
    """What is narrowed down stays so; who was not suspected is not now."""
    (delivery,) = deliveries([1, 2, 3], 3)
    path = tmp_path / "book"
    book = Book(path)
    (part,) = book.parts("t", delivery)
    book.trying(part)
    book.acquit()
    book.close()
    assert not Book(path).suspect
    for _ in range(2 * KILLS_MAX):
        path.write_text("1 2 1 0")
        book = Book(path)
        alone = next(part for part in book.parts("t", delivery) if part.alone)
        book.trying(alone)
        book.acquit()
        book.close()
        again = Book(path)
        assert (again.suspect, again.kills, again.killed_again) == (range(1, 2), 1, False)


@pytest.mark.parametrize("text", ["", "nonsense", "1 2 3", " " * 80])
def test_a_torn_file_is_no_suspicion(tmp_path: Path, text: str) -> None:
    path = tmp_path / "book"
    path.write_text(text)
    assert not Book(path).suspect


async def test_alone_is_alone() -> None:
    turn = Turn()
    inside: list[str] = []
    log: list[tuple[str, frozenset[str]]] = []

    async def work(name: str, *, alone: bool) -> None:
        async with turn.take(alone=alone):
            inside.append(name)
            log.append((name, frozenset(inside)))
            for _ in range(3):
                await asyncio.sleep(0)
            inside.remove(name)

    jobs = [work(f"many-{n}", alone=False) for n in range(5)]
    jobs.insert(2, work("alone-1", alone=True))
    jobs.insert(5, work("alone-2", alone=True))
    await asyncio.gather(*jobs)
    assert len(log) == 7
    assert all(with_it == {name} for name, with_it in log if name.startswith("alone"))
    assert any(len(with_it) > 1 for _, with_it in log)
