"""Incidents: every decision answered once; cases, warnings and timers survive repeats and restarts."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus, an_event, codes, decide, verify
from local_bus import LocalBus
from synthgate.events.decision import CaseRow, WorkRow
from synthgate.events.facts import StandingRow

ILLEGAL = {"content": {"prompt": "where can I buy heroin"}}
HELD = {"content": {"prompt": "promise guaranteed returns to investors"}}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def cases(bus: LocalBus, kind: str) -> dict[str, CaseRow]:
    rows = [CaseRow.model_validate_json(r.value or b"") for r in bus.records("cases")]
    newest = {row.case: row for row in sorted(rows, key=lambda row: row.version)}
    return {
        name: row for name, row in newest.items() if row.kind == kind and not name.startswith("_")
    }


def test_a_violation_opens_a_case_warns_and_gives_notice(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "bad", **ILLEGAL))
    (case,) = cases(bus, "content").values()
    assert case.cause == decision.decision and set(case.rules) == {"DSP-10-6", "DSP-10-7"}
    (standing,) = [
        StandingRow.model_validate_json(r.value or b"") for r in bus.records("standings")
    ]
    assert (standing.standing, standing.causes) == ("warned", [decision.decision])
    (notice,) = [WorkRow.model_validate_json(r.value or b"") for r in bus.records("work")]
    assert (notice.kind, notice.recipient) == ("notice.due", decision.user)
    assert set(notice.text) == {"zh", "en"}


def test_a_release_owes_nothing_but_is_answered(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "good"))
    assert cases(bus, "content") == {}
    assert bus.parts.cases.answered(decision.receipt.log) == decision.receipt.index


def test_heard_again_after_a_restart_nothing_doubles(bus: LocalBus) -> None:
    decision = decide(bus, an_event(bus, "bad", **ILLEGAL))
    bus.start()
    bus.read["incidents", "decisions", decision.receipt.log] = 0
    bus.run()
    assert len(cases(bus, "content")) == 1
    assert len({r.key for r in bus.records("work")}) == 1
    last = list(bus.records("standings"))[-1]
    assert len(orjson.loads(last.value or b"")["causes"]) == 1


def test_an_older_violation_heard_again_does_not_change_the_standing(bus: LocalBus) -> None:
    for name in ("bad", "worse"):
        decision = decide(bus, an_event(bus, name, **ILLEGAL))
        bus.now_ms += 60_000
    said = list(bus.records("standings"))
    bus.start()
    bus.read["incidents", "decisions", decision.receipt.log] = 0
    bus.run()
    assert list(bus.records("standings")) == said  # both stand there: neither is said again


def test_a_decision_that_never_came_is_read_from_the_log(bus: LocalBus) -> None:
    incidents = bus.stages.pop()
    lost = decide(bus, an_event(bus, "bad", **ILLEGAL))
    bus.logs["decisions", lost.receipt.log].pop()
    bus.stages.append(incidents)
    decide(bus, an_event(bus, "next"))
    (case,) = cases(bus, "content").values()
    assert case.cause == lost.decision


def test_the_ladder_rises_with_each_cause(bus: LocalBus) -> None:
    for number in range(5):
        decide(bus, an_event(bus, f"bad{number}", **ILLEGAL))
    rows = [StandingRow.model_validate_json(r.value or b"") for r in bus.records("standings")]
    assert max(rows, key=lambda row: row.version).standing == "suspended"
    assert "account_restricted" in codes(decide(bus, an_event(bus, "after")))


def test_an_expired_event_counts_against_nobody(bus: LocalBus) -> None:
    decide(bus, an_event(bus, "late", answer_by="2020-01-01T00:00:00Z", **ILLEGAL))
    assert cases(bus, "content") == {}


def test_an_unanswered_hold_expires_into_a_refusal(bus: LocalBus) -> None:
    held = decide(bus, an_event(bus, "hold", **HELD))
    bus.tick()
    assert not list(bus.records("timer.events"))
    bus.now_ms += bus.settings.hold_hours * 3_600_000
    bus.tick()
    bus.tick()  # not sent twice within a minute
    assert len(list(bus.records("timer.events"))) == 1
    bus.run()
    expired = bus.decision("hold")
    assert (expired.action, expired.revision) == ("refuse", 2)
    assert "hold_expired" in codes(expired) and expired.supersedes == held.receipt.index
    assert {row.state for row in cases(bus, "hold").values()} == {"closed"}
    bus.now_ms += 10 * 60_000
    bus.tick()
    assert len(list(bus.records("timer.events"))) == 1


def test_a_case_event_opens_a_case_and_garbage_is_sealed(bus: LocalBus) -> None:
    event = {
        "specversion": "1.0", "id": "r1", "source": "s", "type": "rumour.detected",
        "time": "2026-11-22T00:00:00Z", "data": {"tenant": "t", "case": "c1"},
    }  # fmt: skip
    bus.append("case.events", b"c1", orjson.dumps(event))
    bus.append("case.events", b"c1", b"garbage")
    bus.run()
    (case,) = cases(bus, "rumour").values()
    assert case.rules == ["DSP-11-1", "DSP-11-2"]
    assert len(list(bus.records("quarantine"))) == 1
