"""The earliest of many times, whatever was put, moved and dropped; and no room for what has ended."""

from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.decision import CaseRow
from synthgate.steps.cases import Cases
from synthgate.steps.times import Times, drop_oldest

NAMES = st.sampled_from("abcdef")


@given(st.lists(st.tuples(NAMES, st.none() | st.integers(0, 9))))
def test_the_first_is_the_least_of_what_stands(steps):
    times, stands = Times(), {}
    for name, at in steps:
        if at is None:
            times.drop(name)
            stands.pop(name, None)
        else:
            times.put(name, at)
            stands[name] = at
        assert len(times) == len(stands)
        first = times.first()
        assert (first and first[0]) == min(stands.values(), default=None)
        assert first is None or stands[first[1]] == first[0]


def test_what_has_ended_leaves_nothing_behind(tmp_path):
    cases = Cases(tmp_path)

    def hold(number: int, version: int, state: str) -> CaseRow:
        return CaseRow.model_validate({
            "case": f"hold/{number}", "version": version, "kind": "hold", "state": state,
            "tenant": "t", "user": None, "opened_at": 1, "due_at": 100 if state == "open" else None,
            "cause": "c", "receipt": None, "rules": [], "detail": {"hold": "review"},
        })  # fmt: skip

    for number in range(5_000):
        cases.put(0, hold(number, 1, "open"))
        cases.put(0, hold(number, 2, "closed"))
    cases.put(0, hold(5_000, 1, "open"))
    assert cases.standing(0, 0)[0] == 1
    assert len(cases._due[0]._heap) < 1_100
    assert [row.case for row in cases.due(0, 100)] == ["hold/5000"]
    assert list(cases.due(0, 100)) == []
    cases.later(0, "hold/5000", 200)
    assert list(cases.due(0, 199)) == []
    assert [row.case for row in cases.due(0, 200)] == ["hold/5000"]


def test_the_oldest_leave_many_at_once():
    held = dict.fromkeys(range(201))
    assert drop_oldest(held, 201) == 0
    assert drop_oldest(held, 200) == 3
    assert list(held) == list(range(3, 201))
