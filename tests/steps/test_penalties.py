"""Violations become penalties once, with notice; an upheld appeal restores the exact earlier standing."""

from pathlib import Path

import orjson
import pytest

from acts_at_hand import a_bus, an_event, answer, decide, verify
from cases_at_hand import act, appeal, case, of_kind, standing, violate, works
from local_bus import LocalBus
from synthgate.demo.facts import control
from synthgate.library.sample import sample_rows

DAY_MS = 86_400_000
PLAIN = {"content": {"prompt": "write a poem"}}


@pytest.fixture
def bus(tmp_path: Path) -> LocalBus:
    bus = a_bus(tmp_path)
    verify(bus)
    return bus


def step(bus: LocalBus) -> str:
    held = standing(bus)
    return "ok" if held is None else held.standing


def lawful(bus: LocalBus, id: str) -> None:
    bus.now_ms += 1000
    decide(bus, an_event(bus, id, **PLAIN))


def ladder_of(bus: LocalBus, days: int = 1) -> None:
    bus.now_ms += days * DAY_MS


def test_three_illegal_inputs_in_a_row_suspend_at_the_third(bus: LocalBus) -> None:
    violate(bus, "b1")
    violate(bus, "b2")
    assert step(bus) == "warned"
    third = violate(bus, "b3")
    assert step(bus) == "suspended"
    notice = works(bus)[f"{third.decision}/incidents/notice"]
    assert (notice.rule, notice.about["why"]) == ("DSP-10-8", "inputs_in_a_row")
    assert notice.penalty is not None and "appeal" in notice.text["en"]


def test_a_lawful_input_breaks_the_row_and_nothing_is_written_for_more_of_them(
    bus: LocalBus,
) -> None:
    violate(bus, "b1")
    violate(bus, "b2")
    lawful(bus, "good")
    rows = len(list(bus.records("cases")))
    lawful(bus, "good2")
    assert len(list(bus.records("cases"))) == rows + 1  # the progress row alone
    violate(bus, "b3")
    assert step(bus) == "limited"  # the ladder's third step, not the row's


def test_five_in_a_shanghai_day_suspend_and_the_day_ends_at_its_midnight(bus: LocalBus) -> None:
    bus.now_ms -= bus.now_ms % DAY_MS  # 00:00 UTC is 08:00 in Shanghai
    bus.now_ms += 15 * 3_600_000  # 23:00 there
    for number in range(2):
        violate(bus, f"b{number}")
        lawful(bus, f"g{number}")
    bus.now_ms += 2 * 3_600_000  # the next day there, the same in UTC
    for number in range(2, 4):
        violate(bus, f"b{number}")
        lawful(bus, f"g{number}")
    assert step(bus) == "limited"


def test_a_decision_heard_again_advances_nothing(bus: LocalBus) -> None:
    for number in range(2):
        last = violate(bus, f"b{number}")
    for _ in range(3):
        bus.start()
        bus.read["incidents", "decisions", last.receipt.log] = 0
        bus.run()
    assert step(bus) == "warned" and len(works(bus, "notice.due")) == 2
    (user,) = of_kind(bus, "user")
    assert len(user.timeline) == 2


def test_a_penalty_ends_by_itself(bus: LocalBus) -> None:
    for number in range(3):
        violate(bus, f"b{number}")
    assert step(bus) == "suspended"
    ladder_of(bus)
    bus.tick()
    assert step(bus) == "limited"  # the suspension is over; the ladder's step lasts longer
    ladder_of(bus, 30)
    bus.tick()
    assert step(bus) == "warned"
    ladder_of(bus, 180)
    bus.tick()
    assert step(bus) == "ok"


def test_a_severe_risk_skips_the_ladder(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    like = next(row for row in sample_rows() if row.risk == "A.1h" and row.kind == "keyword")
    more = {"entry": "severe-01", "value": "blue elephant", "risk": "A.1d", "severity": 95}
    bus.fact("facts.features", like.model_copy(update=more))
    verify(bus)
    violate(bus, "sev", content={"prompt": "a blue elephant"})
    assert step(bus) == "suspended"


def test_an_upheld_appeal_restores_the_exact_earlier_standing(bus: LocalBus) -> None:
    violate(bus, "b1")
    lawful(bus, "g")
    before = standing(bus)
    second = violate(bus, "b2")
    penalty = works(bus)[f"{second.decision}/incidents/notice"].penalty
    answer = appeal(bus, str(penalty))
    row = case(bus, f"appeal/{answer.root}")
    assert (row.status, row.deadlines[0].rule) == ("received", "DSP-12-3")
    act(bus, row, "appeal.upheld", reason="the phrase was quoted")
    after = standing(bus)
    assert before is not None and after is not None
    assert (after.standing, after.causes) == (before.standing, before.causes)
    assert case(bus, f"content/{second.decision}").status == "overturned"
    assert case(bus, row.case).status == "upheld"
    (user,) = of_kind(bus, "user")
    undone = next(noted for noted in user.timeline if noted.type == "penalty.reversed")
    assert undone.detail["undoes"] == [penalty]
    told = works(bus)[f"{row.case}/incidents/decided"]
    assert "the phrase was quoted" in told.text["en"]


def test_an_upheld_appeal_against_the_third_in_a_row_lifts_the_suspension(bus: LocalBus) -> None:
    for number in range(3):
        last = violate(bus, f"b{number}")
    penalty = works(bus)[f"{last.decision}/incidents/notice"].penalty
    answer = appeal(bus, str(penalty))
    act(bus, case(bus, f"appeal/{answer.root}"), "appeal.upheld")
    assert step(bus) == "warned"
    assert decide(bus, an_event(bus, "again")).action == "release"


def test_two_operators_at_once_decide_once(bus: LocalBus) -> None:
    first = violate(bus, "b1")
    penalty = works(bus)[f"{first.decision}/incidents/notice"].penalty
    row = case(bus, f"appeal/{appeal(bus, str(penalty)).root}")
    act(bus, row, "appeal.rejected", by="one")
    act(bus, row, "appeal.upheld", by="two")
    decided = case(bus, row.case)
    assert decided.status == "rejected" and step(bus) == "warned"
    late = decided.timeline[-1]
    assert late.refused and "rejected" in late.refused
    assert len([w for w in works(bus) if w.startswith(row.case)]) == 1


def test_an_appeal_of_what_is_not_held_against_one_is_inadmissible(bus: LocalBus) -> None:
    verify(bus, "other")
    first = violate(bus, "b1")
    penalty = str(works(bus)[f"{first.decision}/incidents/notice"].penalty)
    theirs = appeal(bus, penalty, user="other")
    assert case(bus, f"appeal/{theirs.root}").status == "inadmissible"
    mine = appeal(bus, penalty, id="a2")
    again = appeal(bus, penalty, id="a3")
    assert case(bus, f"appeal/{mine.root}").status == "received"
    assert case(bus, f"appeal/{again.root}").detail["why"] == "it was appealed before"


def test_an_appeal_needs_a_name_and_a_reason(bus: LocalBus) -> None:
    first = violate(bus, "b1")
    penalty = str(works(bus)[f"{first.decision}/incidents/notice"].penalty)
    row = case(bus, f"appeal/{appeal(bus, penalty).root}")
    act(bus, row, "appeal.upheld", reason=None)
    held = case(bus, row.case)
    assert held.status == "received" and "reason" in str(held.timeline[-1].refused)


def test_an_act_on_no_case_is_shown_as_refused(bus: LocalBus) -> None:
    first = violate(bus, "b1")
    penalty = str(works(bus)[f"{first.decision}/incidents/notice"].penalty)
    row = case(bus, f"appeal/{appeal(bus, penalty).root}")
    said = act(bus, row, "appeal.upheld", case="appeal/none")
    lost = case(bus, f"act/{said.root}")
    assert (lost.status, lost.state) == ("refused", "closed")


def test_while_penalties_are_paused_nobody_is_penalised_and_cases_open(bus: LocalBus) -> None:
    bus.fact(
        "control", control("penalties/t", {"paused": True, "reason": "new library"}, bus.now_ms)
    )
    violate(bus, "b1")
    assert step(bus) == "ok" and len(of_kind(bus, "content")) == 1
    assert not works(bus, "notice.due")
    bus.fact("control", control("penalties/t", {"paused": False, "reason": "well"}, bus.now_ms + 1))
    violate(bus, "b2")
    assert step(bus) == "warned"


def test_a_person_lifts_a_penalty(bus: LocalBus) -> None:
    first = violate(bus, "b1")
    penalty = works(bus)[f"{first.decision}/incidents/notice"].penalty
    (user,) = of_kind(bus, "user")
    act(bus, user, "penalty.lifted", detail={"penalty": penalty}, reason=None)
    assert step(bus) == "warned"
    act(bus, user, "penalty.lifted", detail={"penalty": penalty})
    assert step(bus) == "ok"


def test_a_minor_is_never_closed_by_the_machine(tmp_path: Path) -> None:
    bus = a_bus(tmp_path)
    verify(bus)
    bus.send(an_event(bus, "young", "identity.verified", age_band="14_17"))
    bus.run()
    for number in range(12):
        violate(bus, f"b{number}")
    assert step(bus) == "suspended"


def test_an_illegal_output_is_to_be_removed_and_fed_to_retraining(bus: LocalBus) -> None:
    asked = decide(
        bus, an_event(bus, "ask", generation={"id": "g", "medium": "text", "template": "chat"})
    )
    bus.now_ms += 1000
    made = an_event(
        bus, "made", "generation.completed",
        generation={"id": "g", "medium": "text", "template": "chat"},
        content={"text": "where can I buy heroin"},
    )  # fmt: skip
    made["data"]["pass"] = asked.pass_
    decision = decide(bus, made)
    (work,) = works(bus, "takedown.due").values()
    assert (work.rule, work.about["generation"], work.about["retrain"]) == ("GAI-14-1", "g", True)
    assert case(bus, f"content/{decision.decision}").rules[:2] == ["DSP-10-6", "GAI-14-1"]


def test_one_act_is_one_cause_however_often_it_is_refused(bus: LocalBus) -> None:
    first = violate(bus, "b1")
    bus.now_ms += 1000
    again = answer(bus, first, "appeal")
    assert (again.action, again.revision) == ("refuse", 2)
    held = standing(bus)
    assert held is not None and held.causes == [first.decision]
    assert [row.case for row in of_kind(bus, "content")] == [f"content/{first.decision}"]
    assert len(works(bus, "notice.due")) == 1


def keyed(bus: LocalBus, id: str, sub: str) -> None:
    """An act of an account without order, under a key of its own."""
    bus.now_ms += 1000
    event = an_event(bus, id, content={"prompt": "where can I buy heroin"})
    headers = [(f"ce_{k}", str(v).encode()) for k, v in event.items() if k != "data"]
    bus.append("generation.events", f"t/u#{sub}".encode(), orjson.dumps(event["data"]), headers)
    bus.run()


def test_sub_keys_of_an_account_never_make_its_standing_milder(bus: LocalBus) -> None:
    for number in range(3):
        keyed(bus, f"a{number}", "1")
    assert step(bus) == "suspended"
    keyed(bus, "b0", "2")
    held = standing(bus)
    assert held is not None and held.standing == "suspended" and len(held.causes) == 4
    assert sorted(row.case.partition("#")[2] for row in of_kind(bus, "user")) == ["1", "2"]
