"""Which surges a rollback answers: of versions withdrawn, of their new entries, of a rule until then."""

from pathlib import Path

import pytest

from acts_at_hand import a_bus
from cases_at_hand import case, of_kind
from local_bus import LocalBus
from steps.test_guard import (
    BAD,
    BOTH,
    HEROIN,
    ask,
    guards,
    let_go,
    people,
    plant,
    roll_back,
    suspended,
    unanswered,
)
from synthgate.events.facts import GuardRow
from synthgate.steps.resting import Resting


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path, guard_users=5, guard_times=3)
    plant(bus)
    return bus


def subjects(bus: LocalBus) -> set[str]:
    return {name.partition("/")[2] for name in guards(bus)}


def older(bus: LocalBus) -> str:
    """The entry that was there before the version taken back."""
    (name,) = {name for name in subjects(bus) if name.startswith("entry/")} - {"entry/bad-01"}
    return name


def test_nothing_waits_any_more_for_an_entry_that_was_withdrawn(bus: LocalBus) -> None:
    ask(bus, people(40))
    assert "entry/bad-01" in subjects(bus) and unanswered(bus)
    roll_back(bus)
    assert unanswered(bus) == 0
    assert suspended(bus, people(40)) == []


def test_the_guard_of_an_older_entry_stays_and_so_does_what_waits_for_it(bus: LocalBus) -> None:
    """Refused for a withdrawn word and another: the other carries it now; its surge is not answered."""
    users = people(40)
    ask(bus, users, BOTH)
    before = suspended(bus, users)
    assert len(before) == 5 - 1
    roll_back(bus)
    held = {row.subject for row in bus.parts.registries.guards.rows() if row.came != BAD}
    assert older(bus) in held and unanswered(bus) > 0
    assert suspended(bus, users) == before
    assert sum(row.detail.get("waits") == "guard" for row in of_kind(bus, "content")) == 36
    let_go(bus, older(bus))
    assert unanswered(bus) == 0
    assert suspended(bus, users) == users


def test_without_a_guard_of_its_own_what_the_other_word_carries_is_counted(bus: LocalBus) -> None:
    ask(bus, people(40))
    ask(bus, ["both"], BOTH)
    assert suspended(bus, ["both"]) == []
    roll_back(bus)
    assert suspended(bus, ["both", *people(40)]) == ["both"]


def test_what_was_refused_before_a_rollback_and_heard_after_it_fires_nothing_anew(
    bus: LocalBus,
) -> None:
    stages = bus.stages
    bus.stages = [stage for stage in stages if stage.name != "incidents"]
    ask(bus, people(40), BOTH)
    roll_back(bus, tick=False)
    bus.stages = stages
    bus.run()
    assert subjects(bus) == {older(bus)}


def test_a_case_of_before_versions_were_kept_by_entry_is_read(bus: LocalBus) -> None:
    """It says of its entries only with which version the oldest came."""
    (decision,) = ask(bus, ["u"], HEROIN)
    (row,) = [one for one in of_kind(bus, "content") if one.cause == decision.decision]
    rests = Resting.of(row)
    assert rests is not None and len(rests.came) == len(rests.entries) == 1
    del row.detail["rests"]["came"]
    assert Resting.of(row) == rests


def test_a_surge_of_before_they_were_is_answered_by_two_people_alone(bus: LocalBus) -> None:
    ask(bus, people(40))
    rows = list(bus.parts.registries.guards.rows())
    roll_back(bus)
    back = bus.parts.registries.control.taken_back()
    (bad, *_) = [row for row in rows if row.subject == "entry/bad-01"]
    assert back.answer(bad) == f"rollback/{BAD}"
    assert back.answer(GuardRow(**bad.model_dump(exclude={"came"}))) is None


def test_a_case_that_waited_before_reports_had_a_time_is_given_one(bus: LocalBus) -> None:
    """Rows of a version in which what waited had no report due (ADR 0033)."""
    ask(bus, people(40))
    waiting = [row for row in of_kind(bus, "content") if row.detail.get("waits") == "guard"]
    told = waiting[0]
    assert [one.id for one in told.deadlines] == ["report.sent"]
    old = {"version": told.version + 1, "deadlines": [], "due_at": None}
    body = told.model_copy(update=old).model_dump_json().encode()
    where = bus.parts.cases.where(told.case)
    bus.append("cases", told.case.encode(), body, partition=where)
    bus.start()
    bus.tick()
    now = case(bus, told.case)
    assert (now.version, now.deadlines, now.due_at) == (
        told.version + 2, told.deadlines, told.due_at,
    )  # fmt: skip
    bus.tick()
    assert case(bus, told.case) == now
