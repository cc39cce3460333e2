"""Whose task it is, who may judge, and when enough people have: from acts in the broker's order."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.desk.tasks import ANSWER_MS, NotYours, Task, is_sampled, judge, queue, tasks
from synthgate.events.decision import CaseRow, Receipt
from synthgate.events.desk_rows import DeskRow

NOW = 1_795_000_000_000
PLAIN, SAMPLED = "f" * 64, "0" * 64
LEASE_S = 900


def a_case(root: str = "r", hash: str = PLAIN, **over: Any) -> CaseRow:
    detail = {
        "revision": 1, "root": root, "hold": "review", "codes": ["risk_review"], "risks": ["A.3e"],
        "waits_since": NOW - 60_000, "type": "generation.requested", "medium": "text",
        "expires_at": NOW + 9_000_000, **over.pop("detail", {}),
    }  # fmt: skip
    values = {
        "case": f"hold/{root}", "version": 1, "kind": "hold", "state": "open", "tenant": "t",
        "user": "tok", "opened_at": NOW - 60_000, "due_at": NOW + 9_000_000, "cause": f"{root}#1",
        "receipt": Receipt(log=0, index=7, hash=hash), "key": None, "rules": [], "detail": detail,
    }  # fmt: skip
    return CaseRow.model_validate(values | over)


def act(what: str, by: str, root: str = "r", hash: str = PLAIN, **over: Any) -> DeskRow:
    more = {"seconds": LEASE_S} if what == "claimed" else {}
    return DeskRow.model_validate(
        {"case": f"hold/{root}", "answers": hash, "act": what, "by": by, **more, **over}
    )


def one(*acts: tuple[int, DeskRow], case: CaseRow | None = None, percent: int = 5) -> Task:
    (task,) = tasks([case or a_case()], acts, percent)
    return task


def test_only_open_holds_for_review_are_tasks() -> None:
    rows = [
        a_case(),
        a_case("done", state="closed"),
        a_case("retry", detail={"hold": "retry"}),
        a_case("case", kind="content"),
    ]
    assert [task.case.case for task in tasks(rows, [], 0)] == ["hold/r"]


def test_the_first_claim_has_it_until_its_lease_is_over() -> None:
    task = one((NOW, act("claimed", "ann")), (NOW + 1, act("claimed", "bob")))
    assert task.holder == "ann"
    assert task.barred("ann", NOW + 1) is None
    assert task.barred("bob", NOW) == "ann has it for another 900 s"
    assert task.barred("bob", NOW + LEASE_S * 1000) is None
    later = NOW + LEASE_S * 1000
    task = one((NOW, act("claimed", "ann")), (later, act("claimed", "bob")))
    assert task.holder == "bob"


def test_who_has_it_may_lengthen_and_give_back_and_nobody_else() -> None:
    acts = [(NOW, act("claimed", "ann")), (NOW + 5, act("released", "bob"))]
    assert one(*acts).holder == "ann"
    assert one(*acts, (NOW + 500, act("claimed", "ann"))).held_until == NOW + 500 + LEASE_S * 1000
    assert one(*acts, (NOW + 6, act("released", "ann"))).holder is None


def test_acts_on_an_earlier_revision_say_nothing_of_this_one() -> None:
    task = one((NOW, act("claimed", "ann", hash="e" * 64)), (NOW, act("opinion", "ann", "other")))
    assert task.holder is None and task.opinions == {}


def test_the_most_urgent_first_and_nothing_that_is_not_yours() -> None:
    rows = [
        a_case("late", detail={"waits_since": NOW - 5}),
        a_case("early", detail={"waits_since": NOW - 9}),
        a_case("grave", detail={"waits_since": NOW, "risks": ["A.3e", "A.1h"]}),
        a_case("up", detail={"waits_since": NOW}),
        a_case("held"),
    ]
    acts = [
        (NOW, act("claimed", "ann", "up")),
        (NOW, act("escalated", "ann", "up")),
        (NOW, act("claimed", "cid", "held")),
    ]
    found = tasks(rows, acts, 0)
    assert [t.case.detail["root"] for t in queue(found, "bob", NOW)] == [
        "up", "grave", "early", "late",
    ]  # fmt: skip
    assert [t.case.detail["root"] for t in queue(found, "ann", NOW)] == ["grave", "early", "late"]


def test_one_person_answers_an_ordinary_task() -> None:
    task = one((NOW, act("claimed", "ann")))
    said = judge(task, "ann", "refuse", ["A.3e"], NOW)
    assert (said.outcome, said.risks, said.by) == ("refuse", ("A.3e",), ("ann",))


def test_only_who_has_it_judges() -> None:
    with pytest.raises(NotYours, match="claim it first"):
        judge(one(), "ann", "pass", [], NOW)
    task = one((NOW, act("claimed", "ann")))
    with pytest.raises(NotYours, match="ann has it"):
        judge(task, "bob", "pass", [], NOW)
    with pytest.raises(NotYours, match="claim it first"):
        judge(task, "ann", "pass", [], NOW + LEASE_S * 1000)


def test_a_sample_is_judged_by_two_who_do_not_see_each_other_and_a_third_if_they_differ() -> None:
    case = a_case(hash=SAMPLED)

    def with_acts(*rows: tuple[str, str, dict[str, Any]]) -> Task:
        acts = [(NOW, act(what, by, hash=SAMPLED, **more)) for what, by, more in rows]
        return one(*acts, case=case)

    ann = [("claimed", "ann", {}), ("opinion", "ann", {"outcome": "pass"})]
    assert judge(with_acts(*ann[:1]), "ann", "pass", [], NOW).outcome is None
    task = with_acts(*ann)
    assert task.holder is None
    assert "second opinion" in str(task.barred("ann", NOW))
    bob = [*ann, ("claimed", "bob", {})]
    said = judge(with_acts(*bob), "bob", "pass", [], NOW)
    assert (said.outcome, said.by) == ("pass", ("ann", "bob"))
    assert judge(with_acts(*bob), "bob", "refuse", ["A.1h"], NOW).outcome is None
    differ = [
        *bob,
        ("opinion", "bob", {"outcome": "refuse", "risks": ["A.1h"]}),
        ("claimed", "cid", {}),
    ]
    said = judge(with_acts(*differ), "cid", "refuse", ["A.1h", "A.3e"], NOW)
    assert (said.outcome, said.by, said.risks) == ("refuse", ("bob", "cid"), ("A.1h", "A.3e"))


def test_who_escalates_hands_it_to_two_others() -> None:
    up = [(NOW, act("claimed", "ann")), (NOW, act("escalated", "ann"))]
    task = one(*up)
    assert (task.needs, task.priority, task.holder) == (2, 0, None)
    assert "escalated" in str(task.barred("ann", NOW))
    assert one((NOW, act("escalated", "ann"))).escalated_by == ()


def test_an_answer_that_changed_nothing_frees_the_task_after_a_while() -> None:
    task = one((NOW, act("claimed", "ann")), (NOW, act("answered", "ann", outcome="pass")))
    assert "answered" in str(task.barred("bob", NOW + ANSWER_MS - 1))
    assert task.barred("bob", NOW + ANSWER_MS) is None


def test_the_share_of_second_opinions_is_the_setting() -> None:
    rows = [a_case(hash=f"{number * 2654435761 % 2**32:08x}" + "0" * 56) for number in range(4000)]
    for percent in (0, 5, 100):
        share = sum(is_sampled(row, percent) for row in rows) / 40
        assert abs(share - percent) < 1.5
    assert not is_sampled(a_case(receipt=None), 100)


NAMES = st.sampled_from(["ann", "bob", "cid"])
ACTS = st.lists(
    st.tuples(
        st.integers(0, 400_000),
        st.builds(
            lambda what, by, outcome: act(what, by, hash=SAMPLED, outcome=outcome),
            st.sampled_from(["claimed", "released", "escalated", "opinion", "answered"]),
            NAMES,
            st.sampled_from(["pass", "refuse"]),
        ),
    ),
    max_size=12,
)


@given(ACTS, NAMES, NAMES)
def test_two_never_have_it_at_once_and_nobody_judges_twice(gaps, first, second) -> None:
    now, acts = NOW, []
    for gap, row in gaps:
        now += gap
        acts.append((now, row))
    task = one(*acts, case=a_case(hash=SAMPLED))
    able = [
        name
        for name in (first, second)
        if task.holder == name and task.is_held(now) and task.barred(name, now) is None
    ]
    assert len(set(able)) <= 1
    for name in able:
        assert name not in task.opinions
        assert judge(task, name, "pass", [], now).by in ((), *[(o, name) for o in task.opinions])
