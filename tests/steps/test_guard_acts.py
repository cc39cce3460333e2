"""What people may say of cases that wait, or whose refusal was taken back: no report is lost by it."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus
from cases_at_hand import act, case, of_kind, tell
from local_bus import LocalBus
from steps.test_guard import ask, guards, let_go, people, plant, roll_back, suspended
from synthgate.cases.calendar import moment
from synthgate.cases.penalties import HOUR_MS
from synthgate.cases.reports import LANGUAGES, document, page
from synthgate.events.decision import CaseRow

RECEIPT = {"channel": "12387", "reference": "CN-1"}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path, guard_users=5, guard_times=3)
    plant(bus)
    return bus


def let_all_go(bus: LocalBus) -> None:
    for subject in sorted({name.partition("/")[2] for name in guards(bus)}):
        let_go(bus, subject)


def a_waiting_case(bus: LocalBus) -> CaseRow:
    ask(bus, people(40))
    return next(row for row in of_kind(bus, "content") if row.detail.get("waits"))


def test_a_case_that_waits_is_not_closed_before_its_report_is_due(bus: LocalBus) -> None:
    waiting = a_waiting_case(bus)
    act(bus, waiting, "case.closed")
    assert case(bus, waiting.case).state == "open"
    let_all_go(bus)
    assert [one.id for one in case(bus, waiting.case).deadlines] == ["report.draft", "report.sent"]
    act(bus, case(bus, waiting.case), "case.closed")
    assert case(bus, waiting.case).state == "open"


def test_a_guard_nobody_answers_keeps_no_report_from_its_time(bus: LocalBus) -> None:
    waiting = a_waiting_case(bus)
    bus.now_ms = waiting.opened_at + 4 * HOUR_MS
    bus.tick()
    held = case(bus, waiting.case)
    assert [noted.type for noted in held.timeline] == ["deadline.reached"]
    assert (held.detail["waits"], held.status, suspended(bus, [])) == ("guard", "found", [])
    report = document(held, [], "u")
    assert report["guarded"] and report["due_at"] == moment(held.deadlines[0].due_at)
    for language in LANGUAGES:
        assert f"<p>{report['guarded'][language]}</p>" in page(report, language)
    let_all_go(bus)
    late = case(bus, waiting.case)
    assert "waits" not in late.detail and document(late, [], "u")["guarded"] is None
    draft, sent = late.deadlines
    assert sent == held.deadlines[0], "the first clock stands"
    assert draft.due_at == sent.due_at and draft.reached_at is not None, "late at once, and shown"
    roll_back(bus)
    assert case(bus, waiting.case).status == "overturned"


def test_let_go_in_time_the_clock_that_ran_runs_on(bus: LocalBus) -> None:
    waiting = a_waiting_case(bus)
    bus.now_ms += 2 * HOUR_MS
    let_all_go(bus)
    draft, sent = case(bus, waiting.case).deadlines
    assert sent == waiting.deadlines[0]
    assert 0 < draft.due_at - bus.now_ms <= HOUR_MS


def test_what_was_reported_while_it_waited_is_not_due_again(bus: LocalBus) -> None:
    waiting = a_waiting_case(bus)
    where = bus.parts.cases.where(waiting.case)
    tell(
        bus, "report.receipted", waiting.case, id="r", partition=where, by="ann", detail=RECEIPT
    )  # fmt: skip
    assert case(bus, waiting.case).status == "reported"
    let_all_go(bus)
    held = case(bus, waiting.case)
    assert (held.status, held.due_at, "waits" in held.detail) == ("reported", None, False)


@pytest.mark.parametrize("what", ["decision.overturned", "case.resumed"])
def test_nobody_says_by_word_alone_what_follows_from_a_decision(bus: LocalBus, what: str) -> None:
    """Overturned by word, a case would owe no report, and a rollback would pass it by."""
    (decision,) = ask(bus, ["u"])
    held = case(bus, f"content/{decision.decision}")
    act(bus, held, what)
    after = case(bus, held.case)
    assert (after.state, after.status, after.due_at) == ("open", "found", held.due_at)
    assert after.timeline[-1].refused
    roll_back(bus)
    assert (case(bus, held.case).status, suspended(bus, ["u"])) == ("overturned", [])


@pytest.mark.parametrize("what", ["penalty.reversed", "penalty.resumed"])
def test_nobody_notes_on_a_user_what_was_not_done(bus: LocalBus, what: str) -> None:
    ask(bus, ["u"])
    (user,) = of_kind(bus, "user")
    act(bus, user, what)
    assert case(bus, user.case).timeline[-1].refused


def test_a_guard_nobody_can_read_is_said_again(bus: LocalBus) -> None:
    ask(bus, people(40))
    place = next(r for r in bus.records("guards") if (r.key or b"").endswith(b"/entry/bad-01"))
    partition = int((place.key or b"").split(b"/")[0])
    bus.append("guards", place.key, b"{}", partition=partition)
    assert bus.parts.registries.guards.unreadable
    bus.tick()
    assert not bus.parts.registries.guards.unreadable
    assert orjson.loads([r for r in bus.records("guards") if r.key == place.key][-1].value or b"")[
        "users"
    ]
