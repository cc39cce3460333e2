"""What a provider files, shows and keeps up: cases with clocks, until a receipt or the next review."""

from pathlib import Path
from typing import Any

import pytest

from acts_at_hand import a_bus
from cases_at_hand import act, case, of_kind, tell, works
from local_bus import LocalBus
from synthgate.cases import machine
from synthgate.cases.calendar import after_working_days
from synthgate.demo.acts import moment
from synthgate.events.decision import CaseRow
from synthgate.law import load
from synthgate.steps.upkeep import POLICIES

DAY_MS = 24 * 3_600_000
RECEIPT = {"channel": "beian.cac.gov.cn", "reference": "CN-1"}
NUMBER = "网信算备110108970550101240011号"


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    return a_bus(tmp_path)


def stated(bus: LocalBus, *names: str, days: int = 100, **over: object) -> dict[str, Any]:
    one = {
        "owner": "legal", "version": "3", "sha256": "c" * 64,
        "review_by": moment(bus.now_ms + days * DAY_MS),
    }  # fmt: skip
    return {"reviewed": dict.fromkeys(names, one | over)}


def receipt(bus: LocalBus, row: CaseRow, **over: object) -> CaseRow:
    where = bus.parts.cases.where(row.case)
    tell(
        bus,
        "report.receipted",
        row.case,
        partition=where,
        **({"by": "ann", "detail": RECEIPT} | over),
    )
    return case(bus, row.case)


def test_a_service_that_starts_owes_a_filing_until_the_receipt_is_there(bus: LocalBus) -> None:
    started = bus.now_ms - 3 * DAY_MS
    tell(bus, "service.started", "chat", discovered_at=moment(started))
    row = case(bus, "filing/t/chat/start")
    assert (row.status, row.rules, row.opened_at) == ("owed", ["DSP-19-1"], started)
    assert row.due_at == after_working_days(started, 10) and not row.deadlines[0].internal
    assert not works(bus)
    assert receipt(bus, row, detail={"channel": "mail"}).status == "owed", (
        "no reference, no receipt"
    )
    assert receipt(bus, row, by=None).status == "owed"
    row = receipt(bus, row)
    assert (row.status, row.state, row.due_at) == ("filed", "closed", None)
    assert row.deadlines[0].met_at == row.timeline[-1].at


def test_a_time_before_all_calendars_is_late_and_ends_no_worker(bus: LocalBus) -> None:
    tell(bus, "filing.changed", "chat", discovered_at="0001-01-01T00:00:00+23:59")
    row = case(bus, "filing/t/chat/change")
    assert (row.status, row.opened_at) == ("owed", 0)
    bus.tick()
    assert case(bus, row.case).timeline[-1].type == "deadline.reached"


def test_a_filing_that_changes_again_is_owed_again_and_one_receipt_meets_all_before(
    bus: LocalBus,
) -> None:
    for said in ("one", "one", "two"):
        tell(bus, "filing.changed", "chat", id=said)
    row = case(bus, "filing/t/chat/change")
    assert [(d.id, d.rule) for d in row.deadlines] == [("file", "DSP-19-2"), ("file/2", "DSP-19-2")]
    row = receipt(bus, row)
    assert row.status == "filed" and all(d.met_at for d in row.deadlines)
    tell(bus, "filing.changed", "chat", id="three")
    row = case(bus, row.case)
    assert (row.status, row.state, row.deadlines[-1].id) == ("owed", "open", "file/3")
    act(bus, row, "filing.owed")
    assert case(bus, row.case).timeline[-1].refused, "not by word alone"
    act(bus, row, "case.closed")
    assert case(bus, row.case).state == "closed", "two reasons to be wrong: a person may say so"


def test_a_function_let_out_without_an_assessment_is_late_at_once(bus: LocalBus) -> None:
    tell(bus, "feature.released", "swap", detail={"assessment": "13800138000"})
    row = case(bus, "filing/t/swap/feature")
    assert row.rules == ["DSP-20-1"] and row.due_at == row.opened_at
    assert "assessment" not in row.detail, "a person's number names no assessment"
    bus.tick()
    assert case(bus, row.case).timeline[-1].type == "deadline.reached"
    tell(bus, "feature.released", "voice", detail={"assessment": "SA-2026-7"})
    assert [one.case for one in of_kind(bus, "filing")] == [row.case]


def test_what_a_service_keeps_up_is_lacking_until_all_is_stated(bus: LocalBus) -> None:
    tell(bus, "service.started", "chat", detail={"public_opinion": False})
    assert not of_kind(bus, "filing")
    row = case(bus, "upkeep/t/chat/policies")
    assert (row.status, row.rules) == ("lacking", ["DSP-7-1"])
    assert row.detail["lacks"] == list(POLICIES) and row.due_at == bus.now_ms + DAY_MS
    assert case(bus, "upkeep/t/chat/algorithm").rules == ["DSP-15-1"]
    for over in ({"owner": ""}, {"owner": "13800138000"}, {"sha256": "no"}, {"review_by": "soon"}):
        tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES, **over))
        assert case(bus, row.case).detail["lacks"] == list(POLICIES), over
    tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES, days=-1))
    assert case(bus, row.case).status == "lacking", "overdue when stated"
    tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES[1:], "unheard"), id="most")
    row = case(bus, row.case)
    assert row.detail["lacks"] == [POLICIES[0]] and "unheard" not in row.detail["kept"]
    tell(bus, "policy.reviewed", "chat", detail=stated(bus, POLICIES[0], days=4_000))
    row = case(bus, row.case)
    due = {d.id.split("/")[1]: d.due_at for d in row.deadlines}
    assert (row.status, row.state, row.detail["lacks"]) == ("kept", "open", [])
    assert due[POLICIES[0]] - bus.now_ms == 365 * DAY_MS, "a year at the latest"
    tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES[1:], "unheard"), id="most")
    assert case(bus, row.case) == row, "heard twice"


def test_what_is_stated_in_half_again_is_due_when_it_was(bus: LocalBus) -> None:
    """Else a word an hour would put the clock off for ever."""
    tell(bus, "service.started", "chat", detail={"public_opinion": False})
    row = case(bus, "upkeep/t/chat/policies")
    due = row.due_at
    for hour in (10, 20):
        bus.now_ms += 10 * 3_600_000
        tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES, owner=""), id=str(hour))
    row = case(bus, row.case)
    assert (row.status, row.due_at) == ("lacking", due)
    bus.now_ms += 5 * 3_600_000
    bus.tick()
    assert {d.reached_at for d in case(bus, row.case).deadlines} != {None}
    tell(bus, "policy.reviewed", "chat", detail=stated(bus, *POLICIES, owner=""), id="late")
    assert {d.reached_at for d in case(bus, row.case).deadlines} != {None}, "and stays overdue"


def test_what_is_kept_up_for_years_still_takes_reviews(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A case nobody can close, full of notes, would report as late what is stated every day."""
    monkeypatch.setattr(machine, "NOTED_MAX", 10)
    for day in range(13):
        bus.now_ms += DAY_MS
        detail = stated(bus, "algorithm")
        tell(bus, "algorithm.reviewed", "chat", detail=detail, id=str(day))
    row = case(bus, "upkeep/t/chat/algorithm")
    assert row.due_at is not None
    assert moment(row.due_at) == detail["reviewed"]["algorithm"]["review_by"]
    assert len(row.timeline) == 10
    tell(bus, "algorithm.reviewed", "chat", detail=detail, id=str(day))
    assert case(bus, row.case) == row, "heard twice"


def test_a_review_that_is_missed_is_said_and_the_next_one_has_a_clock_of_its_own(
    bus: LocalBus,
) -> None:
    tell(bus, "algorithm.reviewed", "chat", detail=stated(bus, "algorithm"))
    row = case(bus, "upkeep/t/chat/algorithm")
    assert (row.status, row.rules) == ("kept", [])
    for said in ("again", "later"):
        bus.now_ms += 101 * DAY_MS
        bus.tick()
        reached = case(bus, row.case)
        assert reached.timeline[-1].type == "deadline.reached" and reached.due_at is None
        detail = stated(bus, "algorithm")
        tell(bus, "algorithm.reviewed", "chat", detail=detail, id=said)
        (clock,) = case(bus, row.case).deadlines
        assert moment(clock.due_at) == detail["reviewed"]["algorithm"]["review_by"]
        assert (clock.reached_at, clock.met_at) == (None, None)
    act(bus, case(bus, row.case), "upkeep.kept")
    assert case(bus, row.case).timeline[-1].refused
    tell(bus, "service.ended", "chat")
    row = case(bus, row.case)
    assert (row.status, row.state, row.due_at) == ("ended", "closed", None)
    assert case(bus, "filing/t/chat/end").rules == ["DSP-19-3"]


def test_a_service_page_shows_a_number_of_the_authoritys_form(bus: LocalBus) -> None:
    both = {"page": "service", "shows": "number,link"}
    tell(bus, "page.checked", "home", detail=both)
    row = case(bus, "page/t/home/service")
    assert (row.status, row.rules, row.detail["lacks"]) == ("lacking", ["DSP-19-4"], ["number"])
    tell(bus, "page.checked", "home", detail={"page": "complaints", "shows": "entry"})
    assert case(bus, "page/t/home").rules == ["DSP-12-1"], "another page is another case"
    tell(bus, "page.checked", "home", detail=both | {"number": NUMBER})
    assert case(bus, row.case).status == "mended"


@pytest.mark.parametrize("rule", ["DSP-7-1", "DSP-15-1", "DSP-19-1", "DSP-20-1"])
def test_without_its_rule_nothing_is_owed_under_it(bus: LocalBus, rule: str) -> None:
    bus.book = load().without(rule)
    bus.start()
    tell(bus, "service.started", "chat")
    tell(bus, "feature.released", "swap")
    owed = {one for kind in ("filing", "upkeep") for row in of_kind(bus, kind) for one in row.rules}
    assert owed == {"DSP-7-1", "DSP-15-1", "DSP-19-1", "DSP-20-1"} - {rule}
