from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obligations.events import AGES, AS_OF, EVENTS, MEDIA, a_stub, an_edit, an_event, replace
from registries.rows import SUBJECT, T0, a_consent, a_revocation, a_template, put
from synthgate import law
from synthgate.events.event import Event, strictest, time_ms
from synthgate.events.facts import COUNT_MAX, TemplateRow
from synthgate.events.template_row import Processor
from synthgate.events.topics import COPIES
from synthgate.events.verdicts import Outcome, Verdict
from synthgate.law import reasons
from synthgate.obligations.consent import OBLIGATION, ConsentFacts, decide
from synthgate.registries import Registries
from synthgate.registries.consents import GrantSeen
from synthgate.registries.templates import Engaged, Impact, TemplateSeen

BOOK = law.load()
LAW = BOOK.at(AS_OF)
STYLE = TemplateSeen(1, True, ("text",), ("style",), True, "DS1")
DAY_MS = 86_400_000
KEPT = Impact("pia-1", AS_OF, AS_OF + LAW.policy.retention.proof_keep_days * DAY_MS)
READY = {"assessment": "sa-1", "assessed_until": AS_OF + 1, "impact": KEPT}
"""What must have been done before faces and voices are edited."""
VOICE = replace(STYLE, edits_person=("voice",), **READY)
API = Engaged("api", AS_OF, None)
PLAIN = replace(STYLE, edits_person=())
GRANT = GrantSeen(
    subject=SUBJECT,
    grant="g-1",
    version=1,
    guardian=False,
    age_band="adult",
    biometric=("style",),
    purposes=("parody",),
    templates=None,
    publish=True,
    for_user=True,
    granted_at=AS_OF,
    expires_at=None,
    revoked=False,
    notice="a" * 64,
    proofs=("channel", "proof_ref", "necessity_shown"),
)
GOOD = ConsentFacts(STYLE, AS_OF, "adult", (GRANT,))
LATE = "2030-01-01T00:00:00Z"
LATE_MS = time_ms(LATE)
WHERE = f"subject:{SUBJECT}"
EDITS = [kind for kind in OBLIGATION.hears if kind != "consent.prompted"]
LATER = [kind for kind in EDITS if kind != "generation.requested"]
COOL = LAW.policy.consent.cool_down_days * DAY_MS


def _said(verdict: Verdict) -> list[tuple[str, str, str | None]]:
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


def _judge(event: Event, facts: ConsentFacts = GOOD) -> Verdict:
    return decide(event, facts, LAW, AS_OF)


def _with(**over: Any) -> ConsentFacts:
    return replace(GOOD, grants=(replace(GRANT, **over),))


def _on(template: TemplateSeen, **over: Any) -> ConsentFacts:
    """The person agreed to all that this template edits."""
    return replace(_with(biometric=("style", "face", "voice"), **over), template=template)


@pytest.mark.parametrize("kind", EDITS)
def test_an_agreed_edit_passes_and_says_what_it_rests_on(kind: str) -> None:
    verdict = _judge(an_edit(kind))
    assert verdict.outcome is Outcome.PASS
    assert verdict.facts["grants_used"] == [[SUBJECT, "g-1"]]


def test_what_edits_nobody_needs_nobody() -> None:
    for facts in (ConsentFacts(PLAIN), ConsentFacts(replace(STYLE, real_person=False))):
        verdict = _judge(an_event(), facts)
        assert verdict.outcome is Outcome.PASS
        assert verdict.facts["grants_used"] == []


def test_hears_is_what_the_law_says_applies() -> None:
    applies = {
        row
        for row in {key[0] for key in BOOK.cells}
        if LAW.cell(row, "provider", "text", "consent").applies
    }
    assert applies == set(OBLIGATION.hears)
    verdict = _judge(a_stub(), ConsentFacts())
    assert verdict.outcome is Outcome.NOT_APPLICABLE
    assert verdict.cell == "consent.stub"


# rule, code, where, event, facts that break it
UNLAWFUL: list[tuple[str, str, str, Event, ConsentFacts]] = [
    ("DSP-14-1", "no_prompt", "/generation/template", an_edit(), replace(GOOD, prompted_at=None)),
    (
        "DSP-14-1",
        "no_prompt",
        "/generation/template",
        an_edit(),
        replace(GOOD, prompted_at=AS_OF + 1),
    ),
    ("DSP-14-2", "no_grant", WHERE, an_edit(), replace(GOOD, grants=())),
    ("DSP-14-2", "no_subject", "/subjects", an_event(), GOOD),
    (
        "DSP-14-2",
        "receipt_invalid",
        WHERE,
        an_edit(),
        replace(GOOD, grants=(), unproven=((SUBJECT, "bad_signature"),)),
    ),
    ("DSP-14-2", "no_grant", WHERE, an_edit(), _with(granted_at=AS_OF + 1)),
    ("DSP-14-2", "grant_expired", WHERE, an_edit(), _with(expires_at=AS_OF)),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(biometric=("face", "voice"))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(purpose="news"), GOOD),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(templates=("t9",))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(publish=True), _with(publish=False)),
    ("DSP-14-2", "grant_scope", WHERE, an_edit("content.published"), _with(publish=False)),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(for_user=False)),
    ("DSP-14-2", "no_grant", WHERE, an_edit(), _with(subject="subj-0002")),
    ("DSP-14-3", "no_guardian", WHERE, an_edit(age="lt14"), GOOD),
    ("DSP-14-3", "no_guardian", WHERE, an_edit(age="unknown"), _with(age_band="lt14")),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(classes=("DS4",))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(model="m2"), _with(models=("m1",))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(models=("m1",))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(territory="US"), _with(territories=("CN",))),
    ("DSP-14-2", "grant_scope", WHERE, an_edit(), _with(territories=("CN",))),
    ("DSP-14-3", "age_unknown", WHERE, an_edit(age="unknown"), _with(age_band="unknown")),
    ("DSP-14-5", "grant_superseded", WHERE, an_edit(), _with(superseded=True)),
    (
        "DSP-14-5",
        "notice_changed",
        WHERE,
        an_edit(),
        replace(GOOD, template=replace(STYLE, notice="b" * 64)),
    ),
    (
        "DSP-14-5",
        "recipient_added",
        WHERE,
        an_edit(),
        replace(GOOD, template=replace(STYLE, processors=(API,))),
    ),
    ("DSP-14-6", "grant_incomplete", WHERE, an_edit(), _with(proofs=("channel", "proof_ref"))),
    *(
        ("DSP-14-6", "asked_again", WHERE, an_edit(), replace(GOOD, refusals=((SUBJECT, at),)))
        for at in (AS_OF, AS_OF - COOL + 1)
    ),
    (
        "DSP-14-6",
        "asked_again",
        WHERE,
        an_edit("consent.prompted"),
        ConsentFacts(refusals=((SUBJECT, AS_OF),)),
    ),
    (
        "DSP-14-7",
        "training_basis_missing",
        "source:s1",
        an_event(),
        ConsentFacts(replace(PLAIN, unfounded=("s1",))),
    ),
    *(
        ("DSP-15-2", "assessment_missing", "/generation/template", an_event(), facts)
        for facts in (
            ConsentFacts(replace(PLAIN, special_object=True)),
            ConsentFacts(replace(PLAIN, special_object=True, assessed_until=AS_OF)),
            ConsentFacts(replace(VOICE, real_person=False, assessed_until=None)),
        )
    ),
    (
        "DSP-15-2",
        "assessment_missing",
        "/generation/template",
        an_edit(medium="image"),
        _on(replace(PLAIN, media=("image",), impact=KEPT)),
    ),
    *(
        (
            "PIPL-55-1",
            "impact_assessment_missing",
            "/generation/template",
            an_edit(),
            _on(replace(VOICE, impact=impact)),
        )
        for impact in (
            None,
            KEPT._replace(assessed_at=AS_OF + 1, kept_until=KEPT.kept_until + 1),
            KEPT._replace(kept_until=KEPT.kept_until - 1),
        )
    ),
    *(
        (
            "NDR-12-1",
            "contract_missing",
            "processor:api",
            an_event(),
            ConsentFacts(replace(PLAIN, processors=(each,))),
        )
        for each in (
            API._replace(signed_at=None),
            API._replace(signed_at=AS_OF + 1),
            API._replace(ends_at=AS_OF),
        )
    ),
    (
        "HOUSE-not_configured",
        "model_unregistered",
        "/generation/model",
        an_event(),
        ConsentFacts(replace(PLAIN, models=())),
    ),
    ("DSP-14-4", "grant_revoked", WHERE, an_edit(), _with(revoked=True)),
    *(("DSP-14-4", "grant_revoked", WHERE, an_edit(kind), _with(revoked=True)) for kind in LATER),
    (
        "HOUSE-not_configured",
        "template_unregistered",
        "/generation/template",
        an_event(),
        ConsentFacts(),
    ),
    (
        "HOUSE-not_configured",
        "template_unregistered",
        "/generation/template",
        an_event(),
        ConsentFacts(replace(PLAIN, enabled=False)),
    ),
    (
        "HOUSE-not_configured",
        "medium_mismatch",
        "/generation/medium",
        an_edit(medium="image"),
        GOOD,
    ),
]


@pytest.mark.parametrize(("rule", "code", "where", "event", "facts"), UNLAWFUL)
def test_each_rule_refuses_and_dropping_it_lets_the_case_through(
    rule: str, code: str, where: str, event: Event, facts: ConsentFacts
) -> None:
    verdict = _judge(event, facts)
    assert verdict.outcome is Outcome.REFUSE
    assert _said(verdict) == [(rule, code, where)]
    assert decide(event, facts, BOOK.without(rule).at(AS_OF), AS_OF).outcome is Outcome.PASS


def test_what_was_done_before_a_template_is_used_permits_it() -> None:
    """DSP-15-2, PIPL-55-1, NDR-12-1: assessed, weighed, contracted; the person was told of the processor."""
    assert _judge(an_edit(), _on(VOICE)).outcome is Outcome.PASS
    for template in (
        replace(PLAIN, special_object=True, **READY),
        replace(PLAIN, special_object=True, assessed_until=AS_OF + 1),
        replace(VOICE, real_person=False, impact=None),
        replace(PLAIN, processors=(API, API._replace(ends_at=AS_OF + 1))),
    ):
        assert _judge(an_event(), ConsentFacts(template)).outcome is Outcome.PASS
    told = _on(replace(VOICE, processors=(API,)), recipients=("api",))
    assert _judge(an_edit(), told).outcome is Outcome.PASS


def test_scope_is_matched_exactly() -> None:
    grant = {"models": ("m1",), "classes": ("DS1",), "territories": ("CN", "US")}
    event = an_edit(model="m1", territory="US")
    assert _judge(event, _with(**grant)).outcome is Outcome.PASS
    models = replace(GOOD, template=replace(STYLE, models=("m1",)))
    assert _judge(event, models).outcome is Outcome.PASS
    told = replace(GOOD, template=replace(STYLE, notice="a" * 64))
    assert _judge(event, told).outcome is Outcome.PASS


def test_without_a_template_nothing_can_have_changed() -> None:
    facts = replace(_with(notice="b" * 64), template=None)
    assert [code for _, code, _ in _said(_judge(an_edit(), facts))] == [
        "template_unregistered",
    ]


def test_who_refused_is_left_alone_for_a_while() -> None:
    """DSP-14-6: until the cool-down is over, unless the person comes by themselves; others may be asked."""
    over = ((SUBJECT, AS_OF - COOL), (SUBJECT, AS_OF + 1), ("subj-0002", AS_OF))
    assert _judge(an_edit(), replace(GOOD, refusals=over)).outcome is Outcome.PASS
    prompt = an_edit("consent.prompted")
    assert _judge(prompt, ConsentFacts(refusals=over[:2])).outcome is Outcome.PASS
    assert _judge(prompt, ConsentFacts()).outcome is Outcome.PASS
    by_subject = replace(_with(by_subject=True), refusals=((SUBJECT, AS_OF),))
    assert _judge(an_edit(), by_subject).outcome is Outcome.PASS


def test_a_grant_made_before_the_refusal_stands_until_it_is_revoked() -> None:
    later = replace(_with(granted_at=AS_OF - 9), refusals=((SUBJECT, AS_OF - 5),))
    assert _judge(an_edit(), later).outcome is Outcome.PASS


def test_every_rule_is_declared_has_a_case_and_a_text() -> None:
    assert {rule for rule, *_ in UNLAWFUL} == set(OBLIGATION.rules)
    for rule, code, *_ in UNLAWFUL:
        assert LAW.rule(rule) is not None
        assert reasons.text(code, "en") != reasons.text(code, "zh")


@pytest.mark.parametrize("kind", LATER)
def test_the_prompt_is_asked_for_once(kind: str) -> None:
    assert _judge(an_edit(kind), replace(GOOD, prompted_at=None)).outcome is Outcome.PASS


def test_all_faults_at_once_in_the_order_of_the_subjects() -> None:
    subjects = [
        {"token": "subj-none", "age_band": "lt14"},
        {"token": "subj-gone", "age_band": "adult"},
        {"token": SUBJECT, "age_band": "adult", "is_actor": True},
    ]
    generation = {"id": "g1", "medium": "image", "template": "t1", "purpose": "parody"}
    event = an_event(subjects=subjects, generation=generation | {"publish": True})
    gone = replace(GRANT, subject="subj-gone", revoked=True, expires_at=AS_OF, publish=False)
    facts = ConsentFacts(replace(STYLE, enabled=False), None, "adult", (gone,))
    assert _said(_judge(event, facts)) == [
        ("HOUSE-not_configured", "template_unregistered", "/generation/template"),
        ("HOUSE-not_configured", "medium_mismatch", "/generation/medium"),
        ("DSP-14-1", "no_prompt", "/generation/template"),
        ("DSP-14-2", "no_grant", "subject:subj-none"),
        ("DSP-14-3", "no_guardian", "subject:subj-none"),
        ("DSP-14-2", "grant_expired", "subject:subj-gone"),
        ("DSP-14-2", "grant_scope", "subject:subj-gone"),
        ("DSP-14-4", "grant_revoked", "subject:subj-gone"),
        ("DSP-14-2", "no_grant", f"subject:{SUBJECT}"),
    ]


def test_the_actor_needs_consent_too() -> None:
    subjects = [{"token": SUBJECT, "age_band": "adult", "is_actor": True}]
    event = an_event(subjects=subjects)
    assert _judge(event).outcome is Outcome.PASS
    assert _said(_judge(event, replace(GOOD, grants=()))) == [("DSP-14-2", "no_grant", WHERE)]
    young = replace(GOOD, actor_age_band="lt14")
    assert _said(_judge(event, young)) == [("DSP-14-3", "no_guardian", WHERE)]
    assert _judge(an_edit(), young).outcome is Outcome.PASS, "the actor is not among the edited"


def test_a_guardian_decides_for_a_child() -> None:
    assert _judge(an_edit(age="lt14"), _with(guardian=True)).outcome is Outcome.PASS
    assert _judge(an_edit(age="14_17")).outcome is Outcome.PASS


def test_a_new_grant_stands_beside_a_revoked_one() -> None:
    new = replace(GRANT, grant="g-2")
    verdict = _judge(an_edit(), replace(GOOD, grants=(replace(GRANT, revoked=True), new)))
    assert verdict.outcome is Outcome.PASS
    assert verdict.facts["grants_used"] == [[SUBJECT, "g-2"]]


@pytest.mark.parametrize(
    ("medium", "kinds"),
    [
        ("text", ["style"]),
        ("image", ["face"]),
        ("audio", ["voice"]),
        ("video", ["face", "voice"]),
        ("virtual_scene", ["face", "voice"]),
        ("other", ["style", "face", "voice"]),
    ],
)
def test_naming_persons_on_a_harmless_template_makes_it_an_edit(
    medium: str, kinds: list[str]
) -> None:
    template = replace(PLAIN, media=MEDIA, **READY)
    event = an_edit(medium=medium)
    for lacking in kinds:
        grant = replace(GRANT, biometric=tuple(kind for kind in kinds if kind != lacking))
        facts = ConsentFacts(template, AS_OF, "adult", (grant,))
        assert _said(_judge(event, facts)) == [("DSP-14-2", "grant_scope", WHERE)]
    whole = replace(GRANT, biometric=tuple(kinds))
    facts = ConsentFacts(template, AS_OF, "adult", (whole,))
    assert _judge(event, facts).outcome is Outcome.PASS
    assert _said(_judge(event, replace(facts, prompted_at=None)))[0][1] == "no_prompt"


def test_the_strictest_age_stated_counts() -> None:
    assert strictest(["unknown", "adult"]) == "adult"
    assert strictest(["adult", "lt14", "14_17"]) == "lt14"
    assert strictest(["unknown"]) == "unknown"
    assert strictest(["adult", "14_17"]) == "14_17"
    for ages in (["unknown", "no such band"], ["no such band", "unknown"]):
        assert strictest(ages) == "unknown"
    twice = [{"token": SUBJECT, "age_band": "adult"}, {"token": SUBJECT, "age_band": "lt14"}]
    for subjects in (twice, twice[::-1]):
        said = _said(_judge(an_event(subjects=subjects)))
        assert said == [("DSP-14-3", "no_guardian", WHERE)]


def test_the_grant_that_comes_nearest_is_the_one_explained() -> None:
    near = replace(GRANT, revoked=True)
    far = replace(GRANT, grant="g-2", publish=False, expires_at=AS_OF, revoked=True)
    for grants in ((near, far), (far, near)):
        facts = replace(GOOD, grants=grants)
        assert _said(_judge(an_edit(publish=True), facts)) == [("DSP-14-4", "grant_revoked", WHERE)]


def test_of_two_equally_near_the_first_is_explained() -> None:
    first, second = replace(GRANT, revoked=True), replace(GRANT, grant="g-2", expires_at=AS_OF)
    facts = replace(GOOD, grants=(first, second))
    assert _said(_judge(an_edit(), facts)) == [("DSP-14-4", "grant_revoked", WHERE)]


def test_a_grant_stands_until_it_expires() -> None:
    assert _judge(an_edit(), _with(expires_at=AS_OF + 1)).outcome is Outcome.PASS


def test_a_kind_of_edit_the_policy_does_not_list_needs_nobody() -> None:
    consent = LAW.policy.consent.model_copy(update={"edits": ("face", "voice")})
    policy = LAW.policy.model_copy(update={"consent": consent})
    relaxed = law.Law(LAW.rows, BOOK.cells, policy)
    assert decide(an_event(), replace(GOOD, grants=()), relaxed, AS_OF).outcome is Outcome.PASS
    assert _judge(an_edit(), replace(GOOD, grants=())).outcome is Outcome.REFUSE


def test_what_the_template_says_is_edited_goes_before_the_medium() -> None:
    """Even where it says that no real person is: the event names some."""
    voice = replace(VOICE, real_person=False)
    facts = replace(GOOD, template=voice)
    assert _said(_judge(an_edit(), facts)) == [("DSP-14-2", "grant_scope", WHERE)]
    heard = replace(facts, grants=(replace(GRANT, biometric=("voice",)),))
    assert _judge(an_edit(), heard).outcome is Outcome.PASS


IDENTITY = {"prompts": {"t1": AS_OF}, "age_band": "adult"}


def _registries(*rows: Any) -> Registries:
    registries = Registries(COPIES["consent"])
    put(registries, "facts.templates", a_template(edits_person=["style"]))
    put(registries, "facts.consents", *(rows or (a_consent(),)))
    return registries


def _gathered(registries: Registries, event: Event | None = None) -> ConsentFacts:
    return ConsentFacts.gather(event or an_edit(), IDENTITY, registries=registries, as_of=AS_OF)


def test_facts_are_gathered_for_template_and_subjects() -> None:
    facts = _gathered(_registries())
    assert facts == GOOD
    assert _judge(an_edit(), facts).outcome is Outcome.PASS


def test_without_identitys_word_nothing_is_taken_for_said() -> None:
    facts = ConsentFacts.gather(an_edit(), {}, registries=_registries(), as_of=AS_OF)
    assert facts == replace(GOOD, prompted_at=None, actor_age_band="unknown")


def test_of_what_belongs_to_no_generation_nothing_is_gathered() -> None:
    event = an_edit()
    bare = Event(event.attrs, {k: v for k, v in event.data.items() if k != "generation"})
    assert _gathered(_registries(), bare) == ConsentFacts()


@pytest.mark.parametrize("count", [200, 300])
def test_of_many_persons_each_keeps_one_grant(count: int) -> None:
    tokens = [f"subj-{number:04}" for number in range(count)]
    rows = [a_consent(subject=token, grant=grant) for token in tokens for grant in ("g-1", "g-2")]
    facts = _gathered(_registries(*rows), an_event(subjects=[{"token": t} for t in tokens]))
    assert [grant.subject for grant in facts.grants] == tokens


def test_a_revocation_counts_as_soon_as_it_is_known() -> None:
    registries = _registries()
    put(registries, "facts.revocations", a_revocation(revoked_at="2027-01-01T00:00:00Z"))
    assert _said(_judge(an_edit(), _gathered(registries))) == [("DSP-14-4", "grant_revoked", WHERE)]


def test_a_revocation_nobody_can_read_counts() -> None:
    registries = _registries()
    registries.apply("facts.revocations", 0, 0, f"acme/{SUBJECT}/g-1".encode(), b"?")
    assert _said(_judge(an_edit(), _gathered(registries))) == [("DSP-14-4", "grant_revoked", WHERE)]


def test_a_template_or_grant_nobody_can_read_permits_nothing() -> None:
    registries = _registries()
    registries.apply("facts.consents", 0, 9, f"acme/{SUBJECT}/g-1".encode(), b"?")
    registries.apply("facts.templates", 0, 9, b"acme/t1", b"?")
    assert [code for _, code, _ in _said(_judge(an_edit(), _gathered(registries)))] == [
        "template_unregistered", "no_grant",
    ]  # fmt: skip


def test_what_belongs_to_another_tenant_or_user_does_not_help() -> None:
    registries = _registries(a_consent(tenant="other"), a_consent(grant="g-2", granted_to="u2"))
    facts = _gathered(registries)
    assert [grant.grant for grant in facts.grants] == ["g-2"]
    assert _said(_judge(an_edit(), facts)) == [("DSP-14-2", "grant_scope", WHERE)]
    mine = _gathered(_registries(a_consent(granted_to="u1")))
    assert _judge(an_edit(), mine).outcome is Outcome.PASS


@pytest.mark.parametrize("grantor", ["subject", "near_relative", "guardian"])
def test_only_a_named_guardian_is_one(grantor: str) -> None:
    for guardian in (None, "guardian-1"):
        row = a_consent(grantor=grantor, guardian=guardian)
        seen = _judge(an_edit(age="lt14"), _gathered(_registries(row)))
        named = grantor == "guardian" and guardian is not None
        assert (seen.outcome is Outcome.PASS) == named


def test_what_a_person_said_is_gathered_whole() -> None:
    """DSP-14-5, DSP-14-6: superseded grants, refusals, and of the recipients those the template has."""
    processors = [{"name": "api", "contract": "c-1", "signed_at": T0, "ends_at": LATE}]
    registries = _registries(
        a_consent(grant="old"),
        a_consent(grant="new", supersedes=["old"], recipients=["api", "other"], classes=["DS1"]),
        a_consent(grant="no", answer="refused"),
    )
    made = {
        "assessment": {"id": "sa-1", "by": "self", "valid_until": LATE},
        "impact_assessment": {"id": "pia-1", "assessed_at": T0, "kept_until": LATE},
        "data_sources": [{"source": "s", "personal": True}, {"source": "t", "personal": False}],
        "processors": processors,
        "models": ["m1"],
        "notice_sha256": "a" * 64,
        "special_object": True,
    }
    row = TemplateRow.model_validate(
        a_template(version=2, edits_person=["style"]).model_dump() | made
    )
    put(registries, "facts.templates", row, at=1)
    facts = _gathered(registries)
    assert facts.refusals == ((SUBJECT, AS_OF),)
    assert {grant.grant: grant.superseded for grant in facts.grants} == {"old": True, "new": False}
    assert facts.grants[0].recipients == ("api",), "the one that covers is first"
    seen = TemplateSeen(
        2, True, ("text",), ("style",), True, "DS1", True, "sa-1", LATE_MS, Impact("pia-1", AS_OF, LATE_MS),
        ("s",), (Engaged("api", AS_OF, LATE_MS),), ("m1",), "a" * 64,
    )  # fmt: skip
    assert facts.template == seen
    assert TemplateSeen.from_row(orjson.loads(orjson.dumps(seen.row()))) == seen
    prompt = Event(an_edit("consent.prompted").attrs, {"tenant": "acme", "user": {"id": "u1"},
                   "subjects": [{"token": SUBJECT}]})  # fmt: skip
    assert _gathered(registries, prompt).refusals == ((SUBJECT, AS_OF),)


def test_a_processor_without_a_contract_number_has_none() -> None:
    row = a_template(processors=[Processor(name="api", signed_at=T0)])
    assert TemplateSeen.of(row).processors == (Engaged("api", None, None),)


def test_signed_consents_are_met_like_registered_ones() -> None:
    registries = _registries(a_consent(grant="old", purposes=["news"]))
    signed = a_consent(grant="signed", supersedes=["old"])

    def gathered(said: Any) -> ConsentFacts:
        return ConsentFacts.gather(
            an_edit(), IDENTITY, registries=registries, as_of=AS_OF, signed={SUBJECT: said}
        )

    facts = gathered(signed)
    assert [(g.grant, g.superseded) for g in facts.grants] == [("signed", False), ("old", True)]
    assert _judge(an_edit(), facts).facts["grants_used"] == [[SUBJECT, "signed"]]
    put(registries, "facts.revocations", a_revocation(grant="signed"))
    assert _said(_judge(an_edit(), gathered(signed))) == [("DSP-14-4", "grant_revoked", WHERE)]
    refusal = gathered(a_consent(grant="no", answer="refused"))
    assert (refusal.refusals, [g.grant for g in refusal.grants]) == (((SUBJECT, AS_OF),), ["old"])
    bad = gathered("bad_signature")
    assert bad.unproven == ((SUBJECT, "bad_signature"),)
    assert _said(_judge(an_edit(), bad)) == [("DSP-14-2", "grant_scope", WHERE)]


def test_where_consents_are_not_copied_only_signed_ones_count() -> None:
    registries = Registries([t for t in COPIES["consent"] if t != "facts.consents"])
    put(registries, "facts.templates", a_template(edits_person=["style"]))
    assert _said(_judge(an_edit(), _gathered(registries))) == [("DSP-14-2", "no_grant", WHERE)]
    facts = ConsentFacts.gather(
        an_edit(), IDENTITY, registries=registries, as_of=AS_OF, signed={SUBJECT: a_consent()}
    )
    assert _judge(an_edit(), facts).outcome is Outcome.PASS


def test_what_was_recorded_before_there_were_more_facts_is_read() -> None:
    row = deepcopy(GOOD.row())
    del row["refusals"], row["unproven"], row["template"]["ds_class"]
    for name in ("superseded", "notice", "recipients", "proofs", "by_subject", "models", "classes"):
        del row["grants"][0][name]
    facts = ConsentFacts.from_row(row)
    assert facts.refusals == ()
    assert facts.grants[0].proofs == ()


def test_who_refused_and_whose_receipt_proved_nothing_is_recorded() -> None:
    facts = replace(
        GOOD, refusals=((SUBJECT, AS_OF - 1),), unproven=(("other", "receipt_expired"),)
    )
    row = orjson.loads(orjson.dumps(facts.row()))
    assert row["refusals"] == [[SUBJECT, AS_OF - 1]]
    assert row["unproven"] == [["other", "receipt_expired"]]
    assert ConsentFacts.from_row(row) == facts


def test_no_user_and_no_long_list_is_recorded() -> None:
    row = a_consent(
        granted_to="somebody-else",
        purposes=[f"purpose-{n:03}" for n in range(100)] + ["parody"],
        templates=[f"template-{n:03}" for n in range(100)],
    )
    recorded = orjson.dumps(_gathered(_registries(row)).row()).decode()
    assert "somebody" not in recorded
    assert "purpose-0" not in recorded
    assert '"purposes":["parody"]' in recorded
    assert '"templates":[]' in recorded


def test_a_person_with_many_grants_keeps_the_one_that_covers() -> None:
    useless = [a_consent(grant=f"g-{n:03}", purposes=["news"]) for n in range(400)]
    covering = a_consent(grant="the-one", granted_at="2020-01-01T00:00:00Z")
    facts = _gathered(_registries(*useless, covering))
    assert len(facts.grants) == 256
    verdict = _judge(an_edit(), facts)
    assert verdict.facts["grants_used"] == [[SUBJECT, "the-one"]]


TIMES = st.integers(AS_OF - 2, AS_OF + 2)
KINDS = st.lists(st.sampled_from(["style", "face", "voice"]), unique=True).map(tuple)
FACTS = st.builds(
    ConsentFacts,
    template=st.none()
    | st.builds(
        TemplateSeen,
        st.integers(0, COUNT_MAX),
        st.booleans(),
        st.lists(st.sampled_from(MEDIA)).map(tuple),
        KINDS,
        st.booleans(),
        ds_class=st.sampled_from([None, "DS1", "DS4"]),
        special_object=st.booleans(),
        assessment=st.none() | st.just("sa-1"),
        assessed_until=st.none() | TIMES,
        impact=st.none() | st.builds(Impact, st.just("pia-1"), TIMES, st.just(KEPT.kept_until)),
        unfounded=st.sampled_from([(), ("s1",)]),
        processors=st.lists(
            st.builds(Engaged, st.just("api"), st.none() | TIMES, st.none() | TIMES), max_size=2
        ).map(tuple),
        models=st.sampled_from([None, (), ("m1",)]),
        notice=st.sampled_from([None, "a" * 64, "b" * 64]),
    ),
    prompted_at=st.none() | TIMES,
    actor_age_band=st.sampled_from(AGES),
    grants=st.lists(
        st.builds(
            GrantSeen,
            subject=st.sampled_from([SUBJECT, "subj-0002"]),
            grant=st.sampled_from(["g-1", "g-2", "g-3"]),
            version=st.integers(0, 3),
            guardian=st.booleans(),
            age_band=st.sampled_from(AGES),
            biometric=KINDS,
            purposes=st.lists(st.sampled_from(["parody", "news"])).map(tuple),
            templates=st.none() | st.lists(st.sampled_from(["t1", "t2"])).map(tuple),
            publish=st.booleans(),
            for_user=st.booleans(),
            granted_at=TIMES,
            expires_at=st.none() | TIMES,
            revoked=st.booleans(),
            superseded=st.booleans(),
            notice=st.sampled_from(["a" * 64, "b" * 64]),
            recipients=st.sampled_from([(), ("api",)]),
            proofs=st.sampled_from([GRANT.proofs, ("channel",)]),
            by_subject=st.booleans(),
            models=st.sampled_from([None, ("m1",)]),
            classes=st.sampled_from([None, ("DS1",)]),
            territories=st.sampled_from([None, ("CN",)]),
        ),
        max_size=4,
    ).map(tuple),
    refusals=st.lists(st.tuples(st.sampled_from([SUBJECT, "subj-0002"]), TIMES), max_size=2).map(
        tuple
    ),
    unproven=st.sampled_from([(), ((SUBJECT, "malformed"),)]),
)


@given(EVENTS, FACTS, TIMES)
def test_total_deterministic_and_the_same_from_the_record(
    event: Event, facts: ConsentFacts, as_of: int
) -> None:
    first = decide(event, facts, LAW, as_of)
    assert first == decide(event, facts, LAW, as_of)
    recorded: dict[str, Any] = orjson.loads(orjson.dumps(first.facts))
    assert recorded == first.facts
    assert decide(event, ConsentFacts.from_row(recorded), LAW, as_of) == first


@given(EVENTS, FACTS)
def test_taking_grants_away_or_revoking_them_never_permits_more(
    event: Event, facts: ConsentFacts
) -> None:
    before = _judge(event, facts).outcome
    for worse in (
        replace(facts, grants=facts.grants[1:]),
        replace(facts, grants=tuple(replace(grant, revoked=True) for grant in facts.grants)),
        replace(facts, prompted_at=None),
        replace(facts, refusals=(*facts.refusals, (SUBJECT, AS_OF))),
        replace(facts, grants=tuple(replace(grant, proofs=()) for grant in facts.grants)),
    ):
        after = _judge(event, worse).outcome
        assert before is after or after is Outcome.REFUSE
