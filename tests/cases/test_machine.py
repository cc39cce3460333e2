"""The machines under any order, repetition and replay: each move once, refusals in words."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from synthgate.cases.kinds import MACHINES
from synthgate.cases.machine import (
    ANY,
    DEADLINE_REACHED,
    NOTED_MAX,
    Happened,
    NotAllowed,
    advance,
    due,
    refused,
)
from synthgate.events.decision import CaseRow, Deadline

AT = 1_795_000_000_000
PEOPLE = ("ann", "bob", None)


def a_case(kind: str, **over: Any) -> CaseRow:
    machine = MACHINES[kind]
    deadlines = [
        Deadline(id="report.sent", due_at=AT + 100, rule="DSP-10-6", internal=True),
        Deadline(id="decide", due_at=AT + 50, rule="DSP-12-3", internal=True),
    ]
    row: dict[str, Any] = {
        "case": f"{kind}/1", "version": 1, "kind": kind, "state": "open", "status": machine.start,
        "tenant": "t", "user": None, "opened_at": AT, "due_at": AT + 50, "cause": "c", "receipt": None,
        "rules": [], "deadlines": deadlines,
    }  # fmt: skip
    return CaseRow.model_validate(row | over)


def statuses(kind: str) -> set[str]:
    machine = MACHINES[kind]
    return {machine.start, *machine.closed, *(s for s in machine.moves.values() if s != ANY)}


EVENTS = sorted(
    {kind for machine in MACHINES.values() for _, kind in machine.moves} | {"never.heard"}
)
GOOD = {"channel": "12387", "reference": "r-1"}


class CaseMachine(RuleBasedStateMachine):
    """One case of each kind; a model that keeps the accepted events and walks them anew each time."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = {kind: a_case(kind) for kind in MACHINES}
        self.sent: list[tuple[str, Happened]] = []
        self.taken: dict[str, list[Happened]] = {kind: [] for kind in MACHINES}
        self.clock = AT

    @initialize(kind=st.sampled_from(sorted(MACHINES)))
    def about(self, kind: str) -> None:
        self.kind = kind

    def hear(self, kind: str, event: Happened) -> None:
        row = self.rows[kind]
        known = any(noted.id == event.id for noted in row.timeline)
        try:
            after = advance(MACHINES[kind], row, event)
        except NotAllowed as refusal:
            sentence = str(refusal)
            assert not known
            after = refused(row, event, sentence)
            assert after.status == row.status and after.state == row.state
        else:
            if after is not row:
                assert not known and after.version == row.version + 1
                self.taken[kind].append(event)
        self.rows[kind] = CaseRow.model_validate_json(after.model_dump_json())

    @rule(
        type=st.sampled_from(EVENTS), by=st.sampled_from(PEOPLE),
        reason=st.sampled_from(["because", None]), detail=st.sampled_from([GOOD, {}, {"channel": "x"}]),
    )  # fmt: skip
    def happens(self, type: str, by: str | None, reason: str | None, detail: Any) -> None:
        self.clock += 7
        event = Happened(type, f"e{len(self.sent)}", self.clock, by, reason, detail)
        self.sent.append((self.kind, event))
        self.hear(self.kind, event)

    @rule(
        data=st.data(), by=st.sampled_from(PEOPLE[:2]),
        detail=st.sampled_from([GOOD, GOOD, {"channel": "x"}, {"reference": "r"}]),
    )  # fmt: skip
    def takes_what_it_can(self, data: st.DataObject, by: str, detail: Any) -> None:
        """Most of what may happen anywhere may not happen here: go where it may."""
        can = [
            one
            for one in MACHINES[self.kind].takes(self.rows[self.kind].status)
            if one != "note.added"
        ]
        if can:
            self.happens(data.draw(st.sampled_from(can)), by, "because", detail)

    @rule(name=st.sampled_from(["report.sent", "decide", "x"]))
    def proposed_by_whoever(self, name: str) -> None:
        """A zombie proposes under an id of its own, whether it is due or not."""
        self.clock += 1
        event = Happened(
            DEADLINE_REACHED, f"z{len(self.sent)}", self.clock, detail={"deadline": name}
        )
        self.sent.append((self.kind, event))
        self.hear(self.kind, event)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def heard_again(self, data: st.DataObject) -> None:
        """Duplicates, and a replay from any earlier point."""
        start = data.draw(st.integers(0, len(self.sent) - 1))
        before = dict(self.rows)
        for kind, event in self.sent[start:]:
            if event.type != DEADLINE_REACHED or any(
                noted.id == event.id for noted in self.rows[kind].timeline
            ):
                self.hear(kind, event)
        assert self.rows == before

    @rule(late=st.integers(0, 500))
    def time_passes(self, late: int) -> None:
        self.clock += late
        for kind, row in list(self.rows.items()):
            for proposed in due(row, self.clock):
                for _ in range(3):  # however many owners propose it
                    self.hear(kind, proposed)

    @invariant()
    def only_states_that_exist(self) -> None:
        for kind, row in self.rows.items():
            machine = MACHINES[kind]
            assert row.status in statuses(kind)
            assert (row.state == "closed") == (row.status in machine.closed)

    @invariant()
    def as_the_model_says(self) -> None:
        for kind, row in self.rows.items():
            machine, status = MACHINES[kind], MACHINES[kind].start
            for event in self.taken[kind]:
                if event.type != DEADLINE_REACHED:
                    to = machine.moves.get((status, event.type)) or machine.moves[ANY, event.type]
                    status = status if to == ANY else to
            assert row.status == status
            reached = [e.detail["deadline"] for e in self.taken[kind] if e.type == DEADLINE_REACHED]
            assert len(reached) == len(set(reached))
            for deadline in row.deadlines:
                assert deadline.reached_at is None or deadline.reached_at >= deadline.due_at
                assert (deadline.id in reached) == (deadline.reached_at is not None)

    @invariant()
    def nobody_judges_twice(self) -> None:
        for kind in ("appeal", "complaint"):
            judges = [
                noted.by
                for noted in self.rows[kind].timeline
                if noted.refused is None and noted.type.endswith((".upheld", ".rejected"))
            ]
            assert len(judges) == len(set(judges)) and None not in judges

    @invariant()
    def reported_by_receipt_alone(self) -> None:
        for kind in ("content", "rumour", "incident"):
            row = self.rows[kind]
            sent = next(d for d in row.deadlines if d.id == "report.sent")
            receipts = [n for n in row.timeline if n.type == "report.receipted" and not n.refused]
            assert (sent.met_at is not None) == bool(receipts)
            assert all(n.detail.get("channel") and n.detail.get("reference") for n in receipts)


CaseMachine.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestCaseMachine = CaseMachine.TestCase


@pytest.mark.parametrize("kind", sorted(MACHINES))
def test_every_status_is_reached_or_given_at_the_start(kind: str) -> None:
    machine = MACHINES[kind]
    given_by_steps = {"inadmissible"}
    reached = {machine.start}
    while True:
        more = {to for (at, _), to in machine.moves.items() if at in (*reached, ANY) and to != ANY}
        if more <= reached:
            break
        reached |= more
    assert statuses(kind) - given_by_steps == reached


def test_what_is_refused_says_what_it_would_take() -> None:
    with pytest.raises(NotAllowed, match=r"cannot take appeal\.upheld; it takes note") as caught:
        advance(
            MACHINES["appeal"],
            a_case("appeal", status="rejected"),
            Happened("appeal.upheld", "e", AT),
        )
    assert "\n" not in str(caught.value)


def test_a_timeline_that_is_full_takes_moves_and_no_notes() -> None:
    row = a_case("content")
    for number in range(NOTED_MAX):
        row = advance(MACHINES["content"], row, Happened("note.added", f"n{number}", AT, "ann"))
    with pytest.raises(NotAllowed, match="timeline"):
        advance(MACHINES["content"], row, Happened("note.added", "more", AT, "ann"))
    assert refused(row, Happened("note.added", "more", AT), "no") is row
    moved = advance(
        MACHINES["content"], row, Happened("report.receipted", "r", AT, "ann", None, GOOD)
    )
    assert moved.status == "reported"


@given(st.integers(0, 49))
def test_no_deadline_is_reached_early(before: int) -> None:
    row = a_case("appeal")
    early = Happened(DEADLINE_REACHED, "x", AT + before, detail={"deadline": "decide"})
    assert advance(MACHINES["appeal"], row, early) is row
    assert due(row, AT + before) == []
