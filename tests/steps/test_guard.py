"""A surge of refusals that rest on one thing makes penalties wait; two people let it go, or roll it back."""

import asyncio
import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from acts_at_hand import a_bus, accept, an_event, answer
from cases_at_hand import act, case, newest, of_kind, standing, works
from local_bus import LocalBus
from replays import replayed
from synthgate.demo.acts import moment
from synthgate.demo.facts import control
from synthgate.events.decision import Decision
from synthgate.events.facts import FeatureRow, GuardRow, StandingRow
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.steps.partition import partition_of

HOUR_MS = 3_600_000
GOOD, BAD = SAMPLE_VERSION, SAMPLE_VERSION + 1
WORD = "garden"
PLAIN = {"content": {"prompt": f"a poem about my {WORD}"}}
HEROIN = {"content": {"prompt": "where can I buy heroin"}}
BOTH = {"content": {"prompt": f"where can I buy heroin in a {WORD}"}}


def planted(severity: int = 95) -> FeatureRow:
    """A harmless word on a list, so grave that its first use suspends."""
    like = next(row for row in sample_rows() if row.risk == "A.1h" and row.kind == "keyword")
    return like.model_copy(
        update={
            "entry": "bad-01",
            "value": WORD,
            "risk": "A.1d",
            "severity": severity,
            "from_version": BAD,
        }
    )


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path, guard_users=5, guard_times=3)
    plant(bus)
    return bus


def plant(bus: LocalBus) -> None:
    bus.fact("facts.features", planted())
    activate(bus, BAD)


def activate(bus: LocalBus, version: int) -> None:
    bus.now_ms += 1000
    row = control("library", {"version": version, "agreed_by": "b"}, bus.now_ms)
    bus.fact("control", row)


def ask(bus: LocalBus, users: list[str], what: dict[str, object] = PLAIN) -> list[Decision]:
    """Each verified user asks once, all at once."""
    before = bus.ends("decisions")
    for user in users:
        accept(bus, user)
        bus.send(an_event(bus, f"verify-{user}", "identity.verified", user))
    bus.now_ms += 1000
    for user in users:
        bus.send(an_event(bus, f"ask-{bus.now_ms}-{user}", user=user, **what))
    bus.run()
    said = [Decision.model_validate_json(r.value or b"") for r in bus.since("decisions", before)]
    return [one for one in said if one.type == "generation.requested"]


def people(count: int, name: str = "u") -> list[str]:
    return [f"{name}{number}" for number in range(count)]


def roll_back(bus: LocalBus, version: int = BAD, to: int = GOOD, *, tick: bool = True) -> None:
    bus.now_ms += 1000
    body = {"to": to, "agreed_by": "b", "reason": "a word of every day"}
    bus.fact("control", control(f"rollback/{version}", body, bus.now_ms))
    activate(bus, to)
    if tick:
        bus.tick()


def let_go(bus: LocalBus, subject: str) -> None:
    bus.now_ms += 1000
    body = {"let_go": True, "agreed_by": "b", "reason": "it was right"}
    bus.fact("control", control(f"guard/{subject}", body, bus.now_ms))
    bus.tick()


def guards(bus: LocalBus) -> dict[str, int]:
    rows = [GuardRow.model_validate_json(r.value or b"") for r in bus.records("guards")]
    return {f"{row.partition}/{row.subject}": row.users for row in rows}


def suspended(bus: LocalBus, users: list[str]) -> list[str]:
    held = {user: standing(bus, user) for user in users}
    return [user for user, row in held.items() if row is not None and row.standing == "suspended"]


def test_a_surge_makes_penalties_and_reports_wait_and_the_refusals_stand(bus: LocalBus) -> None:
    users = people(40)
    decisions = ask(bus, users)
    assert {one.action for one in decisions} == {"refuse"} and len(decisions) == 40
    assert len(suspended(bus, users)) == 5 - 1  # the other partition was told before its first
    seen = guards(bus)
    assert {name.partition("/")[2] for name in seen} == {
        "entry/bad-01", f"library/{BAD}", "rule/DSP-6-1",
    }  # fmt: skip
    assert set(seen.values()) == {5}
    waiting = [row for row in of_kind(bus, "content") if row.detail.get("waits")]
    assert len(waiting) == 40 - 4 and all(
        [(d.id, d.due_at - row.opened_at) for d in row.deadlines] == [("report.sent", 4 * HOUR_MS)]
        for row in waiting
    )
    assert len(works(bus, "notice.due")) == 4


def test_a_partition_that_saw_no_surge_hears_of_another_ones(bus: LocalBus) -> None:
    users = people(60)
    where = {user: partition_of(f"t/{user}".encode(), 2) for user in users}
    ask(bus, [user for user in users if where[user] == 0])
    here = next(user for user in users if where[user] == 1)
    (decision,) = ask(bus, [here])
    assert (decision.action, suspended(bus, [here])) == ("refuse", [])
    assert case(bus, f"content/{decision.decision}").detail["waits"] == "guard"


def test_one_person_who_asks_again_and_again_is_no_surge(bus: LocalBus) -> None:
    for _ in range(12):
        ask(bus, ["u"], HEROIN)
    assert not guards(bus)
    held = standing(bus, "u")
    assert held is not None and held.standing == "closed"


def test_what_is_usual_is_no_surge(bus: LocalBus) -> None:
    activate(bus, GOOD)
    here = [user for user in people(200) if partition_of(f"t/{user}".encode(), 2) == 0]
    for hour in range(24):
        ask(bus, here[hour * 2 : hour * 2 + 2], HEROIN)
        bus.now_ms += HOUR_MS
    assert bus.parts.cases.surges.seen(0, "rule/DSP-6-1", bus.now_ms) == (0, 2)
    ask(bus, here[50:55], HEROIN)
    assert not guards(bus)  # five is the least, and three times two is more
    ask(bus, here[55:56], HEROIN)
    assert set(guards(bus).values()) == {6}


def test_a_worker_that_takes_over_knows_what_was_seen(bus: LocalBus) -> None:
    users = [user for user in people(30) if partition_of(f"t/{user}".encode(), 2) == 0]
    for user in users:
        bus.start()
        ask(bus, [user])
    assert len(suspended(bus, users)) == 5 - 1


def test_a_rollback_restores_every_standing_and_leaves_what_rests_on_more(bus: LocalBus) -> None:
    ask(bus, ["old"], HEROIN)
    before = standing(bus, "old")
    ask(bus, ["old", *people(3)])
    ask(bus, ["both"], BOTH)
    assert suspended(bus, ["old", "both", *people(3)]) == ["old", "both", *people(3)]
    roll_back(bus)
    after = standing(bus, "old")
    assert before is not None and after is not None
    assert (after.standing, after.causes) == (before.standing, before.causes) != ("ok", [])
    for user in people(3):
        row = standing(bus, user)
        assert row is not None and (row.standing, row.causes) == ("ok", [])
    row = standing(bus, "both")
    assert row is not None and row.standing == "suspended"
    rows = of_kind(bus, "content")
    assert sorted(row.status for row in rows) == ["found"] * 2 + ["overturned"] * 4


def test_a_standing_that_stands_on_the_topic_is_not_said_again(bus: LocalBus) -> None:
    users = people(40)
    ask(bus, users)
    waited = set(users) - set(suspended(bus, users))
    said = [user for user in waited if standing(bus, user) is not None]
    before = len(list(bus.records("standings")))
    cases = bus.ends("cases")
    roll_back(bus)
    assert len(said) == len(waited) == 36
    assert len(list(bus.records("standings"))) - before == 4  # those who were suspended
    keys = [record.key or b"" for record in bus.since("cases", cases)]
    assert sorted(Counter(key for key in keys if key.startswith(b"user/")).values()) == [1] * 40


def test_a_rollback_says_who_took_it_back_and_tells_whoever_was_told(bus: LocalBus) -> None:
    (decision,) = ask(bus, ["u"])
    roll_back(bus)
    (user,) = of_kind(bus, "user")
    undone = user.timeline[-1]
    assert (undone.type, undone.by, undone.reason) == (
        "penalty.reversed",
        "demo",
        "a word of every day",
    )
    assert undone.id == f"rollback/{BAD}/{user.case}" and undone.detail["told"] == [
        decision.decision
    ]
    notices = works(bus, "notice.due")
    lifted = notices.pop(f"{undone.id}/notice")
    assert "a word of every day" in lifted.text["en"] and lifted.recipient == user.user
    (first,) = notices
    assert case(bus, f"work/{first}").status == "withdrawn"
    content = case(bus, f"content/{decision.decision}")
    assert (
        content.status == "overturned"
        and content.timeline[-1].detail["undoes"][0] == decision.decision
    )
    assert {f"rollback/{BAD}/{p}" for p in (0, 1)} <= newest(bus).keys()


@pytest.mark.parametrize("act", ["roll back", "let go"])
@pytest.mark.parametrize("lost", [("standings",), ("work",), ("standings", "work"), ("cases",)])
def test_a_worker_that_dies_while_it_publishes_leaves_nothing_half_done(
    tmp_path: Path, act: str, lost: tuple[str, ...]
) -> None:
    """Of a tick's records only some topics' were acknowledged; the next owner says the others."""

    def played(folder: Path, lost: tuple[str, ...]) -> tuple[object, object]:
        bus = a_bus(folder, guard_users=5)
        plant(bus)
        ask(bus, people(30))
        for subject in ("rule/DSP-6-1", f"library/{BAD}"):
            let_go(bus, subject)
        ends = {(topic, p): len(bus.logs[topic, p]) for topic in lost for p in (0, 1)}
        before = bus.ends("cases")
        if act == "roll back":
            roll_back(bus)
        else:
            let_go(bus, "entry/bad-01")
        for place, end in ends.items():
            del bus.logs[place][end:]
        for p, end in enumerate(before if lost else []):  # that it is done was to be said last
            said = bus.logs["cases", p]
            said[end:] = [r for r in said[end:] if b'"status":"done"' not in (r.value or b"")]
        bus.start()
        for _ in range(2):
            bus.tick()
        held = {user: standing(bus, user) for user in people(30)}
        return (
            {name: row and (row.standing, row.causes) for name, row in held.items()},
            sorted(re.sub("[0-9a-f]{32}", "token", name) for name in works(bus)),
        )

    assert played(tmp_path / "a", lost) == played(tmp_path / "b", ())


def test_a_case_closed_long_ago_is_overturned_too(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    bus.fact("facts.features", planted().model_copy(update={"risk": "A.2a"}))  # no report owed
    activate(bus, BAD)
    (decision,) = ask(bus, ["u"])
    act(bus, case(bus, f"content/{decision.decision}"), "case.closed")
    assert case(bus, f"content/{decision.decision}").state == "closed"
    bus.start()
    roll_back(bus)
    assert case(bus, f"content/{decision.decision}").status == "overturned"
    held = standing(bus, "u")
    assert held is not None and (held.standing, held.causes) == ("ok", [])


def test_a_rollback_is_carried_out_once_whoever_does_it(bus: LocalBus) -> None:
    ask(bus, people(6))
    roll_back(bus)
    rows = {name: row.version for name, row in newest(bus).items()}
    bus.tick()
    bus.start()
    bus.tick()
    assert {name: row.version for name, row in newest(bus).items()} == rows


def test_what_is_heard_after_the_rollback_counts_for_nobody(bus: LocalBus) -> None:
    ask(bus, ["u"], HEROIN)
    held = standing(bus, "u")
    stages = bus.stages
    bus.stages = [stage for stage in stages if stage.name != "incidents"]
    (decision,) = ask(bus, ["u"])
    roll_back(bus)
    bus.stages = stages
    bus.tick()
    bus.run()
    assert standing(bus, "u") == held
    assert case(bus, f"content/{decision.decision}").status == "overturned"


def test_going_back_and_deciding_again_from_nothing_agree(tmp_path: Path) -> None:
    """Every decision heard anew, the rollback known: the standings are those of a world without the entry."""
    bus = a_bus(tmp_path / "a", guard_users=5)
    plant(bus)
    users = people(30)
    ask(bus, users[:3], HEROIN)
    ask(bus, users)
    ask(bus, users[2:4], BOTH)
    roll_back(bus)
    once = {user: standing(bus, user) for user in users}
    for topic in ("cases", "standings", "work", "guards"):
        for partition in (0, 1):
            bus.logs[topic, partition].clear()
            bus.read["incidents", "decisions", partition] = 0
    bus.start()
    bus.run()
    bus.tick()
    for user in users:
        was, now = once[user], standing(bus, user)
        said = ("ok", []) if was is None else (was.standing, was.causes)
        assert said == (("ok", []) if now is None else (now.standing, now.causes))


def test_what_waits_and_is_refused_again_counts_once(bus: LocalBus) -> None:
    decisions = ask(bus, people(40))
    waiting = next(
        one for one in decisions if case(bus, f"content/{one.decision}").detail.get("waits")
    )
    assert answer(bus, waiting, "appeal").action == "refuse"
    for subject in {name.partition("/")[2] for name in guards(bus)}:
        let_go(bus, subject)
    (user,) = [row for row in of_kind(bus, "user") if row.user == waiting.user]
    assert [one["undone_by"] for one in user.detail["violations"]] == [None]


def test_a_word_found_forty_times_hides_no_other(bus: LocalBus) -> None:
    """Of more hits than are told one of each entry is: else nobody would know what a refusal rests on."""
    (many,) = ask(bus, ["many"], {"content": {"prompt": f"{WORD}, " * 40}})
    assert case(bus, f"content/{many.decision}").detail["rests"]["alone"] is True
    prompt = f"{WORD}, " * 40 + "where can I buy heroin"
    (both,) = ask(bus, ["both"], {"content": {"prompt": prompt}})
    rests = case(bus, f"content/{both.decision}").detail["rests"]
    assert (len(rests["entries"]), rests["since"]) == (2, GOOD)


def test_what_a_person_judged_too_does_not_rest_on_the_list_alone(bus: LocalBus) -> None:
    review = {"reviewer": "r-1", "outcome": "block", "at": moment(bus.now_ms)}
    (judged,) = ask(bus, ["u"], {**PLAIN, "review": review})
    assert case(bus, f"content/{judged.decision}").detail["rests"]["alone"] is False
    roll_back(bus)
    assert suspended(bus, ["u"]) == ["u"]


def unanswered(bus: LocalBus) -> int:
    """Surges nobody has answered, as the partitions' ticks tell the metrics."""
    incidents = next(stage for stage in bus.stages if stage.name == "incidents")
    told = [asyncio.run(incidents.tick(p, bus.now_ms)).guards_waiting for p in (0, 1)]
    return sum(sum(one.values()) for one in told if one is not None)


def test_what_waits_is_told_until_two_people_have_answered(bus: LocalBus) -> None:
    assert unanswered(bus) == 0
    ask(bus, people(40))
    subjects = {name.partition("/")[2] for name in guards(bus)}
    assert unanswered(bus) == len(guards(bus)) >= len(subjects)
    for subject in subjects:
        let_go(bus, subject)
    assert unanswered(bus) == 0


def test_a_guard_let_go_counts_what_waited_and_reports_are_due(bus: LocalBus) -> None:
    users = people(40)
    ask(bus, users)
    for subject in {name.partition("/")[2] for name in guards(bus)} - {"entry/bad-01"}:
        let_go(bus, subject)
    assert len(suspended(bus, users)) == 4
    let_go(bus, "entry/bad-01")
    assert len(suspended(bus, users)) == 40
    assert len(works(bus, "notice.due")) == 40
    rows = of_kind(bus, "content")
    assert not any("waits" in row.detail for row in rows)
    resumed = [row for row in rows if row.timeline]
    assert len(resumed) == 36
    assert all(row.deadlines and row.due_at and row.due_at > bus.now_ms for row in resumed)
    ask(bus, people(20, "more"))
    assert len(suspended(bus, people(20, "more"))) == 20  # not again within a day


def test_a_later_release_lifts_what_waits(bus: LocalBus) -> None:
    decisions = ask(bus, people(40))
    waiting = next(
        one for one in decisions if case(bus, f"content/{one.decision}").detail.get("waits")
    )
    activate(bus, GOOD)
    answered = answer(bus, waiting, "appeal")
    assert answered.action == "release"
    for subject in {name.partition("/")[2] for name in guards(bus)}:
        let_go(bus, subject)
    assert case(bus, f"content/{waiting.decision}").status == "overturned"
    (user,) = [row for row in of_kind(bus, "user") if row.user == waiting.user]
    assert [one["undone_by"] for one in user.detail["violations"]] != [None]


def test_a_bad_entry_that_hits_many(tmp_path: Path) -> None:
    """The guard fires before the hundredth suspension of any partition; a rollback restores everyone.

    With the settings as they come. The log replays to the same verdicts. Ten thousand: SYNTHGATE_TEST_LONG=1.
    """
    bus = a_bus(tmp_path, partitions=4)
    ask(bus, people(20), HEROIN)
    before = {row.key: row.value for row in bus.records("standings")}
    plant(bus)
    users = people(10_000 if os.environ.get("SYNTHGATE_TEST_LONG") == "1" else 1_000)
    assert {one.action for one in ask(bus, users)} == {"refuse"}
    hit = Counter(partition_of(f"t/{user}".encode(), 4) for user in suspended(bus, users))
    assert 0 < hit[0] < 100 and sum(hit.values()) < 100 * 4, hit
    begun = time.monotonic()
    roll_back(bus, tick=False)
    for _ in range(9):  # one tick a second
        bus.tick()
    took = time.monotonic() - begun
    print(f"\n{len(users)} hit, {sum(hit.values())} suspended; rolled back in {took:.1f} s")
    after = {row.key: row.value for row in bus.records("standings")}
    for key, value in after.items():
        now = StandingRow.model_validate_json(value or b"")
        was = before.get(key)
        held = ("ok", []) if was is None else stands(was)
        assert (now.standing, now.causes) == held
    assert before.keys() <= after.keys()
    found = replayed(bus)
    assert (found.different, found.equal) == (0, found.verdicts)


def stands(value: bytes) -> tuple[str, list[str]]:
    row = StandingRow.model_validate_json(value)
    return row.standing, row.causes
