"""Holes of a log against what the door says it took: absent, taken and lost, or nobody speaks of it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.builders import a_draft, a_log, a_prover
from ledger.test_verify import a_whole, faults, verified
from synthgate.events.decision import DoorRow
from synthgate.ledger.taken import Said, Taken


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taken") / "home"
    a_whole(folder)
    return folder


def the_door(*rows: tuple[int, int, list[int]], topic: str = "generation.events") -> Taken:
    """Rows as (from, to, absent)."""
    return Taken(
        DoorRow(
            epoch=1, topic=topic, partition=0, from_offset=start, to_offset=end, absent=absent, at=1
        )
        for start, end, absent in rows
    )  # fmt: skip


def test_what_the_door_took_must_be_there(whole: Path) -> None:
    assert faults(whole, door=the_door((0, 290, [187, 189]))) == [
        "origin: 1/generation.events/0/188: the door took it and no entry accounts for it"
    ]
    assert faults(whole, door=the_door((0, 290, [187, 188, 189]))) == []
    assert faults(whole, door=the_door((0, 290, []))) == [
        "origin: 1/generation.events/0/187: the door took it and no entry accounts for it, nor up to 189"
    ]


def test_one_row_that_took_it_is_not_outdone_by_another(whole: Path) -> None:
    """Read again after a restart: whatever order the rows stand in."""
    for rows in (
        [(0, 290, [187, 188, 189]), (188, 189, [])],
        [(188, 189, []), (0, 290, [*range(187, 190)])],
    ):
        (found,) = faults(whole, door=the_door(*rows))
        assert found.startswith("origin: 1/generation.events/0/188: the door took it")


def test_a_hole_between_two_rows_is_not_excused(whole: Path) -> None:
    """The row on it is missing. Before the first row and behind the last one nothing is said of anything."""
    (found,) = faults(whole, door=the_door((0, 188, [187]), (189, 290, [189])))
    assert found == (
        "origin: 1/generation.events/0/188: no row of the door speaks of it and no entry accounts for it"
    )
    for rows in ([(0, 188, [187])], [(189, 290, [189])]):
        said = verified(whole, door=the_door(*rows))
        assert said.faults == []
        assert len(said.holes) == 1, "told as a hole, as without any row"


def test_what_the_door_took_before_the_first_entry_is_a_fault_and_behind_the_last_waits(
    whole: Path,
) -> None:
    absent = [187, 188, 189]
    said = verified(whole, door=the_door((0, 290, absent), (290, 295, [291])))
    assert said.faults == []
    assert said.waiting == [
        ("1/generation.events/0", 290, 291), ("1/generation.events/0", 292, 295),
    ]  # fmt: skip
    said = verified(whole, door=the_door((0, 4, []), topic="timer.events"))
    assert (said.faults, said.waiting) == ([], [("1/timer.events/0", 0, 4)])


def test_a_log_that_begins_late_is_told_what_came_before(tmp_path: Path) -> None:
    a_log(tmp_path).append([a_draft(n) for n in range(5, 9)], 1_000)
    a_prover(tmp_path).build()
    assert faults(tmp_path, door=the_door((0, 9, [0]))) == [
        "origin: 1/generation.events/0/1: the door took it and no entry accounts for it, nor up to 4"
    ]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_the_rows_say_of_each_offset_what_a_plain_look_would(data: Any) -> None:
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, 30), st.integers(1, 9), st.sets(st.integers(0, 40))),
            min_size=1, max_size=6,
        )
    )  # fmt: skip
    told = [(start, start + size, sorted(absent)) for start, size, absent in rows]
    start, end = sorted((data.draw(st.integers(0, 45)), data.draw(st.integers(0, 45))))
    found = {
        offset: said
        for said, first, behind in the_door(*told).said(1, "generation.events", 0, start, end)
        for offset in range(first, behind)
    }
    low, high = min(row[0] for row in told), max(row[1] for row in told)
    for offset in range(start, end):
        over = [absent for first, behind, absent in told if first <= offset < behind]
        if over:
            plain = Said.TAKEN if any(offset not in absent for absent in over) else Said.ABSENT
        else:
            plain = Said.UNSPOKEN if low <= offset < high else Said.OUTSIDE
        assert found.pop(offset) is plain
    assert not found
