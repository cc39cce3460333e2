from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obligations.events import AS_OF, EVENTS, NET, a_stub, an_event, replace
from registries.rows import (
    HASH,
    T0,
    T0_MS,
    a_fact_event,
    a_standing,
    a_switch,
    an_account,
    put,
    some_terms,
)
from synthgate import law
from synthgate.events.event import Event
from synthgate.events.facts import STANDING_ORDER
from synthgate.events.topics import COPIES
from synthgate.events.types import EVENT_TYPES
from synthgate.events.verdicts import Outcome, Verdict
from synthgate.law import reasons
from synthgate.obligations.identity import OBLIGATION, IdentityFacts, decide
from synthgate.registries import Registries
from synthgate.registries.standings import StandingSeen
from synthgate.registries.terms import Terms
from synthgate.registries.users import Verification

BOOK = law.load()
LAW = BOOK.at(AS_OF)
VERIFIED = Verification("//acme", "v1", "mobile", AS_OF, None)
TERMS = Terms("v1", HASH, AS_OF, in_time=True)
GOOD = IdentityFacts(
    user_token="tok", verification=VERIFIED, age_band="adult", terms=TERMS, accepted_at=AS_OF
)
YOUNG = replace(GOOD, age_band="14_17")
NNID = replace(GOOD, nnid=True)
GATES = [row.name for row in EVENT_TYPES if row.gates]
OPEN = [
    "identity.verified", "terms.accepted", "consent.prompted", "account.flagged", "account.registered",
    "complaint.received", "penalty.appealed", "erasure.requested", "declaration.shown",
]  # fmt: skip


def _said(verdict: Verdict) -> list[tuple[str, str, str | None]]:
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


def _judge(event: Event, facts: IdentityFacts = GOOD) -> Verdict:
    return decide(event, facts, LAW, AS_OF)


@pytest.mark.parametrize("kind", GATES)
def test_a_verified_user_in_good_standing_passes_every_gate(kind: str) -> None:
    assert _judge(an_event(kind)).outcome is Outcome.PASS


# rule, event, facts that break it, (code, where)
UNLAWFUL: list[tuple[str, Event, IdentityFacts, list[tuple[str, str | None]]]] = [
    (
        "DSP-9-1",
        an_event("content.published"),
        replace(GOOD, verification=None),
        [("unverified_publish", "user")],
    ),
    (
        "DSP-9-2",
        an_event(),
        replace(GOOD, verification=None),
        [("unverified_request", "user")],
    ),
    (
        "DSP-9-2",
        an_event("generation.completed"),
        replace(GOOD, verification=replace(VERIFIED, at=AS_OF + 1)),
        [("unverified_request", "user")],
    ),
    (
        "DSP-9-2",
        an_event(),
        replace(GOOD, verification=replace(VERIFIED, expires_at=AS_OF), lapsed=True),
        [("identity_expired", "user")],
    ),
    (
        "DSP-10-9",
        an_event(),
        replace(GOOD, standing=StandingSeen("suspended")),
        [("account_restricted", "standing:suspended")],
    ),
    (
        "DSP-10-9",
        an_event(),
        replace(GOOD, standing=StandingSeen("closed")),
        [("account_restricted", "standing:closed")],
    ),
    (
        "DSP-10-9",
        an_event("content.published"),
        replace(GOOD, standing=StandingSeen("limited", limited_by_default=True)),
        [("account_restricted", "standing:limited")],
    ),
    (
        "DSP-10-9",
        an_event(),
        replace(GOOD, standing=StandingSeen("limited", restricted=("medium:text",))),
        [("account_restricted", "standing:limited")],
    ),
    (
        "DSP-10-9",
        an_event(),
        replace(GOOD, standing=StandingSeen(unreadable=("standings",))),
        [("account_restricted", "standing:standings")],
    ),
    (
        "DSP-21-2",
        an_event(),
        replace(GOOD, switches=(("generation.requested", 3),)),
        [("function_off", "function:generation.requested")],
    ),
    (
        "DSP-10-10",
        an_event(net=None),
        GOOD,
        [("network_fields_missing", f"/net/{name}") for name in LAW.policy.identity.net_required],
    ),
    (
        "DSP-10-10",
        an_event("content.delivered", net=NET | {"src_port": None, "dst_ip": ""}),
        GOOD,
        [("network_fields_missing", "/net/src_port"), ("network_fields_missing", "/net/dst_ip")],
    ),
    ("DSP-8-1", an_event(), replace(GOOD, accepted_at=None), [("terms_not_accepted", "terms:v1")]),
    (
        "DSP-8-1",
        a_fact_event("terms.accepted", duty_notice_shown=False),
        GOOD,
        [("notice_not_shown", "/duty_notice_shown")],
    ),
    ("DSP-8-2", an_event(), replace(GOOD, terms=None), [("terms_unpublished", "terms")]),
    (
        "DSP-8-2",
        an_event(),
        replace(GOOD, terms=TERMS._replace(in_time=False)),
        [("terms_unpublished", "terms")],
    ),
    (
        "DSP-9-3",
        a_fact_event("identity.verified", method="face"),
        GOOD,
        [("method_not_accepted", "/method")],
    ),
    *(
        ("DSP-9-3", a_fact_event("identity.verified", result=result), GOOD, [("check_failed", "/result")])
        for result in ("mismatch", "unknown")
    ),
    ("DSP-9-5", a_fact_event("identity.verified"), NNID, [("plain_identity_asked", "user")]),
    ("DSP-9-5", an_event("identity.asked", kinds=["id_card"]), NNID, [("plain_identity_asked", "user")]),
    ("DSP-9-6", an_event(), replace(GOOD, flagged_at=AS_OF), [("verify_again", "user")]),
    (
        "MIN-31-1",
        an_event("content.published"),
        YOUNG,
        [("minor_unidentified", "user")],
    ),
    (
        "MIN-31-1",
        an_event("content.published"),
        replace(GOOD, age_band="lt14", verification=replace(VERIFIED, method="id_card")),
        [("minor_unidentified", "user")],
    ),
    (
        "DSP-9-4",
        a_stub("plain_identity", "/user/id /key"),
        IdentityFacts(),
        [("plain_identity", "/user/id"), ("plain_identity", "/key")],
    ),
    ("HOUSE-malformed", a_stub("not_json"), IdentityFacts(), [("not_json", None)]),
    ("HOUSE-malformed", a_stub("something_new"), IdentityFacts(), [("something_new", None)]),
    ("HOUSE-bug", a_stub("bug"), IdentityFacts(), [("bug", None)]),
    (
        "HOUSE-canary",
        an_event(),
        replace(GOOD, findings=(("canary_forged", "/tenant"),)),
        [("canary_forged", "/tenant")],
    ),
    ("HOUSE-origin_conflict", a_stub("origin_conflict"), IdentityFacts(), [("origin_conflict", None)]),
    *(
        (
            rule,
            an_event(),
            replace(GOOD, findings=((code, "/x"),)),
            [(code, "/x")],
        )
        for rule, code in [
            ("HOUSE-partition", "wrong_key"),
            ("HOUSE-partition", "missing_key"),
            ("HOUSE-partition", "wrong_partition"),
            ("HOUSE-clock", "clock"),
            ("HOUSE-expired", "expired"),
            ("HOUSE-no_pass", "no_pass"),
            ("HOUSE-no_pass", "pass_invalid"),
            ("HOUSE-repeat", "repeat_differs"),
            ("DSP-9-4", "plain_identity"),
        ]
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "event", "facts", "said"), UNLAWFUL)
def test_each_rule_refuses_and_dropping_it_lets_the_case_through(
    rule: str, event: Event, facts: IdentityFacts, said: list[tuple[str, str | None]]
) -> None:
    verdict = _judge(event, facts)
    assert verdict.outcome is Outcome.REFUSE
    assert _said(verdict) == [(rule, code, where) for code, where in said]
    dropped = BOOK.without(rule).at(AS_OF)
    assert decide(event, facts, dropped, AS_OF).outcome is Outcome.PASS


def test_every_rule_is_declared_and_has_an_unlawful_case() -> None:
    assert {rule for rule, *_ in UNLAWFUL} == set(OBLIGATION.rules)
    for rule in OBLIGATION.rules:
        assert LAW.rule(rule) is not None


def test_every_code_has_its_text() -> None:
    codes = {code for *_, said in UNLAWFUL for code, _ in said} - {"something_new"}
    for code in codes:
        assert reasons.text(code, "en") != reasons.text(code, "zh")


def test_everything_wrong_is_named_at_once() -> None:
    facts = IdentityFacts(
        findings=(("clock", "time"), ("no_pass", "/pass")),
        standing=StandingSeen("closed"),
        switches=(("*", 1),),
    )
    verdict = _judge(an_event("content.published", net={}), facts)
    assert [rule for rule, *_ in _said(verdict)] == [
        "HOUSE-clock", "HOUSE-no_pass", *["DSP-10-10"] * 4, "DSP-9-1", "DSP-10-9", "DSP-21-2",
    ]  # fmt: skip
    flagged = IdentityFacts(flagged_at=0, terms=TERMS._replace(in_time=False), nnid=True)
    assert [rule for rule, *_ in _said(_judge(an_event(), flagged))] == [
        "DSP-9-2", "DSP-9-6", "DSP-8-2", "DSP-8-1",
    ]  # fmt: skip


def test_terms_are_asked_for_at_the_request_alone() -> None:
    for kind in GATES:
        told = _said(_judge(an_event(kind), replace(GOOD, terms=None, accepted_at=None)))
        assert bool(told) == (kind == "generation.requested")


def test_a_network_identity_is_not_asked_for_another_without_a_basis() -> None:
    for basis in ("law", "agreed"):
        for event in (
            a_fact_event("identity.verified", plain_basis=basis),
            an_event("identity.asked", kinds=["id_card"], plain_basis=basis),
        ):
            assert _judge(event, NNID).outcome is Outcome.PASS
    for event in (
        a_fact_event("identity.verified", method="nnid"),
        an_event(method="mobile"),
        a_fact_event("terms.accepted"),
    ):
        assert _judge(event, NNID).outcome is Outcome.PASS
    assert _judge(an_event("identity.asked", kinds=["id_card"]), GOOD).outcome is Outcome.PASS


def test_after_signs_of_fraud_only_a_later_verification_counts() -> None:
    assert _judge(an_event(), replace(GOOD, flagged_at=AS_OF - 1)).outcome is Outcome.PASS
    for kind in GATES:
        event = an_event(kind)
        assert _said(_judge(event, replace(GOOD, flagged_at=AS_OF + 9)))[-1][0] == "DSP-9-6"


@pytest.mark.parametrize("method", ["id_card", "nnid"])
def test_a_minor_publishes_by_an_own_document_or_a_guardian(method: str) -> None:
    """MIN-31-1; below fourteen a guardian always."""
    event = an_event("content.published")
    own = replace(YOUNG, verification=replace(VERIFIED, method=method))
    assert _judge(event, own).outcome is Outcome.PASS
    for band in ("lt14", "14_17"):
        held = replace(VERIFIED, guardian="guardian-1")
        assert (
            _judge(event, replace(GOOD, age_band=band, verification=held)).outcome is Outcome.PASS
        )
        assert _judge(an_event(), replace(GOOD, age_band=band)).outcome is Outcome.PASS
    told = _said(_judge(event, replace(YOUNG, verification=None)))
    assert [rule for rule, *_ in told] == ["DSP-9-1", "MIN-31-1"]


@pytest.mark.parametrize("kind", OPEN)
def test_what_is_open_to_anyone_stays_open(kind: str) -> None:
    facts = IdentityFacts(standing=StandingSeen("closed"))
    event = an_event(kind, net=None, generation=None)
    assert _judge(event, facts).outcome is Outcome.PASS
    clock = replace(facts, findings=(("clock", "time"),))
    assert _said(_judge(event, clock)) == [("HOUSE-clock", "clock", "time")]


@pytest.mark.parametrize("kind", [*GATES, "content.delivered"])
def test_every_gate_asks_for_all_network_fields_of_the_log(kind: str) -> None:
    """DSP-10-10, and with the rule dropped nobody asks."""
    missing = [("DSP-10-10", "network_fields_missing", f"/net/{name}") for name in NET]
    for net in (None, {}, dict.fromkeys(NET), dict.fromkeys(NET, "")):
        assert sorted(_said(_judge(an_event(kind, net=net)))) == sorted(missing)
    dropped = BOOK.without("DSP-10-10").at(AS_OF)
    assert decide(an_event(kind, net=None), GOOD, dropped, AS_OF).outcome is Outcome.PASS


def test_a_cell_that_does_not_apply_is_cited_and_nothing_is_said() -> None:
    key = ("generation.requested", "provider", "text", "identity")
    cell = BOOK.cells[key].model_copy(update={"applies": False})
    law_then = law.Law(LAW.rows, {**BOOK.cells, key: cell}, LAW.policy)
    verdict = decide(an_event(net=None), IdentityFacts(), law_then, AS_OF)
    assert (verdict.outcome, verdict.reasons) == (Outcome.NOT_APPLICABLE, ())
    assert verdict.cell == cell.id


def test_a_stub_stands_for_its_own_fault_alone() -> None:
    off = IdentityFacts(switches=(("*", 1),))
    assert _said(_judge(a_stub(), off)) == [("HOUSE-malformed", "not_json", None)]
    found = IdentityFacts(findings=(("plain_identity", "/x"),))
    told = _said(_judge(a_stub("plain_identity", "/user/id"), found))
    assert told == [("DSP-9-4", "plain_identity", "/x")]


def test_a_verification_stands_until_it_expires() -> None:
    for expires_at, outcome in ((AS_OF + 1, Outcome.PASS), (AS_OF, Outcome.REFUSE)):
        held = replace(GOOD, verification=replace(VERIFIED, expires_at=expires_at))
        assert _judge(an_event(), held).outcome is outcome


def test_every_row_nobody_can_read_is_named() -> None:
    facts = replace(GOOD, standing=StandingSeen(unreadable=("facts.accounts", "standings")))
    where = "standing:facts.accounts,standings"
    assert _said(_judge(an_event(), facts)) == [("DSP-10-9", "account_restricted", where)]


def test_nothing_is_known_of_who_stands_behind_a_stub() -> None:
    assert _gathered(_registries(), a_stub()) == IdentityFacts()


def test_limited_leaves_the_rest() -> None:
    facts = replace(GOOD, standing=StandingSeen("limited", limited_by_default=True))
    assert _judge(an_event(), facts).outcome is Outcome.PASS


def _registries(*facts: Event) -> Registries:
    registries = Registries(COPIES["identity"])
    put(registries, "control", some_terms())
    registries.users.fold(a_fact_event("terms.accepted", event_id="t1"), HASH)
    for event in facts:
        registries.users.fold(event, HASH)
    return registries


def _gathered(registries: Registries, event: Event, now_ms: int = T0_MS) -> IdentityFacts:
    return IdentityFacts.gather(
        event, findings=(), registries=registries, user_token="tok", as_of=AS_OF, now_ms=now_ms
    )


def test_facts_are_gathered_for_the_user_and_the_template() -> None:
    registries = _registries(
        a_fact_event("identity.verified"),
        a_fact_event("consent.prompted", event_id="p1"),
        a_fact_event("consent.prompted", event_id="p2", template="t9"),
    )
    facts = _gathered(registries, an_event())
    assert facts.verification == Verification(
        "//acme", "e1", "mobile", AS_OF, None, checker="c", evidence_ref="r"
    )
    assert (facts.terms, facts.accepted_at) == (TERMS, AS_OF)
    assert facts.row()["verified"] is True
    assert facts.row()["prompts"] == {"t1": AS_OF}
    assert facts.row()["age_band"] == "adult"
    assert facts.row()["user_token"] == "tok"
    assert _judge(an_event(), facts).outcome is Outcome.PASS


def test_only_these_terms_count_as_accepted() -> None:
    """DSP-8-1, DSP-8-2: version and text; of an unreadable version nobody knows whether it is in force."""
    for over in ({"terms_version": "v0"}, {"terms_sha256": "b" * 64}):
        registries = Registries(COPIES["identity"])
        put(registries, "control", some_terms())
        registries.users.fold(a_fact_event("terms.accepted", **over), HASH)
        assert _gathered(registries, an_event()).accepted_at is None
    registries = _registries(a_fact_event("identity.verified"))
    registries.users.fold(a_fact_event("terms.accepted", event_id="t2", terms_sha256=HASH), HASH)
    assert _gathered(registries, an_event()).accepted_at == AS_OF
    assert _gathered(registries, an_event(tenant="other")).terms is None
    registries.apply("control", 0, 9, b"terms/acme/v2", b"?")
    facts = _gathered(registries, an_event())
    assert (facts.terms, facts.accepted_at) == (None, None)


def test_findings_of_the_door_are_kept_with_what_is_known_of_the_user() -> None:
    facts = IdentityFacts.gather(
        an_event(), findings=[{"code": "clock", "where": "time"}], registries=_registries(),
        user_token="tok", as_of=AS_OF, now_ms=T0_MS,
    )  # fmt: skip
    assert facts.findings == (("clock", "time"),)
    assert ("HOUSE-clock", "clock", "time") in _said(_judge(an_event(), facts))


def test_flags_and_network_identities_are_gathered() -> None:
    nnid = a_fact_event("identity.verified", method="nnid")
    flag = a_fact_event("account.flagged", "2026-01-01T00:09:00Z", "f1")
    facts = _gathered(_registries(nnid, flag), an_event())
    assert (facts.nnid, facts.flagged_at) == (True, AS_OF + 9 * 60_000)


def test_nothing_known_of_the_user_is_not_verified() -> None:
    facts = _gathered(_registries(), an_event())
    assert facts.row()["verified"] is False
    assert _said(_judge(an_event(), facts)) == [("DSP-9-2", "unverified_request", "user")]


@pytest.mark.parametrize("standing", STANDING_ORDER)
def test_platform_and_incidents_forbid_alike(standing: str) -> None:
    for topic, row in (
        ("facts.accounts", an_account(standing=standing)),
        ("standings", a_standing(standing=standing)),
    ):
        registries = _registries(a_fact_event("identity.verified"))
        put(registries, topic, row)
        verdict = _judge(an_event(), _gathered(registries, an_event()))
        assert (verdict.outcome is Outcome.REFUSE) == (standing in {"suspended", "closed"})


def test_a_restriction_that_ended_after_the_act_still_counts() -> None:
    registries = _registries(a_fact_event("identity.verified"))
    put(registries, "facts.accounts", an_account(until="2026-01-01T00:01:00Z"))
    late = T0_MS + 3_600_000
    assert _judge(an_event(), _gathered(registries, an_event(), late)).outcome is Outcome.REFUSE
    put(registries, "facts.accounts", an_account(version=2, until=T0), at=1)
    assert _judge(an_event(), _gathered(registries, an_event(), late)).outcome is Outcome.PASS


def test_a_restriction_that_has_not_ended_yet_counts_for_a_clock_ahead() -> None:
    registries = _registries(a_fact_event("identity.verified"))
    put(registries, "facts.accounts", an_account(until=T0))
    early = T0_MS - 1
    assert _judge(an_event(), _gathered(registries, an_event(), early)).outcome is Outcome.REFUSE


@pytest.mark.parametrize("broken", ["facts.accounts", "standings"])
def test_a_forbidding_row_nobody_can_read_forbids(broken: str) -> None:
    registries = _registries(a_fact_event("identity.verified"))
    registries.apply(broken, 0, 0, b"acme/u1", b"?")
    verdict = _judge(an_event(), _gathered(registries, an_event()))
    assert _said(verdict) == [("DSP-10-9", "account_restricted", f"standing:{broken}")]


def test_switches_are_gathered_even_when_nobody_can_read_them() -> None:
    registries = _registries(a_fact_event("identity.verified"))
    put(registries, "facts.switches", a_switch(function="medium:text", tenant="*", version=4))
    registries.apply("facts.switches", 0, 1, b"acme/*", b"?")
    facts = _gathered(registries, an_event())
    assert facts.switches == (("*", None), ("medium:text", 4))
    assert [where for *_, where in _said(_judge(an_event(), facts))] == [
        "function:*", "function:medium:text",
    ]  # fmt: skip


TIMES = st.integers(AS_OF - 2, AS_OF + 2)
FACTS = st.builds(
    IdentityFacts,
    findings=st.lists(
        st.tuples(st.sampled_from(["clock", "no_pass", "new"]), st.none() | st.text(max_size=5)),
        max_size=3,
    ).map(tuple),
    user_token=st.none() | st.text(max_size=5),
    verification=st.none()
    | st.builds(
        Verification, st.text(), st.text(), st.none() | st.text(), TIMES, st.none() | TIMES
    ),
    lapsed=st.booleans(),
    prompts=st.dictionaries(st.text(max_size=4), TIMES, max_size=2).map(
        lambda prompts: tuple(prompts.items())
    ),
    standing=st.builds(
        StandingSeen,
        st.sampled_from(STANDING_ORDER),
        st.lists(st.sampled_from(["medium:text", "content.published"])).map(tuple),
        st.booleans(),
        st.sampled_from([(), ("standings",)]),
        st.just((("standings", 3),)),
    ),
    switches=st.sampled_from([(), (("*", 1),), (("*", None), ("medium:text", 2))]),
    cites=st.none() | st.just((3, 7)),
    age_band=st.sampled_from(["lt14", "14_17", "adult", "unknown"]),
    nnid=st.booleans(),
    flagged_at=st.none() | TIMES,
    terms=st.none() | st.builds(Terms, st.text(), st.just(HASH), TIMES, st.booleans()),
    accepted_at=st.none() | TIMES,
)


@given(EVENTS, FACTS, TIMES)
def test_total_deterministic_and_the_same_from_the_record(
    event: Event, facts: IdentityFacts, as_of: int
) -> None:
    first = decide(event, facts, LAW, as_of)
    assert first == decide(event, facts, LAW, as_of)
    recorded: dict[str, Any] = orjson.loads(orjson.dumps(first.facts))
    assert recorded == {**first.facts, "cites": facts.cites and list(facts.cites)}
    again = decide(event, IdentityFacts.from_row(recorded), LAW, as_of)
    assert again == first
    assert (first.outcome is Outcome.REFUSE) == bool(first.reasons)


@given(EVENTS, FACTS)
def test_a_later_fault_never_turns_a_refusal_into_a_pass(
    event: Event, facts: IdentityFacts
) -> None:
    worse = replace(facts, findings=(*facts.findings, ("clock", "time")))
    before, after = _judge(event, facts), _judge(event, worse)
    assert set(before.reasons) <= set(after.reasons)
    assert after.outcome is Outcome.REFUSE


def test_the_cited_decision_is_told_and_read_back():
    facts = IdentityFacts(cites=(3, 7))
    row = facts.row()
    assert row["cites"] == (3, 7)
    assert IdentityFacts.from_row(row) == facts
    assert IdentityFacts.from_row({**row, "cites": [3, 7]}) == facts
    assert IdentityFacts.from_row(IdentityFacts().row()).cites is None


def test_what_was_recorded_before_there_were_more_facts_is_read():
    row = GOOD.row()
    for name in ("nnid", "flagged_at", "terms", "accepted_at"):
        del row[name]
    for name in ("checker", "level", "evidence_ref", "guardian"):
        del row["verification"][name]
    facts = IdentityFacts.from_row(row)
    assert facts == replace(GOOD, terms=None, accepted_at=None)
