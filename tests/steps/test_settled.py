"""Settled cases lie on disk and answer as if they were in memory; a file of theirs outlives nobody."""

import random
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.decision import CaseRow, Noted
from synthgate.steps.cases import Cases, progress_id
from synthgate.steps.settled import Settled

KINDS = ("content", "hold", "event", "work", "user", "complaint")


def a_row(case: str, version: int = 1, state: Any = "closed", kind: Any = "content") -> CaseRow:
    return CaseRow(
        case=case, version=version, kind=kind, state=state, tenant="t", user=None, opened_at=1,
        cause="c", receipt=None, rules=["DSP-10-6"], detail={"n": version}, status="found",
        due_at=10 if state == "open" else None,
    )  # fmt: skip


class Plain:
    """What a view is: the newest row of each case, by partition."""

    def __init__(self) -> None:
        self.rows: dict[str, tuple[int, CaseRow]] = {}

    def put(self, partition: int, row: CaseRow) -> bool:
        held = self.rows.get(row.case)
        if held is not None and row.version <= held[1].version:
            return False
        self.rows[row.case] = (partition, row)
        return True

    def drop(self, partition: int) -> None:
        self.rows = {case: held for case, held in self.rows.items() if held[0] != partition}


ACTS = st.tuples(
    st.integers(0, 5), st.integers(1, 6), st.sampled_from(["open", "closed"]),
    st.sampled_from(KINDS),
)  # fmt: skip


@given(st.lists(st.one_of(ACTS, st.integers(0, 1)), max_size=40))
def test_it_answers_as_memory_would(tmp_path_factory: pytest.TempPathFactory, acts: Any) -> None:
    cases, plain = Cases(tmp_path_factory.getbasetemp()), Plain()
    for act in acts:
        if isinstance(act, int):
            cases.drop(act)
            plain.drop(act)
            continue
        number, version, state, kind = act
        row = a_row(f"case/{number}", version, state, kind)
        assert cases.put(number % 2, row) == plain.put(number % 2, row)
    for number in range(6):
        partition, row = plain.rows.get(f"case/{number}", (None, None))
        assert cases.get(f"case/{number}") == row
        assert cases.where(f"case/{number}") == partition
    due = {row.case for at in (0, 1) for row in cases.due(at, 100)}
    assert due == {case for case, (_, row) in plain.rows.items() if row.state == "open"}


def test_what_is_settled_leaves_memory_and_what_is_open_or_a_users_does_not(
    tmp_path: Path,
) -> None:
    cases = Cases(tmp_path)
    for row in (
        a_row("a"), a_row("b", state="open"), a_row("c", kind="event"),
        a_row("user/t/u", kind="user"), a_row(progress_id(0), kind="event"),
    ):  # fmt: skip
        cases.put(0, row)
    assert sorted(cases._rows) == ["_answered/0", "b", "user/t/u"]
    cases.put(0, a_row("b", 2))
    cases.put(0, a_row("a", 2, state="open"))
    assert sorted(cases._rows) == ["_answered/0", "a", "user/t/u"]
    assert [row.version for row in map(cases.get, "ab") if row] == [2, 2]


def test_a_case_in_ten_thousand_takes_little_memory(tmp_path: Path) -> None:
    cases = Cases(tmp_path)
    cases.put(0, a_row("first"))
    tracemalloc.start()
    try:
        for number in range(10_000):
            cases.put(0, a_row(f"content/1/generation.events/3/{number}#1"))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / 10_000 < 250
    assert cases.get("content/1/generation.events/3/77#1") is not None


def test_the_file_has_no_name_and_nothing_is_made_before_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    held = Settled(folder)
    assert (held.get("a"), held.where("a"), folder.exists()) == (None, None, False)
    numbers = random.Random(1)
    for number in range(3_000):  # more than its cache takes: written to the file
        row = a_row(f"{number}-{numbers.random()}")
        held.put(0, row.model_copy(update={"detail": {"x": "y" * 2_000}}))
    held.put(1, a_row("last"))
    assert list(folder.iterdir()) == []
    assert held.get("last") == a_row("last")
    held.drop(0)
    assert held.get("last") == a_row("last")


def test_a_disk_without_room_keeps_rows_in_memory_and_harms_none(tmp_path: Path) -> None:
    cases = Cases(tmp_path)
    cases.put(0, a_row("before"))
    opened = cases._settled._table()
    pages = opened.execute("PRAGMA page_count").fetchone()[0]
    opened.execute(f"PRAGMA max_page_count={pages}")
    late = [a_row(f"late/{number}") for number in range(200)]
    for row in late:
        assert cases.put(0, row)
    assert cases._rows, "there was room"
    assert [cases.get(row.case) for row in late] == late
    assert cases.get("before") == a_row("before")
    opened.execute(f"PRAGMA max_page_count={pages + 1000}")
    assert cases.put(0, a_row("late/199", 2))
    assert cases.get("late/199") == a_row("late/199", 2)
    assert "late/199" not in cases._rows


def test_what_rests_on_nothing_taken_back_is_not_read(tmp_path: Path) -> None:
    cases = Cases(tmp_path)
    resumed = Noted(id="r", type="case.resumed", at=1, was="found", status="found")
    for name, detail, timeline in (
        ("old", {"rests": {"library": 3}}, []), ("new", {"rests": {"library": 4}}, []),
        ("none", {"rests": {"library": None}}, []), ("older", {}, []),
        ("waits", {"waits": "guard"}, []), ("resumed", {}, [resumed]),
    ):  # fmt: skip
        row = a_row(f"content/{name}").model_copy(update={"detail": detail, "timeline": timeline})
        cases.put(0, row)
    assert not any(case.startswith("content/") for case in cases._rows)
    cases.put(0, a_row("content/open", state="open"))

    def found(partition: int, after: int | None) -> list[str]:
        return sorted(row.case.partition("/")[2] for row in cases.resting(partition, after))

    assert found(0, 3) == ["new", "open", "resumed", "waits"]
    assert found(0, None) == ["open", "resumed", "waits"]
    assert found(1, 0) == []
