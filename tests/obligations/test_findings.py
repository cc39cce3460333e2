"""Findings decide under which rules something is owed; dropping a rule drops exactly that."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import BOOK, LAW, TIME_MS
from synthgate.law.reasons import texts
from synthgate.obligations.findings import OBLIGATION, FindingFacts, decide

OWED = {
    ("rumour.detected", False, None): {"DSP-11-1", "DSP-11-2"},
    ("reach.found", False, None): {"DSP-11-3"},
    ("spread.found", False, None): {"CSL-49-1"},
    ("leak.suspected", False, None): {"PIPL-57-1"},
    ("complaint.received", False, None): {"DSP-12-2"},
    ("penalty.appealed", False, None): {"DSP-12-3"},
    ("incident.detected", False, None): {"INC-4-1"},
    ("incident.detected", True, None): {"INC-4-1", "INC-4-2", "INC-7-1"},
    ("incident.closed", False, None): set(),
    ("incident.closed", True, None): {"INC-8-1"},
    ("regulator.requested", False, None): {"DSP-21-1"},
    ("app_store.requested", False, None): {"DSP-13-1"},
    ("erasure.requested", False, None): {"PIPL-47-1", "GAI-11-1"},
    ("flaw.found", False, None): {"NDR-10-1"},
    ("flaw.found", False, True): {"NDR-10-1"},
    ("flaw.found", False, False): set(),
    ("page.checked", False, None): set(),
    ("page.checked", False, None, None, False): set(),
    ("page.checked", False, None, None, True, "complaints"): set(),
    ("page.checked", False, None, None, False, "complaints"): {"DSP-12-1"},
    ("page.checked", False, None, None, True, "service"): set(),
    ("page.checked", False, None, None, False, "service"): {"DSP-19-4"},
    ("service.started", False, None): {"DSP-19-1"},
    ("service.started", False, False): set(),
    ("service.started", False, False, None, False): {"DSP-7-1", "DSP-15-1"},
    ("service.ended", False, None): {"DSP-19-3"},
    ("service.ended", False, False): set(),
    ("filing.changed", False, None): {"DSP-19-2"},
    ("feature.released", False, None): {"DSP-20-1"},
    ("feature.released", False, True, None, False): {"DSP-20-1"},
    ("feature.released", False, True, None, True): set(),
    ("feature.released", False, False, None, False): set(),
    ("growth.surged", False, True): {"DSP-20-2"},
    ("growth.surged", False, False): set(),
    ("policy.reviewed", False, None, None, False): {"DSP-7-1"},
    ("policy.reviewed", False, None, None, True): set(),
    ("algorithm.reviewed", False, None, None, False): {"DSP-15-1"},
    ("algorithm.reviewed", False, None, None, True): set(),
    ("consent.revoked", False, None): {"DSP-14-4"},
    ("consent.revoked", False, None, True): {"DSP-14-4"},
    ("consent.revoked", False, None, False): set(),
}


def rules(facts, law=LAW):
    return {reason.rule for reason in decide(None, facts, law, TIME_MS).reasons}


@pytest.mark.parametrize("asked", OWED)
def test_what_each_finding_owes(asked):
    assert rules(FindingFacts(*asked)) == OWED[asked]


@pytest.mark.parametrize("rule", OBLIGATION.rules)
def test_dropping_a_rule_drops_what_it_owes(rule):
    law = BOOK.without(rule).at(TIME_MS)
    for asked, owed in OWED.items():
        assert rules(FindingFacts(*asked), law) == owed - {rule}


def test_every_rule_is_owed_by_something_and_every_code_has_words():
    assert set().union(*OWED.values()) == set(OBLIGATION.rules)
    codes = {
        r.code for asked in OWED for r in decide(None, FindingFacts(*asked), LAW, TIME_MS).reasons
    }
    assert codes <= set(texts())


@given(
    st.builds(
        FindingFacts,
        type=st.sampled_from([*OBLIGATION.hears, "terms.published"]),
        reported=st.booleans(),
        public=st.sampled_from([True, False, None]),
        template=st.sampled_from([True, False, None]),
        shown=st.sampled_from([True, False, None]),
        page=st.sampled_from(["complaints", "service", "other", None]),
    )
)
def test_decide_is_total_pure_and_the_same_from_the_record(facts):
    verdict = decide(None, facts, LAW, TIME_MS)
    assert decide(None, facts, LAW, TIME_MS) == verdict
    assert FindingFacts.from_row(json.loads(json.dumps(facts.row()))) == facts
    assert (verdict.outcome == "refuse") == bool(verdict.reasons)
