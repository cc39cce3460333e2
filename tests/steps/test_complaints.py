"""Complaints on topics alone: taken up, acknowledged, decided in time, answered, appealed to somebody else."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus, an_event, decide
from cases_at_hand import act, case, of_kind, works
from local_bus import LocalBus
from synthgate.events.decision import CaseRow

HOUR_MS = 3_600_000


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    return a_bus(tmp_path)


def complain(bus: LocalBus, id: str = "c1", name: str = "k1", **about: Any) -> CaseRow:
    bus.now_ms += 1000
    event = an_event(bus, id, "complaint.received", user="victim", complaint=name, about=about)
    assert decide(bus, event).action == "release"
    return of_kind(bus, "complaint")[-1]


def test_anyone_may_complain_and_is_told_when_there_will_be_an_answer(bus: LocalBus) -> None:
    row = complain(bus, sha256="a" * 64, words="these stay in the log")
    assert (row.status, row.rules) == ("received", ["DSP-12-2"])
    assert row.detail == {"fast": False, "about": {"sha256": "a" * 64}}
    (ack,) = works(bus, "notice.due").values()
    assert ack.recipient == row.user and "2026" in ack.text["en"] and "受理" in ack.text["zh"]


def test_the_depicted_person_is_heard_first_and_the_content_hidden(bus: LocalBus) -> None:
    row = complain(bus, produce_id="p-1", depicted=True, ground="portrait")
    assert row.deadlines[0].due_at == row.opened_at + 24 * HOUR_MS
    (hide,) = works(bus, "restriction.due").values()
    assert hide.about == {"produce_id": "p-1", "ground": "portrait"}
    act(bus, row, "complaint.rejected", reason="a satire under its own name")
    restored = [w for w in works(bus, "restriction.due").values() if "estore" in w.text["en"]]
    assert len(restored) == 1


def test_an_upheld_complaint_takes_the_content_down_and_recalls_it(bus: LocalBus) -> None:
    row = complain(bus, generation="g-1")
    act(bus, row, "complaint.taken")
    act(bus, row, "complaint.upheld", reason="it shows her face")
    assert {w.kind for w in works(bus).values()} == {"notice.due", "takedown.due", "recall.due"}
    told = [w for w in works(bus, "notice.due").values() if "it shows her face" in w.text["en"]]
    assert len(told) == 1 and case(bus, row.case).state == "closed"


def test_a_complaint_sent_twice_is_one_case_acknowledged_once(bus: LocalBus) -> None:
    complain(bus, "c1")
    complain(bus, "c2")
    complain(bus, "c3", name="k2")
    assert len(of_kind(bus, "complaint")) == 2
    assert len(works(bus, "notice.due")) == 2


def test_somebody_else_judges_the_appeal_against_a_rejection(bus: LocalBus) -> None:
    row = complain(bus)
    act(bus, row, "complaint.rejected", by="ann")
    act(bus, row, "complaint.appealed", by="victim", reason="it is me")
    act(bus, row, "complaint.upheld", by="ann")
    held = case(bus, row.case)
    assert held.status == "appealed" and "another reviewer" in str(held.timeline[-1].refused)
    act(bus, row, "complaint.upheld", by="bob")
    assert case(bus, row.case).status == "upheld"


def depicted(bus: LocalBus, number: int) -> CaseRow:
    name = f"k{number}"
    complain(bus, f"d{number}", name, sha256="c" * 64, depicted=True, ground="portrait")
    return next(row for row in of_kind(bus, "complaint") if row.case.endswith(f"/{name}"))


def test_repeated_bad_faith_loses_the_fast_lane_and_nothing_else(bus: LocalBus) -> None:
    marked = {"bad_faith": "true"}
    rows = [depicted(bus, number) for number in range(3)]
    act(bus, depicted(bus, 3), "complaint.rejected", by="ann", reason="it is somebody else")
    for row in rows:
        assert row.detail["fast"] is True
        act(bus, row, "complaint.rejected", by="ann", reason="made up again", detail=marked)
    bus.start()
    hidden = len(works(bus, "restriction.due"))
    late = depicted(bus, 4)
    assert (late.detail["fast"], late.detail["limited"], late.status) == (False, True, "received")
    assert late.deadlines[0].due_at > late.opened_at + 24 * HOUR_MS
    assert len(works(bus, "restriction.due")) == hidden, "nothing is hidden before it is looked at"
    acks = [w for w in works(bus, "notice.due").values() if w.case == late.case]
    assert len(acks) == 1, "accepted and acknowledged like any other"
    act(bus, rows[0], "complaint.appealed", by="victim", reason="it is me after all")
    act(bus, rows[0], "complaint.upheld", by="bob", reason="so it is")
    assert depicted(bus, 5).detail["fast"] is True, "a mark that was taken back does not count"


def test_bad_faith_is_forgotten_in_time(bus: LocalBus) -> None:
    for row in [depicted(bus, number) for number in range(3)]:
        act(bus, row, "complaint.rejected", by="ann", detail={"bad_faith": "true"})
    bus.now_ms += 89 * 24 * HOUR_MS
    assert depicted(bus, 3).detail["fast"] is False
    bus.now_ms += 2 * 24 * HOUR_MS
    assert depicted(bus, 4).detail["fast"] is True


def test_a_decision_that_is_late_is_marked_and_still_made(bus: LocalBus) -> None:
    row = complain(bus, depicted=True, ground="voice")
    bus.now_ms += 25 * HOUR_MS
    bus.tick()
    bus.tick()
    held = case(bus, row.case)
    assert [noted.type for noted in held.timeline] == ["deadline.reached"]
    act(bus, row, "complaint.upheld")
    held = case(bus, row.case)
    assert held.status == "upheld" and held.deadlines[0].reached_at is not None


def test_no_number_of_a_person_is_kept_in_the_clear(bus: LocalBus) -> None:
    complain(bus, produce_id="13800138000", sha256="b" * 64)
    for topic in ("cases", "work"):
        assert not any(b"13800138000" in (r.value or b"") for r in bus.records(topic))
