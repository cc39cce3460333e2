"""Retention decides: nothing is released that something before, the log, or what forbids now speaks against."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import BOOK, LAW, TIME_MS, event, stub
from synthgate.events.canary import TENANT
from synthgate.law.reasons import texts
from synthgate.obligations.retention import OBLIGATION, RetentionFacts, decide

BEFORE = ("identity", "consent", "moderation", "labelling")
ASK = event("generation.requested", {"prompt": "你好"})
GOOD = RetentionFacts(upstream=dict.fromkeys(BEFORE, "pass"))
KEEP_DAYS = LAW.policy.retention.keep_days


def said(made=ASK, law=LAW, **facts):
    return decide(made, replace(GOOD, **facts), law, TIME_MS)


def faults(verdict):
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


def upstream(**outcomes):
    return {duty: outcomes.get(duty, "pass") for duty in BEFORE if outcomes.get(duty) != "missing"}


@pytest.mark.parametrize("days", [None, KEEP_DAYS, KEEP_DAYS + 1])
def test_what_nothing_speaks_against_passes(days):
    made = ASK if days is None else event("generation.requested", keep_days=days)
    for outcomes in ({}, {"consent": "not_applicable", "labelling": "not_applicable"}):
        verdict = said(made, upstream=upstream(**outcomes))
        assert (verdict.obligation, verdict.outcome, verdict.reasons) == ("retention", "pass", ())


# event, facts, what is said
UNLAWFUL = [
    *(
        (ASK, {"upstream": upstream(**{duty: outcome})}, ("HOUSE-upstream", code, f"duty:{duty}"))
        for outcome, code in (("missing", "upstream_missing"), ("refuse", "upstream_refused"))
        for duty in BEFORE
    ),
    (stub(), {}, ("HOUSE-upstream", "upstream_refused", "stub")),
    (stub("bug"), {}, ("HOUSE-bug", "bug", "stub")),
    (event("generation.requested", tenant=TENANT), {}, ("HOUSE-canary", "canary", None)),
    (ASK, {"cause": "expiry"}, ("HOUSE-hold_expired", "hold_expired", None)),
    (
        event("generation.requested", keep_days=KEEP_DAYS - 1), {},
        ("CSL-23-1", "keep_too_short", "/keep_days"),
    ),
    (ASK, {"superseded_by": 0}, ("HOUSE-superseded", "superseded", "index:0")),
    (ASK, {"repeat_of": 7, "repeat_differs": True}, ("HOUSE-repeat", "repeat_differs", "index:7")),
    (ASK, {"origin_conflict": True}, ("HOUSE-origin_conflict", "origin_conflict", None)),
    (ASK, {"missing_objects": ("3/a.txt",)}, ("HOUSE-stale", "object_missing", "3/a.txt")),
    (ASK, {"stale": (("recalled", "generation"),)}, ("HOUSE-stale", "recalled", "generation")),
]  # fmt: skip


@pytest.mark.parametrize(("made", "facts", "fault"), UNLAWFUL)
def test_each_thing_that_speaks_against_a_release_refuses_it(made, facts, fault):
    verdict = said(made, **facts)
    assert (verdict.obligation, verdict.outcome) == ("retention", "refuse")
    assert faults(verdict) == [fault]
    assert LAW.rule(fault[0]) is not None
    assert fault[1] in texts()


def test_a_stub_of_the_canarys_tenant_is_a_stub():
    made = stub()
    made.data["tenant"] = TENANT
    assert faults(said(made)) == [("HOUSE-upstream", "upstream_refused", "stub")]


def test_dropping_the_rule_of_the_law_lets_its_case_through():
    made = event("generation.requested", keep_days=KEEP_DAYS - 1)
    assert said(made, BOOK.without("CSL-23-1").at(TIME_MS)).outcome == "pass"
    assert OBLIGATION.rules == ("CSL-23-1", "LBL-9-2")


def test_who_got_a_copy_without_a_mark_is_logged_for_six_months():
    made = event("export.unlabelled_requested", keep_days=KEEP_DAYS - 1)
    floor = ("CSL-23-1", "keep_too_short", "/keep_days")
    short = ("LBL-9-2", "recipient_log_short", "/keep_days")
    assert faults(said(made)) == [floor, short]
    assert faults(said(made, BOOK.without("LBL-9-2").at(TIME_MS))) == [floor]
    assert said(event("export.unlabelled_requested", keep_days=KEEP_DAYS)).outcome == "pass"
    assert said(event("export.unlabelled_requested")).outcome == "pass"


@pytest.mark.parametrize("cause", [None, "review", "appeal", "retry", "recall", "redrive"])
def test_only_an_expiry_refuses_by_itself(cause):
    assert said(cause=cause).outcome == "pass"


def test_the_same_event_again_is_not_refused():
    assert said(repeat_of=7).outcome == "pass"


@pytest.mark.parametrize(
    ("hold", "kind"), [("retry", "retry"), ("review", "review"), (None, "review")]
)
def test_what_is_held_before_is_held_here_for_the_first_who_held(hold, kind):
    held = upstream(moderation="hold", labelling="hold")
    verdict = said(upstream=held, hold=hold)
    assert (verdict.obligation, verdict.outcome, verdict.hold) == ("retention", "hold", kind)
    assert faults(verdict) == [("HOUSE-upstream", "upstream_held", "duty:moderation")]


def test_a_refusal_outweighs_a_hold_and_everything_is_named():
    verdict = said(
        event("generation.requested", keep_days=1),
        upstream=upstream(identity="refuse", consent="missing", moderation="hold"),
        hold="retry", cause="expiry", stale=(("recalled", "generation"),), missing_objects=("x",),
        superseded_by=3, repeat_of=2, repeat_differs=True, origin_conflict=True,
    )  # fmt: skip
    assert (verdict.outcome, verdict.hold) == ("refuse", None)
    assert [code for _, code, _ in faults(verdict)] == [
        "upstream_refused", "upstream_missing", "hold_expired", "keep_too_short", "superseded",
        "repeat_differs", "origin_conflict", "object_missing", "recalled",
    ]  # fmt: skip


OUTCOMES = st.sampled_from(["pass", "pass", "not_applicable", "refuse", "hold"])
FACTS = st.builds(
    RetentionFacts,
    upstream=st.dictionaries(st.sampled_from(BEFORE), OUTCOMES),
    hold=st.sampled_from([None, "retry", "review"]),
    cause=st.sampled_from([None, "review", "expiry", "recall"]),
    stale=st.lists(st.just(("recalled", "generation")), max_size=1).map(tuple),
    missing_objects=st.lists(st.just("3/a.txt"), max_size=1).map(tuple),
    superseded_by=st.none() | st.integers(0, 3),
    repeat_of=st.none() | st.integers(0, 3),
    repeat_differs=st.booleans(),
    origin_conflict=st.booleans(),
)
EVENTS = st.builds(
    lambda keep_days: event("generation.requested", **({} if keep_days is None else {"keep_days": keep_days})),
    st.none() | st.integers(1, 400),
) | st.builds(stub)  # fmt: skip


@given(EVENTS, FACTS)
def test_decide_is_total_pure_and_passes_only_what_all_four_let_pass(made, facts):
    verdict = decide(made, facts, LAW, TIME_MS)
    assert decide(made, facts, LAW, TIME_MS) == verdict
    again = RetentionFacts.from_row(json.loads(json.dumps(facts.row())))
    assert decide(made, again, LAW, TIME_MS) == replace(verdict, facts=again.row())
    if verdict.outcome == "pass":
        assert set(facts.upstream) == set(BEFORE)
        assert not {"refuse", "hold"} & set(facts.upstream.values())
        assert not (facts.stale or facts.missing_objects or facts.origin_conflict)


@given(EVENTS, FACTS, st.sampled_from(sorted(r for r in BOOK.rules() if r.startswith("HOUSE-"))))
def test_a_house_rule_that_is_missing_releases_nothing(made, facts, rule):
    """The step makes a refusal of an error; a pass may only come where the whole law gives one."""
    try:
        outcome = decide(made, facts, BOOK.without(rule).at(TIME_MS), TIME_MS).outcome
    except KeyError:
        return
    assert outcome == decide(made, facts, LAW, TIME_MS).outcome
