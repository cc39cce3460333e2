"""Incidents decides: which decision owes a case, and whether a person answers for it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import BOOK, LAW, TIME_MS
from synthgate.events.decision import Decision
from synthgate.law.policy import RISKS
from synthgate.law.reasons import texts
from synthgate.obligations.incidents import OBLIGATION, IncidentFacts, decide, facts_of


def a_reason(code="risk_refuse", where="risk:A.1h", obligation="moderation", rule="DSP-6-1"):
    return {
        "obligation": obligation, "rule": rule, "article": "DSP 6", "force": "statute", "code": code,
        "where": where,
    }  # fmt: skip


def a_decision(*reasons, **over):
    """A refusal of an illegal prompt by a known user, with your changes."""
    row = {
        "decision": "1/generation.events/3/17#1", "root": "1/generation.events/3/17",
        "origin": "1/generation.events/3/17", "tenant": "acme", "user": "token", "source": "app",
        "event_id": "e-1", "type": "generation.requested", "event_hash": "0" * 64, "generation": "g-1",
        "medium": "text", "revision": 1, "supersedes": None, "action": "refuse",
        "reasons": list(reasons or [a_reason()]), "verdicts": [], "objects": [], "label": None,
        "regimes": ["CN"], "enforced": True, "decided_at": TIME_MS,
        "receipt": {"log": 3, "index": 5, "hash": "0" * 64},
    }  # fmt: skip
    return Decision.model_validate(row | over)


def said(decision, law=LAW):
    return decide(decision, facts_of(decision), law, TIME_MS)


def faults(verdict):
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


A_CANARY = a_reason("canary", None, "retention", "HOUSE-canary")
CASE = ("DSP-10-6", "illegal_content", "risk:A.1h")
WARNING = ("DSP-10-7", "violation_by_user", None)
RETRAIN = ("GAI-14-1", "illegal_output", None)
IN_A_ROW = ("DSP-10-8", "inputs_in_a_row", None)
IN_A_DAY = ("DSP-10-8", "inputs_in_a_day", None)
LADDER = LAW.policy.incidents.ladder_at(TIME_MS)


def test_illegal_content_owes_a_case_and_its_user_a_warning():
    verdict = said(a_decision())
    assert (verdict.obligation, verdict.outcome) == ("incidents", "refuse")
    assert faults(verdict) == [CASE, WARNING]
    assert {code for _, code, _ in faults(verdict)} <= set(texts())


@pytest.mark.parametrize("rule", OBLIGATION.rules)
def test_dropping_a_rule_drops_what_it_owes(rule):
    verdict = said(a_decision(), BOOK.without(rule).at(TIME_MS))
    assert faults(verdict) == [fault for fault in (CASE, WARNING) if fault[0] != rule]


@pytest.mark.parametrize(
    ("kind", "found_in", "owed"),
    [
        ("generation.requested", "input", [CASE, WARNING]),
        ("generation.completed", "output", [CASE, RETRAIN, WARNING]),
        ("generation.segment", "output", [CASE, RETRAIN, WARNING]),
        ("scene.started", "output", [CASE, RETRAIN, WARNING]),
        ("content.published", "other", [CASE, WARNING]),
    ],
)
def test_what_the_service_made_is_fed_to_retraining_as_well(kind, found_in, owed):
    decision = a_decision(type=kind)
    assert facts_of(decision).found_in == found_in
    assert faults(said(decision)) == owed
    assert {code for _, code, _ in owed} <= set(texts())


def with_inputs(decision, in_a_row, in_a_day):
    facts = facts_of(decision).with_inputs(in_a_row, in_a_day)
    return faults(decide(decision, facts, LAW, TIME_MS))


@pytest.mark.parametrize(
    ("row_over", "day_over", "owed"),
    [
        (-1, -1, []),
        (0, -1, [IN_A_ROW]),
        (1, -1, [IN_A_ROW]),
        (-1, 0, [IN_A_DAY]),
        (-1, 1, [IN_A_DAY]),
        (0, 0, [IN_A_ROW, IN_A_DAY]),
    ],
)
def test_each_number_of_inputs_is_a_fault_once_it_is_reached(row_over, day_over, owed):
    counts = (LADDER.inputs_in_a_row + row_over, LADDER.inputs_in_a_day + day_over)
    assert with_inputs(a_decision(), *counts) == [CASE, WARNING, *owed]
    assert {code for _, code, _ in owed} <= set(texts())


@pytest.mark.parametrize(
    ("over", "owed"),
    [
        ({"type": "generation.completed"}, [CASE, RETRAIN, WARNING]),
        ({"type": "content.published"}, [CASE, WARNING]),
        ({"user": None}, [CASE]),
    ],
)
def test_only_what_a_known_user_puts_in_is_held_against_the_numbers(over, owed):
    counts = (LADDER.inputs_in_a_row, LADDER.inputs_in_a_day)
    assert with_inputs(a_decision(**over), *counts) == owed


def test_what_nobody_did_owes_a_case_alone():
    assert faults(said(a_decision(user=None))) == [CASE]


@pytest.mark.parametrize("code", ["wrong_key", "missing_key", "wrong_partition"])
def test_a_record_that_strayed_is_nobodys_act(code):
    stray = a_reason(code, "key", "identity", "HOUSE-partition")
    assert faults(said(a_decision(a_reason(), stray))) == [CASE]


def test_every_risk_once_in_order():
    twice = [a_reason(where=f"risk:{risk}") for risk in ("A.4b", "A.1h", "A.4b")]
    assert facts_of(a_decision(*twice)).risks == ("A.1h", "A.4b")
    assert faults(said(a_decision(*twice)))[:2] == [
        CASE,
        ("DSP-10-6", "illegal_content", "risk:A.4b"),
    ]


@pytest.mark.parametrize(
    ("reasons", "over"),
    [
        ((), {"action": "hold", "hold": "review"}),
        ((), {"action": "release"}),
        ((), {"action": "recall"}),
        ((a_reason("risk_review"),), {}),
        ((a_reason(obligation="labelling"),), {}),
        ((a_reason("unverified_request", "user", "identity", "DSP-9-2"),), {}),
        # Not the person's fault, or counted before.
        ((a_reason(), a_reason("expired", "/answer_by", "identity", "HOUSE-expired")), {}),
        ((a_reason(), a_reason("clock", "time", "identity", "HOUSE-clock")), {}),
        ((a_reason(), a_reason("superseded", "index:1", "retention", "HOUSE-superseded")), {}),
        ((a_reason(), A_CANARY), {}),
        ((), {"repeat_of": 0}),
        ((), {"enforced": False}),
    ],
)  # fmt: skip
def test_what_owes_nothing(reasons, over):
    verdict = said(a_decision(*reasons, **over))
    assert (verdict.obligation, verdict.outcome, verdict.reasons) == ("incidents", "pass", ())


def test_a_forged_canary_counts_like_anybodys():
    forged = a_reason("canary_forged", "/tenant", "identity", "HOUSE-canary")
    assert faults(said(a_decision(a_reason(), A_CANARY, forged))) == [CASE, WARNING]


def test_a_reason_without_a_place_is_no_risk_by_name():
    assert facts_of(a_decision(a_reason(where=None))).risks == ("",)


FACTS = st.builds(
    IncidentFacts,
    action=st.sampled_from(["release", "refuse", "hold", "recall"]),
    risks=st.lists(st.sampled_from(RISKS), max_size=3).map(tuple),
    attributed=st.booleans(),
    counted=st.booleans(),
)


@given(FACTS)
def test_decide_is_total_pure_and_the_same_from_the_record(facts):
    verdict = decide(a_decision(), facts, LAW, TIME_MS)
    assert decide(a_decision(), facts, LAW, TIME_MS) == verdict
    assert IncidentFacts.from_row(json.loads(json.dumps(facts.row()))) == facts
    assert (verdict.outcome == "refuse") == bool(
        facts.action == "refuse" and facts.risks and facts.counted
    )
