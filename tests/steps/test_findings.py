"""Findings open cases with their clocks and work; answers and receipts alone move them on."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus
from cases_at_hand import act, case, done, of_kind, tell, works
from local_bus import LocalBus
from synthgate.events.decision import CaseRow

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RECEIPT = {"channel": "12387", "reference": "CN-1"}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    return a_bus(tmp_path)


def receipt(bus: LocalBus, row: CaseRow, type: str = "report.receipted", **over: object) -> None:
    data = {"by": "ann", "detail": RECEIPT} | over
    tell(bus, type, row.case, partition=bus.parts.cases.where(row.case), **data)


def deadline(row: CaseRow, name: str = "report.sent") -> tuple[int, bool, bool]:
    """(hours from opening, internal, met) of a deadline."""
    held = next(one for one in row.deadlines if one.id == name)
    return (held.due_at - row.opened_at) // HOUR_MS, held.internal, held.met_at is not None


def test_an_incident_is_graded_and_its_clock_runs_from_discovery(bus: LocalBus) -> None:
    found_at = bus.now_ms - HOUR_MS
    from synthgate.demo.acts import moment

    tell(
        bus, "incident.detected", "i1", discovered_at=moment(found_at),
        detail={"measures": {"persons_leaked": 1_000_000}},
    )  # fmt: skip
    row = case(bus, "incident/t/i1")
    assert row.detail["graded"]["level"] == "serious" and row.opened_at == found_at
    assert deadline(row) == (4, False, False)


@pytest.mark.parametrize(("kind", "hours"), [("cii", 1), ("state_organ", 2), ("other", 4)])
def test_each_kind_of_operator_has_its_clock(tmp_path: Path, kind: str, hours: int) -> None:
    bus = a_bus(tmp_path, operator_kind=kind)
    tell(bus, "incident.detected", "i1")
    row = case(bus, "incident/t/i1")
    assert deadline(row)[0] == hours, "nothing is known, so the clock of a serious one runs"
    assert len(row.detail["graded"]["unknown"]) == 6


def all_known(**over: int) -> dict[str, object]:
    names = (
        "persons_leaked", "loss_cny", "tampered_home_minutes", "tampered_page_minutes",
        "illegal_forwards", "illegal_views",
    )  # fmt: skip
    return {"measures": dict.fromkeys(names, 0) | over}


def test_what_is_known_to_be_ordinary_is_not_reported(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1", detail=all_known(loss_cny=4_999_999))
    row = case(bus, "incident/t/i1")
    assert (row.detail["graded"]["level"], row.deadlines, row.due_at) == ("ordinary", [], None)


def test_a_supplement_ends_the_clock_or_starts_it_again(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1")
    tell(bus, "incident.detected", "i1", detail=all_known())
    assert deadline(case(bus, "incident/t/i1")) == (4, False, True)
    tell(bus, "incident.detected", "i1", detail={"measures": {"loss_cny": 5_000_000}})
    row = case(bus, "incident/t/i1")
    assert deadline(row) == (4, False, False) and row.due_at is not None


def test_a_gateways_answer_does_not_stop_the_clock_a_receipt_does(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1")
    row = case(bus, "incident/t/i1")
    receipt(bus, row, detail={"status": 200})
    held = case(bus, row.case)
    assert deadline(held) == (4, False, False) and held.status == "found"
    assert "channel" in str(held.timeline[-1].refused)
    receipt(bus, row, by=None)
    assert case(bus, row.case).status == "found"
    receipt(bus, row)
    held = case(bus, row.case)
    assert deadline(held) == (4, False, True) and held.status == "reported"


def test_a_late_deadline_is_found_at_once_once_and_never_early(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1")
    row = case(bus, "incident/t/i1")
    bus.now_ms = row.opened_at + 4 * HOUR_MS - 1
    bus.tick()
    assert case(bus, row.case).timeline == []
    bus.now_ms += 10 * HOUR_MS
    for _ in range(3):
        bus.tick()
        bus.start()
    held = case(bus, row.case)
    (noted,) = held.timeline
    assert noted.type == "deadline.reached" and noted.detail["late_ms"] == 10 * HOUR_MS - 1
    assert held.version == row.version + 1


def test_a_summary_is_owed_thirty_days_after_handling(bus: LocalBus) -> None:
    tell(bus, "incident.detected", "i1")
    row = case(bus, "incident/t/i1")
    receipt(bus, row)
    tell(bus, "incident.closed", "i1")
    held = case(bus, row.case)
    summary = next(one for one in held.deadlines if one.id == "summary")
    assert summary.due_at == bus.now_ms + 30 * DAY_MS and summary.rule == "INC-8-1"
    receipt(bus, row, "summary.receipted")
    held = case(bus, row.case)
    assert (held.status, held.state, held.due_at) == ("summarised", "closed", None)


def test_a_rumour_is_dispelled_when_every_place_has_answered_and_it_is_reported(
    bus: LocalBus,
) -> None:
    tell(bus, "rumour.detected", "r1", detail={"produce_id": "p-1", "words": "do not keep these"})
    row = case(bus, "rumour/t/r1")
    assert deadline(row) == (4, True, False)
    owed = works(bus)
    assert {work.kind for work in owed.values()} == {"takedown.due", "recall.due", "rebuttal.due"}
    assert all(work.about == {"produce_id": "p-1"} for work in owed.values())
    for name in owed:
        done(bus, name)
    assert case(bus, row.case).status == "detected"
    receipt(bus, row)
    assert case(bus, row.case).status == "dispelled"


def test_the_receipt_may_come_before_the_last_place_answers(bus: LocalBus) -> None:
    tell(bus, "rumour.detected", "r1")
    row = case(bus, "rumour/t/r1")
    receipt(bus, row)
    for name in works(bus):
        assert case(bus, row.case).status == "reported"
        done(bus, name)
        done(bus, name)  # answered twice
    assert case(bus, row.case).status == "dispelled"


def test_unanswered_work_is_sent_again_less_and_less_often_and_what_failed_stays_owed(
    bus: LocalBus,
) -> None:
    tell(bus, "spread.found", "s1")
    assert len(list(bus.records("work"))) == 2
    bus.now_ms += HOUR_MS
    bus.tick()
    bus.tick()
    assert len(list(bus.records("work"))) == 4
    (takedown,) = works(bus, "takedown.due")
    done(bus, takedown, "work.failed", detail={}, reason="no answer")
    held = case(bus, f"work/{takedown}")
    assert (held.status, held.state) == ("failed", "open")
    done(bus, takedown)
    for _ in range(40):
        bus.now_ms += 3 * HOUR_MS
        bus.tick()
    sent = [record.key for record in bus.records("work")]
    assert sent.count(takedown.encode()) == 2
    assert 7 <= len(sent) - 2 <= 11
    assert case(bus, f"work/{takedown}").state == "closed"


def test_work_is_done_with_proof_by_those_who_owe_it(bus: LocalBus) -> None:
    tell(bus, "spread.found", "s1")
    (takedown,) = works(bus, "takedown.due")
    done(bus, takedown, detail={})
    done(bus, takedown, tenant="others")
    tell(bus, "work.done", "any", detail={"proof": "x"})
    tell(bus, "work.done", "any", work="none", detail={"proof": "x"})
    assert case(bus, f"work/{takedown}").state == "open"
    assert len(list(bus.records("quarantine"))) == 4


@pytest.mark.parametrize(
    "detail", [{"proof": "call 13800138000"}, {"proof": 13800138000}, {"proof": "a" * 5000}]
)
def test_no_number_and_no_file_enters_a_timeline(bus: LocalBus, detail: dict[str, object]) -> None:
    tell(bus, "spread.found", "s1")
    (takedown,) = works(bus, "takedown.due")
    done(bus, takedown, detail=detail)
    assert case(bus, f"work/{takedown}").state == "open"
    assert len(list(bus.records("quarantine"))) == 1
    assert not any(b"13800138000" in (r.value or b"") for r in bus.records("cases"))


def test_a_leak_is_told_to_the_persons_and_reported(bus: LocalBus) -> None:
    tell(bus, "leak.suspected", "l1")
    row = case(bus, "incident/t/l1")
    assert row.rules == ["PIPL-57-1"] and deadline(row) == (4, True, False)
    assert [(w.kind, w.rule) for w in works(bus).values()] == [("notice.due", "PIPL-57-1")]


@pytest.mark.parametrize(("public", "owed"), [(True, True), (None, True), (False, False)])
def test_a_flaw_is_reported_in_a_day_unless_it_touches_nobody(
    bus: LocalBus, public: bool | None, owed: bool
) -> None:
    detail = {} if public is None else {"public_interest": public}
    tell(bus, "flaw.found", "f1", detail=detail)
    row = case(bus, "incident/t/f1")
    assert bool(row.deadlines) == owed
    if owed:
        assert deadline(row) == (24, False, False)


def test_findings_heard_again_change_nothing(bus: LocalBus) -> None:
    tell(bus, "rumour.detected", "r1")
    tell(bus, "incident.detected", "i1")
    tell(bus, "incident.detected", "i1", detail=all_known())
    tell(bus, "incident.closed", "i1")
    receipt(bus, case(bus, "rumour/t/r1"))
    (takedown,) = works(bus, "takedown.due")
    done(bus, takedown, "work.failed", detail={}, reason="no answer")
    done(bus, takedown)
    before = {
        row.case: row for kind in ("rumour", "incident", "work") for row in of_kind(bus, kind)
    }
    for _ in range(2):
        bus.start()
        for partition in (0, 1):
            bus.read["incidents", "case.events", partition] = 0
        bus.run()
    after = {row.case: row for kind in ("rumour", "incident", "work") for row in of_kind(bus, kind)}
    assert after == before
    assert len(works(bus)) == 3


def test_an_answer_before_its_question_is_sealed(bus: LocalBus) -> None:
    tell(bus, "incident.closed", "i1")
    tell(bus, "report.receipted", "i1", by="ann", detail=RECEIPT)
    assert len(list(bus.records("quarantine"))) == 2
    assert of_kind(bus, "incident") == []


def test_a_record_keeps_its_place_and_nothing_else_happens(bus: LocalBus) -> None:
    tell(bus, "page.checked", "p1")
    (row,) = of_kind(bus, "event")
    assert row.rules == ["DSP-12-1", "DSP-19-4"] and not works(bus)
    assert orjson.loads(row.model_dump_json())["timeline"] == []


def check_page(bus: LocalBus, *shows: str, id: str = "") -> CaseRow:
    tell(bus, "page.checked", "p1", id=id, detail={"page": "complaints", "shows": [*shows]})
    return case(bus, "page/t/p1")


def test_a_complaint_page_that_lacks_something_is_a_case_until_it_shows_it(bus: LocalBus) -> None:
    every = ("entry", "procedure", "time_limit")
    for shows in ([*every], ",".join(every)):
        tell(bus, "page.checked", "p1", detail={"page": "complaints", "shows": shows})
    assert of_kind(bus, "page") == []
    row = check_page(bus, "entry")
    assert (row.status, row.rules, row.detail["lacks"]) == (
        "lacking", ["DSP-12-1"], ["procedure", "time_limit"],
    )  # fmt: skip
    assert [(d.id, d.rule, d.internal) for d in row.deadlines] == [("mend", "DSP-12-1", True)]
    act(bus, row, "page.mended")
    assert case(bus, row.case).state == "open", "not by word alone"
    row = check_page(bus, "entry", "procedure", id="again")
    assert check_page(bus, "entry", "procedure", id="again") == row, "heard twice"
    assert (row.status, row.detail["lacks"]) == ("lacking", ["time_limit"])
    row = check_page(bus, *every)
    assert (row.state, row.status, row.due_at, row.deadlines[0].met_at) == (
        "closed", "mended", None, row.timeline[-1].at,
    )  # fmt: skip
    row = check_page(bus, id="gone")
    assert (row.state, row.status, [d.id for d in row.deadlines]) == (
        "open", "lacking", ["mend", "mend/2"],
    )  # fmt: skip
    bus.now_ms += 100 * 3_600_000
    bus.tick()
    assert case(bus, row.case).timeline[-1].type == "deadline.reached"


def test_everyone_a_rumour_reached_is_told_once_in_batches(bus: LocalBus) -> None:
    tell(bus, "rumour.detected", "r1", detail={"produce_id": "p-1"})
    tokens = [f"{n:032x}" for n in range(1_000)]
    for batch in ("a", "b", "a"):
        detail = {"batch": batch, "recipients": tokens, "generators": ["f" * 32, "13800138000"]}
        tell(bus, "reach.found", "r1", detail=detail)
    row = case(bus, "rumour/t/r1")
    assert row.detail["reached"] == {"a": 1_000, "b": 1_000}
    assert row.links["generators"] == ["f" * 32]
    notices = [w for w in works(bus, "notice.due").values() if w.rule == "DSP-11-3"]
    assert [len(w.about["recipients"]) for w in notices] == [1_000, 1_000]
    receipt(bus, row)
    for name in works(bus):
        assert case(bus, row.case).status == "reported"
        done(bus, name)
    assert case(bus, row.case).status == "dispelled"


@pytest.mark.parametrize(
    "detail",
    [
        {},
        {"batch": "a", "recipients": ["user-1"]},
        {"batch": "a", "recipients": ["a" * 32] * 1_001},
        {"batch": "x/y", "recipients": []},
    ],
)
def test_a_reach_of_names_or_without_end_is_sealed(
    bus: LocalBus, detail: dict[str, object]
) -> None:
    tell(bus, "rumour.detected", "r1")
    tell(bus, "reach.found", "r1", detail=detail)
    assert len(list(bus.records("quarantine"))) == 1
    assert "reached" not in case(bus, "rumour/t/r1").detail


def test_an_order_runs_the_clock_it_names_and_the_answer_stops_it(bus: LocalBus) -> None:
    tell(bus, "regulator.requested", "o1", detail={"answer_by": "2027-01-01T18:00:00+08:00"})
    row = case(bus, "order/t/o1")
    (held,) = row.deadlines
    assert (held.id, held.rule, held.internal, held.due_at) == (
        "answer", "DSP-21-1", False, 1_798_797_600_000,
    )  # fmt: skip
    bus.now_ms = held.due_at + 1000
    bus.tick()
    assert case(bus, "order/t/o1").timeline[-1].type == "deadline.reached"
    act(bus, case(bus, "order/t/o1"), "order.answered", detail={"manifest_sha256": "a" * 64})
    row = case(bus, "order/t/o1")
    assert (row.status, row.deadlines[0].met_at is not None) == ("answered", True)
    assert row.timeline[-1].detail == {"manifest_sha256": "a" * 64}


def test_a_time_nobody_can_read_is_due_now_and_none_runs_no_clock(bus: LocalBus) -> None:
    tell(bus, "regulator.requested", "o1", detail={"answer_by": "Tuesday"})
    row = case(bus, "order/t/o1")
    assert row.deadlines[0].due_at == row.opened_at
    tell(bus, "regulator.requested", "o2")
    tell(bus, "rumour.detected", "r1", detail={"answer_by": "Tuesday"})
    assert case(bus, "order/t/o2").deadlines == []
    assert "answer" not in {one.id for one in case(bus, "rumour/t/r1").deadlines}
