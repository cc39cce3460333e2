"""What was refused, guarded or taken back stands once, wherever a worker dies between two of its records."""

from pathlib import Path

import pytest

from acts_at_hand import a_bus
from cases_at_hand import case, of_kind, standing, works
from local_bus import LocalBus
from steps.test_guard import (
    BAD,
    activate,
    ask,
    guards,
    let_go,
    people,
    plant,
    planted,
    roll_back,
    suspended,
)  # fmt: skip
from synthgate.events.decision import Decision
from synthgate.step import Waiting
from synthgate.steps.door import Answered
from synthgate.steps.lookup import Lookup
from synthgate.steps.partition import partition_of


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path, guard_users=5, guard_times=3)
    plant(bus)
    return bus


def here(count: int, name: str = "u") -> list[str]:
    """Users of partition 0."""
    return [user for user in people(count * 4, name) if place(user) == 0][:count]


def place(user: str) -> int:
    return partition_of(f"t/{user}".encode(), 2)


def hear_again(bus: LocalBus, decisions: list[Decision]) -> None:
    """A worker that was taken over had not confirmed these."""
    for partition in (0, 1):
        wanted = {one.decision for one in decisions}
        for number, record in enumerate(bus.logs["decisions", partition]):
            if Decision.model_validate_json(record.value or b"").decision in wanted:
                bus.read["incidents", "decisions", partition] = number
                break
    bus.start()


def test_two_refusals_heard_again_after_a_rollback_are_both_taken_back(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    bus.fact("facts.features", planted(severity=70))
    activate(bus, BAD)
    first = ask(bus, ["u"])
    second = ask(bus, ["u"])
    assert case(bus, f"content/{second[0].decision}").status == "found"
    roll_back(bus, tick=False)
    hear_again(bus, first + second)
    bus.run()
    bus.tick()
    bus.tick()
    held = standing(bus, "u")
    assert held is not None and (held.standing, held.causes) == ("ok", [])


def test_a_case_without_its_count_is_not_counted_after_the_rollback(bus: LocalBus) -> None:
    """The case was published, what is held against the user was not; the rollback is carried out first."""
    ends = {place: len(rows) for place, rows in bus.logs.items()}
    (decision,) = ask(bus, ["u"])
    at = place("u")
    for topic in ("standings", "work"):
        del bus.logs[topic, at][ends.get((topic, at), 0) :]
    rows = bus.logs["cases", at]
    rows[:] = [r for r in rows if (r.key or b"").startswith(b"content/")]
    hear_again(bus, [decision])
    roll_back(bus)
    bus.tick()
    bus.run()
    bus.tick()
    held = standing(bus, "u")
    assert held is None or (held.standing, held.causes) == ("ok", [])
    assert not works(bus, "notice.due")


def test_a_guard_whose_word_was_lost_is_said_when_its_refusal_is_heard_again(bus: LocalBus) -> None:
    decisions = ask(bus, here(5))
    waiting = decisions[-1]
    assert case(bus, f"content/{waiting.decision}").detail["waits"] == "guard"
    bus.logs["guards", 0].clear()
    hear_again(bus, decisions[-1:])
    bus.run()
    assert guards(bus)


@pytest.mark.parametrize("lost", ["work", "standings"])
def test_what_was_half_resumed_is_finished_when_another_guard_is_let_go_meanwhile(
    bus: LocalBus, lost: str
) -> None:
    users = here(8)
    ask(bus, users)
    for subject in ("rule/DSP-6-1", f"library/{BAD}"):
        let_go(bus, subject)
    before, cases = len(bus.logs[lost, 0]), len(bus.logs["cases", 0])
    let_go(bus, "entry/bad-01")
    del bus.logs[lost, 0][before:]
    said = bus.logs["cases", 0]
    said[cases:] = [r for r in said[cases:] if b'"status":"done"' not in (r.value or b"")]
    bus.start()
    let_go(bus, "entry/another")
    bus.tick()
    assert suspended(bus, users) == users
    assert len(works(bus, "notice.due")) == len(users)


def test_a_guard_let_go_while_another_is_still_being_resumed(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user who is done with the first act has more that waits for the second."""
    monkeypatch.setattr("synthgate.steps.reversal.USERS_AT_ONCE", 1)
    bus.fact(
        "facts.features",
        planted().model_copy(update={"entry": "bad-02", "value": "meadow"}),
    )
    users = here(8)
    ask(bus, users)
    ask(bus, users, {"content": {"prompt": "a poem about my meadow"}})
    for subject in ("rule/DSP-6-1", f"library/{BAD}", "entry/bad-01", "entry/bad-02"):
        let_go(bus, subject)
    for _ in range(20):
        bus.tick()
    assert not [row.case for row in of_kind(bus, "content") if "waits" in row.detail]


def test_a_guard_fired_by_a_batch_that_waits_is_said(
    bus: LocalBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the batch owed is thrown away; tried again, it owes the guard's word again."""
    fetch = Lookup.fetch
    waited: list[int] = []

    def away_once(lookup: Lookup, log: int, index: int) -> Answered:
        if list(bus.parts.registries.guards.rows()) and not waited:
            waited.append(index)
            raise Waiting("ledger", "the log cannot be read now")
        return fetch(lookup, log, index)

    monkeypatch.setattr(Lookup, "fetch", away_once)
    with pytest.raises(Waiting):
        ask(bus, here(7))
    assert waited and not guards(bus)
    bus.run()
    assert guards(bus).keys() == {
        "0/entry/bad-01", f"0/library/{BAD}", "0/rule/DSP-6-1",
    }  # fmt: skip
    bus.tick()
    assert len(list(bus.records("guards"))) == 3
