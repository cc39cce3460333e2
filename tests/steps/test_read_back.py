"""What an owner reads back of its own is known by its bytes; the view is as if each record had been parsed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.test_settled import a_row
from synthgate.events.decision import CaseRow
from synthgate.step import Work
from synthgate.steps.cases import Cases
from synthgate.steps.docket import Docket

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 2), st.sampled_from(["open", "closed"])),
        st.tuples(st.just("lost"), st.integers(0, 2), st.sampled_from(["open", "closed"])),
        st.tuples(st.just("another"), st.integers(0, 2), st.integers(1, 8)),
        st.tuples(st.just("read"), st.integers(1, 4), st.none()),
        st.tuples(st.just("drop"), st.none(), st.none()),
    ),
    max_size=30,
)


@given(ACTS)
def test_the_view_is_the_same_as_of_one_that_parses_all(
    tmp_path_factory: pytest.TempPathFactory, acts: Any
) -> None:
    folder = tmp_path_factory.getbasetemp()
    cases, plain = Cases(folder), Cases(folder)
    docket, topic, read = Docket(cases), list[tuple[bytes, bytes]](), 0

    def reads(count: int) -> None:
        nonlocal read
        for key, value in topic[read : read + count]:
            cases.apply(0, value, key)
            plain.apply(0, value, key)
        read = min(read + count, len(topic))

    def sends(number: int, state: Any, *, lost: bool) -> None:
        held = cases.get(f"case/{number}")
        work = Work(0, 0)
        row = docket.put(a_row(f"case/{number}", held.version + 1 if held else 1, state), work)
        plain.put(0, row)
        if not lost:  # thrown away with a batch that had to wait
            topic.extend((key or b"", value) for key, value, _ in work.outputs.by_topic["cases"])

    for kind, one, other in acts:
        if kind in ("put", "lost"):
            sends(one, other, lost=kind == "lost")
        elif kind == "another":
            row = a_row(f"case/{one}", other).model_copy(update={"tenant": "another"})
            topic.append((row.case.encode(), row.model_dump_json().encode()))
        elif kind == "read":
            reads(one)
        else:
            cases.drop(0)
            plain.drop(0)
    reads(len(topic))
    assert cases.late.of(0) == plain.late.of(0)
    for number in range(3):
        assert cases.get(f"case/{number}") == plain.get(f"case/{number}")


def test_what_is_read_back_is_not_parsed_again(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases, work = Cases(tmp_path), Work(0, 0)
    Docket(cases).put(a_row("a"), work)
    monkeypatch.setattr(CaseRow, "model_validate_json", None)
    for key, value, _ in work.outputs.by_topic["cases"]:
        cases.apply(0, value, key)
    assert not cases.late.of(0)
