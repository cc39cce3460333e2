"""Moderation decides: each rule with a lawful and an unlawful event, and what may lift what."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import BOOK, LAW, TIME_MS, event, stub
from synthgate.events.event import STUB
from synthgate.events.models import Medium, Role
from synthgate.events.review_facts import FileFact, HitFact, NewsFact, ScoreFact
from synthgate.events.types import CHAIN_TYPES
from synthgate.law import LawError
from synthgate.law.policy import RISKS
from synthgate.law.reasons import texts
from synthgate.obligations.moderation import OBLIGATION, ModerationFacts, decide

ASK = event("generation.requested", {"prompt": "你好"})
DONE = event("generation.completed", {"text": "你好"})
GOOD = ModerationFacts(library=1, parts=("prompt", "text"), registered=True, reviewed=True)


def said(made=DONE, law=LAW, **facts):
    return decide(made, replace(GOOD, **facts), law, TIME_MS)


def faults(verdict):
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


@pytest.mark.parametrize(
    "made",
    [
        ASK,
        DONE,
        event("generation.segment", {"text": ""}),
        event("asset.exported", {"text": "x"}),
        event("content.published", {"text": "x"}),
    ],
)
def test_what_was_reviewed_and_found_clean_passes(made):
    verdict = said(made)
    assert verdict.outcome == "pass"
    assert verdict.reasons == ()


UNLAWFUL = {
    "DSP-6-1": (DONE, {"risks": {"A.1h": 95}}, "risk_refuse", "refuse"),
    "DSP-10-1": (ASK, {"risks": {"A.3e": 65}}, "risk_review", "hold"),
    "DSP-10-2": (DONE, {"risks": {"A.3e": 65}}, "risk_review", "hold"),
    "DSP-6-2": (DONE, {"news": NewsFact("original", fabricated=True)}, "news_fabricated", "refuse"),
    "DSP-6-3": (DONE, {"news": NewsFact("repost", "s")}, "news_source_unlisted", "refuse"),
    "DSP-10-3": (DONE, {"unheard": "reviewer"}, "answer_unheard", "hold"),
    "DSP-10-4": (DONE, {"unapproved": ("e-1",)}, "entry_unapproved", "hold"),
    "DSP-10-5": (DONE, {"library": None}, "library_missing", "refuse"),
    "DSP-18-2": (ASK, {"against_label": ("e-1",)}, "label_removal", "refuse"),
    "HOUSE-not_configured": (DONE, {"reviewed": False}, "no_reviewer", "refuse"),
}


@pytest.mark.parametrize("rule", UNLAWFUL)
def test_each_rule_refuses_or_holds_and_dropping_it_lets_go(rule):
    made, facts, code, outcome = UNLAWFUL[rule]
    verdict = said(made, **facts)
    assert verdict.outcome == outcome
    assert (rule, code) in [(reason.rule, reason.code) for reason in verdict.reasons]
    dropped = BOOK.without(rule).at(TIME_MS)
    assert said(made, dropped, **facts).outcome != outcome


def test_every_rule_of_the_obligation_is_shown_above():
    assert set(OBLIGATION.rules) <= set(UNLAWFUL)


@pytest.mark.parametrize("risk", RISKS)
def test_every_risk_holds_at_its_review_severity_and_refuses_at_its_own(risk):
    threshold = LAW.policy.moderation.thresholds[risk]
    assert said(risks={risk: threshold.review - 1}).outcome == "pass"
    held = said(risks={risk: threshold.review})
    assert (held.outcome, held.hold) == ("hold", "review")
    assert faults(held) == [("DSP-10-2", "risk_review", f"risk:{risk}")]
    if threshold.refuse is None:
        assert said(risks={risk: 100}).outcome == "hold"
    else:
        assert said(risks={risk: threshold.refuse - 1}).outcome == "hold"
        assert faults(said(risks={risk: threshold.refuse})) == [
            ("DSP-6-1", "risk_refuse", f"risk:{risk}")
        ]


def test_a_risk_nobody_set_a_threshold_for_is_held():
    assert said(risks={"A.5i": 0}).outcome == "hold"


@pytest.mark.parametrize(
    ("made", "facts", "fault"),
    [
        (ASK, {"parts": ()}, ("DSP-10-1", "prompt_missing", "/content/prompt")),
        (ASK, {"parts": ("text", "more/0")}, ("DSP-10-1", "prompt_missing", "/content/prompt")),
        (DONE, {"parts": ("prompt",)}, ("DSP-10-2", "text_missing", "/content/text")),
        (
            event("generation.completed", {"objects": [{"name": "x"}]}), {"parts": ()},
            ("HOUSE-not_configured", "text_missing", "/content/objects"),
        ),
        (DONE, {"library": None}, ("DSP-10-5", "library_missing", None)),
        (DONE, {"alone": True}, ("DSP-10-4", "library_unagreed", "library:1")),
        (DONE, {"reviewed": False}, ("HOUSE-not_configured", "no_reviewer", "/generation/medium")),
        (
            DONE, {"registered": False},
            ("HOUSE-not_configured", "template_unregistered", "/generation/template"),
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_reviewed_is_refused(made, facts, fault):
    verdict = said(made, **facts)
    assert verdict.outcome == "refuse"
    assert faults(verdict) == [fault]


def test_everything_missing_is_named_at_once():
    verdict = decide(ASK, ModerationFacts(risks={"A.1a": 99}), LAW, TIME_MS)
    assert [code for _, code, _ in faults(verdict)] == [
        "template_unregistered", "library_missing", "prompt_missing", "risk_refuse",
    ]  # fmt: skip


def test_objects_of_ours_that_were_reviewed_stand_for_the_text():
    made = event("asset.exported", {"objects": [{"name": "x"}]})
    assert said(made, parts=("object/0", "object/1")).outcome == "pass"


LOOKED = {
    "image": ("picture",), "audio": ("transcript", "voice"), "video": ("frames", "transcript"),
    "virtual_scene": ("frames",), "other": ("text", "picture"),
}  # fmt: skip


@pytest.mark.parametrize("medium", LOOKED)
def test_of_a_file_everything_its_medium_needs_was_looked_at_or_a_person_judges(medium):
    made = event("generation.completed", {"objects": [{"name": "x"}]})
    seen = LOOKED[medium]

    def with_looks(*looks, **more):
        return said(made, parts=(), files=(FileFact(3, medium, looks),), **more)

    assert with_looks(*seen).outcome == "pass"
    assert with_looks("person").outcome == "pass"
    assert with_looks("released").outcome == "pass"
    for missing in seen:
        held = with_looks(*(set(seen) - {missing}))
        assert (held.outcome, held.hold) == ("hold", "review")
        assert faults(held) == [("DSP-10-2", "object_unreviewed", "/content/objects/3")]
        # Neither result speaks of what nobody saw.
        for judge in ("platform", "answer"):
            assert with_looks(*(set(seen) - {missing}), **{judge: "pass"}).outcome == "hold"
    assert with_looks(*seen, reviewed=False).outcome == "refuse"
    assert with_looks(*seen, platform="block").outcome == "refuse"
    asked = said(ASK, files=(FileFact(0, medium),))
    assert faults(asked) == [("DSP-10-1", "object_unreviewed", "/content/objects/0")]


def test_a_text_nobody_could_read_is_refused_whoever_looked_at_it():
    made = event("generation.completed", {"objects": [{"name": "x"}]})
    verdict = said(made, parts=(), files=(FileFact(0, "text", ("text", "person")),))
    assert faults(verdict) == [("HOUSE-not_configured", "text_missing", "/content/objects")]
    assert said(ASK, files=(FileFact(0, "text", ("person",)),)).outcome == "refuse"


def test_a_medium_house_policy_does_not_know_is_never_seen_whole_by_a_service():
    made = event("generation.completed", {"objects": [{"name": "x"}]})
    verdict = said(made, parts=(), files=(FileFact(0, "smell", ("picture", "frames")),))
    assert verdict.outcome == "hold"


PUBLIC = event("content.published", {"text": "x"})
FOR_PUBLIC = event("generation.completed", {"text": "x"}, generation={"publish": True})


@pytest.mark.parametrize(
    ("made", "news", "expected"),
    [
        (DONE, NewsFact("original"), []),
        (PUBLIC, NewsFact("original"), [("DSP-6-2", "news_unverified", "/generation/news")]),
        (FOR_PUBLIC, NewsFact("original"), [("DSP-6-2", "news_unverified", "/generation/news")]),
        (PUBLIC, NewsFact("original", verified=True), []),
        (
            DONE, NewsFact("original", verified=True, fabricated=True),
            [("DSP-6-2", "news_fabricated", "/generation/news/fabricated")],
        ),
        (DONE, NewsFact("unsaid"), []),
        (PUBLIC, NewsFact("unsaid"), [("DSP-6-2", "news_unsaid", "/generation/news")]),
        (PUBLIC, NewsFact("repost", "s", "v1"), []),
        (
            DONE, NewsFact("repost", "s", verified=True),
            [("DSP-6-3", "news_source_unlisted", "/generation/news/source")],
        ),
        (
            PUBLIC, NewsFact("repost", None, "v1", fabricated=True),
            [("DSP-6-2", "news_fabricated", "/generation/news/fabricated")],
        ),
    ],
)  # fmt: skip
def test_news_is_checked_or_comes_from_a_listed_source(made, news, expected):
    assert faults(said(made, news=news)) == expected
    assert faults(said(made, news=news, platform="pass", answer="pass")) == expected


def test_who_asks_to_remove_a_label_is_refused_by_every_entry():
    verdict = said(ASK, against_label=("e-1", "e-2"), answer="pass")
    assert faults(verdict) == [
        ("DSP-18-2", "label_removal", "entry:e-1"), ("DSP-18-2", "label_removal", "entry:e-2"),
    ]  # fmt: skip


def test_what_one_person_alone_took_in_is_for_a_person_to_judge():
    held = said(unapproved=("e-1",), platform="pass")
    assert (held.outcome, held.hold) == ("hold", "review")
    assert faults(held) == [("DSP-10-4", "entry_unapproved", "entry:e-1")]
    assert said(unapproved=("e-1",), answer="pass").outcome == "pass"


@pytest.mark.parametrize("why", ["reviewer", "outcome"])
def test_an_answer_that_does_not_count_leaves_the_hold_and_says_why(why):
    held = said(unheard=why, risks={"A.3e": 65})
    assert faults(held) == [
        ("DSP-10-3", "answer_unheard", f"/evidence/{why}"),
        ("DSP-10-2", "risk_review", "risk:A.3e"),
    ]
    assert held.hold == "review"


def scored(**over):
    return ScoreFact(**{"scorer": "vision", "part": "words", "version": "m-1"} | over)


def test_the_gravest_severity_counts_whoever_found_it():
    risky = (scored(risks={"A.1h": 95}), scored(risks={"A.1h": 5, "A.3e": 65}))
    assert faults(said(scores=risky)) == [("DSP-6-1", "risk_refuse", "risk:A.1h")]
    assert said(scores=risky[1:], risks={"A.3e": 1}).outcome == "hold"
    assert said(scores=(scored(),)).outcome == "pass"
    assert said(scores=(scored(risks={"A.5i": 1}),)).outcome == "hold"


def test_a_scorer_that_did_not_answer_holds_for_a_retry_even_where_a_person_would_be_asked():
    away = (scored(), scored(scorer="ear", fault="timeout"))
    for more in ({}, {"risks": {"A.3e": 65}}, {"platform": "review"}, {"platform": "pass"}):
        verdict = said(scores=away, **more)
        assert (verdict.outcome, verdict.hold) == ("hold", "retry")
        assert faults(verdict) == [("DSP-10-2", "scorer_away", "ear words")]
    assert said(ASK, scores=away).reasons[0].rule == "DSP-10-1"
    assert said(scores=away, answer="pass").outcome == "pass"
    assert said(scores=away, answer="refuse").outcome == "refuse"
    never = said(scores=(scored(fault="rejected"),))
    assert (never.outcome, never.hold) == ("hold", "review")
    assert faults(never) == [("DSP-10-2", "scorer_rejects", "vision words")]


def test_what_reaches_the_public_is_judged_by_its_own_numbers():
    published = event("content.published", {"text": "x"})
    for severity, done, public in (
        (29, "pass", "pass"),
        (35, "pass", "hold"),
        (65, "hold", "refuse"),
    ):
        assert said(risks={"A.1g": severity}).outcome == done
        assert said(published, risks={"A.1g": severity}).outcome == public


@pytest.mark.parametrize("judge", ["platform", "answer"])
def test_a_pass_lifts_a_hold_and_never_a_refusal(judge):
    assert said(risks={"A.3e": 65}, **{judge: "pass"}).outcome == "pass"
    assert said(risks={"A.1h": 95}, **{judge: "pass"}).outcome == "refuse"
    assert said(reviewed=False, **{judge: "pass"}).outcome == "refuse"
    assert said(parts=(), **{judge: "pass"}).outcome == "refuse"


def test_a_listed_reviewer_can_hold_and_block_what_the_library_let_pass():
    held = said(platform="review")
    assert (held.outcome, faults(held)) == ("hold", [("DSP-10-2", "risk_review", "/review")])
    assert said(platform="review", answer="pass").outcome == "pass"
    assert faults(said(platform="block")) == [("DSP-10-2", "review_refused", None)]
    assert said(platform="block", answer="pass").outcome == "refuse"
    named = said(platform="block", named_risks=("A.4b", "A.9z"))
    assert faults(named) == [
        ("DSP-6-1", "risk_refuse", "risk:A.4b"), ("DSP-10-2", "review_refused", None),
    ]  # fmt: skip


def test_the_desks_refusal_makes_the_doubt_a_finding():
    verdict = said(ASK, risks={"A.3e": 65, "A.4a": 1}, answer="refuse")
    assert verdict.outcome == "refuse"
    assert faults(verdict) == [
        ("DSP-6-1", "risk_refuse", "risk:A.3e"), ("DSP-10-1", "review_refused", None),
    ]  # fmt: skip


def test_a_no_for_quality_prohibits_nothing_and_an_unknown_risk_does():
    verdict = said(ASK, risks={"A.5a": 95, "A.5i": 1}, answer="refuse")
    assert faults(verdict) == [
        ("DSP-6-1", "risk_refuse", "risk:A.5i"), ("DSP-10-1", "review_refused", None),
    ]  # fmt: skip
    verdict = said(ASK, risks={"A.5a": 95}, named_risks=("A.5a", "A.3e"), answer="refuse")
    assert faults(verdict) == [
        ("DSP-6-1", "risk_refuse", "risk:A.3e"), ("DSP-10-1", "review_refused", None),
    ]  # fmt: skip


def test_a_stub_is_not_applicable_and_says_which_cell():
    verdict = decide(stub(), ModerationFacts(), LAW, TIME_MS)
    assert (verdict.outcome, verdict.cell) == ("not_applicable", "moderation.stub")


def test_the_types_it_hears_are_all_judged():
    for kind in OBLIGATION.hears:
        assert LAW.cell(kind, "provider", "text", "moderation").applies


RISK = st.sampled_from([*RISKS, "A.5i"])
HIT = st.builds(
    HitFact, st.text(max_size=5), RISK, st.integers(0, 100), st.sampled_from(["exact", "folded", "hidden"]),
    st.sampled_from(["prompt", "text", "more/0"]), st.integers(0, 9), st.integers(0, 9),
)  # fmt: skip
LOOKS = st.sampled_from(["picture", "frames", "transcript", "voice", "text", "released", "person"])
FILE = st.builds(
    FileFact, st.integers(0, 63), st.sampled_from(Medium.__args__), st.lists(LOOKS, max_size=3).map(tuple)
)  # fmt: skip
NEWS = st.builds(
    NewsFact, st.sampled_from(["original", "repost", "unsaid"]), st.none() | st.just("s"),
    st.none() | st.just("v1"), verified=st.booleans(), fabricated=st.booleans(),
)  # fmt: skip
SCORE = st.builds(
    ScoreFact, st.just("vision"), st.sampled_from(["words", "file/0"]), st.none() | st.just("m-1"),
    st.dictionaries(RISK, st.integers(1, 100), max_size=2),
    st.sampled_from([None, None, "timeout", "rejected"]),
)  # fmt: skip
FACTS = st.builds(
    ModerationFacts,
    library=st.none() | st.integers(1, 9),
    parts=st.lists(st.sampled_from(["prompt", "text", "object/0", "more/0"]), max_size=3).map(
        tuple
    ),
    hits=st.lists(HIT, max_size=3).map(tuple),
    found=st.integers(0, 9),
    risks=st.dictionaries(RISK, st.integers(0, 100), max_size=4),
    registered=st.booleans(),
    reviewed=st.booleans(),
    platform=st.sampled_from([None, "pass", "review", "block"]),
    answer=st.sampled_from([None, "pass", "refuse"]),
    reviewer=st.none() | st.just("desk-7"),
    named_risks=st.lists(RISK, max_size=2).map(tuple),
    files=st.lists(FILE, max_size=2).map(tuple),
    scores=st.lists(SCORE, max_size=2).map(tuple),
    news=st.none() | NEWS,
    alone=st.booleans(),
    unheard=st.sampled_from([None, "reviewer", "outcome"]),
    against_label=st.lists(st.just("e-1"), max_size=2).map(tuple),
    unapproved=st.lists(st.just("e-2"), max_size=1).map(tuple),
)
EVENTS = st.builds(
    lambda kind, role, medium, objects: event(
        kind,
        {"objects": [{"name": "x"}]} if objects else {},
        role=role,
        generation={"medium": medium},
    ),
    st.sampled_from([kind for kind in CHAIN_TYPES if kind != STUB]),
    st.sampled_from(Role.__args__),
    st.sampled_from(Medium.__args__),
    st.booleans(),
)


@given(EVENTS, FACTS)
def test_decide_is_total_pure_and_never_passes_what_is_grave(made, facts):
    verdict = decide(made, facts, LAW, TIME_MS)
    assert decide(made, facts, LAW, TIME_MS) == verdict
    assert {reason.code for reason in verdict.reasons} <= set(texts())
    if verdict.outcome == "not_applicable":
        assert not LAW.cell(made.type, made.role, made.medium, "moderation").applies
        return
    thresholds = LAW.policy.moderation.thresholds
    grave = any(
        thresholds[risk].refuse is not None and severity >= thresholds[risk].refuse
        for risk, severity in facts.risks.items()
        if risk in thresholds
    )
    unsure = not (facts.library and facts.registered and facts.reviewed)
    if grave or unsure or facts.answer == "refuse" or facts.platform == "block":
        assert verdict.outcome == "refuse"
    if verdict.outcome == "pass":
        assert all(file.seen for file in facts.files)
        assert not (facts.alone or facts.against_label)
        assert facts.news is None or not facts.news.fabricated
        assert facts.answer == "pass" or all(score.fault is None for score in facts.scores)
    if verdict.outcome == "pass" and any(
        r in thresholds and s >= thresholds[r].review for r, s in facts.risks.items()
    ):
        assert "pass" in (facts.answer, facts.platform)


@given(FACTS)
def test_facts_come_back_from_the_record(facts):
    row = json.loads(json.dumps(facts.row()))
    assert ModerationFacts.from_row(row) == facts


@given(FACTS)
def test_facts_hold_no_field_for_words(facts):
    longest = max((len(word) for word in _strings(facts.row())), default=0)
    assert longest <= 20


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _strings(item)


def test_an_unknown_type_is_an_error_not_a_pass():
    with pytest.raises(LawError):
        decide(event("no.such"), GOOD, LAW, TIME_MS)


def test_facts_come_back_from_the_verdict_with_or_without_what_was_only_watched():
    hit = HitFact("e", "A.1h", 90, "separated", "prompt", 0, 3)
    bare = ModerationFacts(library=1)
    rare = {"watched", "files", "scores", "news", "alone", "unheard", "against_label", "unapproved"}
    assert rare.isdisjoint(bare.row())
    assert ModerationFacts.from_row(bare.row()) == bare
    watched = ModerationFacts(library=1, watched=(hit,))
    assert watched.row()["watched"] == [
        {
            "entry": "e", "risk": "A.1h", "severity": 90, "normalisation": "separated", "part": "prompt",
            "start": 0, "end": 3,
        }
    ]  # fmt: skip
    assert ModerationFacts.from_row(watched.row()) == watched
