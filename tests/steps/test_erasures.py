"""Who asks to be forgotten is answered; the case stays open until the proof is there (PIPL-47-1, GAI-11-1)."""

from pathlib import Path

import pytest

from acts_at_hand import a_bus, an_event, decide, verify
from cases_at_hand import act, case, done, of_kind, tell, violate, works
from local_bus import LocalBus
from synthgate.demo.acts import moment
from synthgate.events.decision import CaseRow
from synthgate.ledger.expiry import DAY_MS

PROOF = {"register_sha256": "ab" * 32}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def ask(bus: LocalBus, name: str = "forget") -> CaseRow:
    decision = decide(bus, an_event(bus, name, "erasure.requested"))
    assert decision.action == "release"
    return case(bus, f"erasure/{decision.root}")


def test_a_request_is_a_case_a_notice_and_an_end_to_all_use_but_storage(bus: LocalBus) -> None:
    held = ask(bus)
    assert (held.status, held.rules) == ("asked", ["PIPL-47-1", "GAI-11-1"])
    (clock,) = held.deadlines
    assert (clock.rule, clock.internal) == ("PIPL-47-1", True), "the law names no day: ours"
    assert clock.due_at >= held.opened_at + 184 * DAY_MS, "the log may not go before"
    owed = {row.kind: row for row in works(bus).values() if row.case == held.case}
    assert {kind: row.rule for kind, row in owed.items()} == {
        "notice.due": "GAI-11-1", "restriction.due": "PIPL-47-1",
    }  # fmt: skip
    assert all(row.recipient == held.user for row in owed.values())
    assert "2027" in owed["notice.due"].text["en"]


def test_heard_twice_it_is_one_case_and_what_was_answered_is_not_owed_again(bus: LocalBus) -> None:
    held = ask(bus)
    for name in works(bus):
        done(bus, name)
    bus.start()
    bus.read.clear()
    bus.run()
    assert [row.case for row in of_kind(bus, "erasure")] == [held.case]
    assert bus.parts.cases.open_work(held.case) == 0
    assert case(bus, held.case).state == "open", "that the work is done erases nothing"


def test_only_the_line_of_the_register_under_a_name_ends_it(bus: LocalBus) -> None:
    held = ask(bus)
    act(bus, held, "erasure.proved")
    assert case(bus, held.case).state == "open"
    act(bus, held, "erasure.proved", detail={"register_sha256": "it is gone, promised"})
    assert case(bus, held.case).timeline[-1].refused
    act(bus, held, "deletion.proved", detail=PROOF)
    assert case(bus, held.case).status == "asked"
    act(bus, held, "erasure.proved", detail=PROOF)
    now = case(bus, held.case)
    assert (now.state, now.status, now.deadlines[0].met_at is not None) == (
        "closed",
        "erased",
        True,
    )


def test_a_request_that_was_not_let_through_opens_nothing(bus: LocalBus) -> None:
    event = an_event(bus, "long-ago", "erasure.requested")
    event["time"] = moment(bus.now_ms - 90 * DAY_MS)
    assert decide(bus, event).action == "refuse"
    assert of_kind(bus, "erasure") == []
    violate(bus, "bad")
    assert of_kind(bus, "erasure") == []


def test_an_app_stores_request_is_a_case_that_the_pack_answers(bus: LocalBus) -> None:
    """DSP-13-1."""
    tell(bus, "app_store.requested", "store-9", detail={"store": "example"})
    held = case(bus, "order/t/store-9")
    assert (held.status, held.rules, held.deadlines) == ("received", ["DSP-13-1"], [])
    act(bus, held, "order.answered", detail={"manifest_sha256": "cd" * 32})
    assert case(bus, held.case).status == "answered"
