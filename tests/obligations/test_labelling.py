"""Labelling decides: each rule with a lawful and an unlawful event; nothing unlabelled goes."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acts import BOOK, LAW, TIME_MS, event, stub
from synthgate.events.event import STUB
from synthgate.events.models import Medium, Role
from synthgate.events.types import CHAIN_TYPES
from synthgate.law.reasons import texts
from synthgate.obligations.labelling import OBLIGATION, decide
from synthgate.obligations.labelling.events import (
    brings_files,
    brings_words,
    declared_of,
    rows_of_ours,
    rows_to_label,
)
from synthgate.obligations.labelling.facts import LabellingFacts, ObjectFact, OutputFact

DONE = event("generation.completed", {"text": "你好"})
PART = event("generation.segment", {"text": "你好"}, generation={"segment": {"index": 1}})
EXPORT = event("asset.exported", {"objects": [{"name": "3/a.txt"}]})
BARE = event("export.unlabelled_requested", {"objects": [{"name": "3/a.txt"}], "text": "你好"})
SCENE = event("scene.started", {"text": "广场"}, generation={"medium": "virtual_scene"})
START = "interface:start_frame"
FILE = {"name": "a", "sha256": "0" * 64, "media_type": "x", "size_bytes": 1}


def brought(medium, kind="generation.completed"):
    """An event that brings one file."""
    return event(kind, {"objects": [FILE]}, generation={"medium": medium})


def taken_in(**over):
    """An event that brings one file from elsewhere."""
    return event("content.ingested", {"objects": [FILE]}, generation={"medium": "image"}, **over)


GOOD = LabellingFacts(
    registered=True, a17_item=1, sentence="AI生成", sentence_valid=True, text=True, labels_clause="b" * 64,
    prompt="chat/9",
)  # fmt: skip
OBJECT = ObjectFact(stored=True)
LABELLED = (OutputFact(),)
ASKED = {"objects": (OBJECT,), "verified": True, "duty_clause": "c" * 64, "accepted_at": TIME_MS}
"""Facts of a user who may have a copy without the explicit label."""
MADE_OF = {"objects": (OBJECT,), "outputs": LABELLED}
MEDIA = ("text", "image", "audio", "video", "other")
FIRST = "/content/objects/0"
UNSHOWN = (OutputFact(unshown="label_too_small"),)


def said(made=DONE, law=LAW, **facts):
    return decide(made, replace(GOOD, **facts), law, TIME_MS)


def faults(verdict):
    return [(reason.rule, reason.code, reason.where) for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("made", "facts"),
    [
        (DONE, {}),
        (DONE, {"a17_item": None}),
        (PART, {"segment": 0}),
        (PART, {"segment": 1, "stream_labelled": True}),
        (PART, {"segment": 1, "interface_label": True}),
        (PART, {"segment": 1, "a17_item": None}),
        (EXPORT, {"objects": (OBJECT, OBJECT)}),
        (EXPORT, {"objects": (replace(OBJECT, explicit=False),), "a17_item": None}),
        (event("asset.exported", {"text": "你好"}), {}),
        *((brought(medium), {"text": False, "outputs": LABELLED * 2}) for medium in MEDIA),
        (brought("text"), {"outputs": LABELLED}),
        (brought("text", "generation.segment"), {"outputs": LABELLED, "text": False, "segment": 0}),
        (SCENE, {}),
        (SCENE, {"a17_item": None}),
        (DONE, {"prompt": None}),
        (PART, {"segment": 0, "prompt": None}),
        (EXPORT, {"objects": (OBJECT,), "labels_clause": None, "prompt": None, "a17_item": None}),
        (event("asset.exported", {"text": "你好"}), {"labels_clause": None, "prompt": None}),
        (BARE, ASKED | {"labels_clause": None, "prompt": None, "a17_item": None}),
        (BARE, ASKED),
        (BARE, ASKED | {"a17_item": None, "sentence_valid": False}),
        (BARE, ASKED | {"text": False, "outputs": LABELLED}),
        (BARE, ASKED | {"objects": (replace(OBJECT, explicit=False),)}),
        (brought("image", "content.transformed"), MADE_OF | {"text": False}),
        (brought("image", "content.transformed"), MADE_OF | {"outputs": (OutputFact(kept="altered"),)}),
        (event("content.transformed", {"text": "你好"}), {"objects": (OBJECT, OBJECT)}),
        (taken_in(), {"outputs": LABELLED}),
        (taken_in(declared_ai=False), {"outputs": LABELLED, "sentence_valid": False}),
        (taken_in(), {"outputs": (OutputFact(found="1"), OutputFact(signs=True)), "interface_label": True}),
        (taken_in(declared_ai=True), {"outputs": LABELLED, "interface_label": True}),
        (taken_in(), {"outputs": UNSHOWN, "interface_label": True}),
        (brought("image"), {"outputs": UNSHOWN, "a17_item": None}),
        (brought("image"), {"outputs": UNSHOWN, "interface_label": True}),
    ],
)  # fmt: skip
def test_what_carries_or_can_be_given_a_label_passes(made, facts):
    assert said(made, **facts).outcome == "pass"


UNLAWFUL = {
    "DSP-17-5": (SCENE, {"prompt": None, "prompt_fault": "interface_expired"}, "interface_expired", START),
    "DSP-17-7": (DONE, {"a17_item": None, "prompt": None}, "interface_unknown", "interface:offer"),
    "LBL-6-4": (
        taken_in(), {"outputs": LABELLED, "prompt": None}, "interface_unknown", "interface:declaration",
    ),
    "LBL-8-1": (DONE, {"labels_clause": None}, "labels_undescribed", "terms"),
    "LBL-9-1": (BARE, ASKED | {"accepted_at": None}, "duty_clause_not_accepted", "user"),
    "DSP-18-1": (taken_in(), {"outputs": (OutputFact("label_altered"),)}, "label_altered", FIRST),
    "LBL-6-1": (taken_in(), {"outputs": (OutputFact(found="1"),)}, "notice_missing", FIRST),
    "LBL-6-2": (taken_in(declared_ai=True), {"outputs": LABELLED}, "notice_missing", FIRST),
    "LBL-6-3": (taken_in(), {"outputs": (OutputFact(signs=True),)}, "notice_missing", FIRST),
    "DSP-16-1": (brought("image"), {"outputs": (OutputFact("file_broken"),)}, "file_broken", FIRST),
    "DSP-17-2": (brought("audio"), {"outputs": UNSHOWN}, "label_too_small", FIRST),
    "DSP-17-3": (brought("image"), {"outputs": (*LABELLED, *UNSHOWN)}, "label_too_small", "/content/objects/1"),
    "DSP-17-4": (brought("video"), {"outputs": UNSHOWN}, "label_too_small", FIRST),
    "DSP-17-6": (brought("other"), {"outputs": UNSHOWN}, "label_too_small", FIRST),
    "GB-E-2": (brought("video"), {"outputs": (OutputFact("label_foreign"),)}, "label_foreign", FIRST),
    "DSP-16-2": (DONE, {"text": False}, "nothing_to_label", "/content/text"),
    "DSP-16-3": (EXPORT, {"objects": (ObjectFact(stored=False),)}, "object_missing", "object:0"),
    "DSP-17-1": (PART, {"segment": 1}, "label_missing", "/generation/segment"),
    "LBL-4-7": (EXPORT, {"objects": (OBJECT, replace(OBJECT, explicit=False))}, "label_missing", "object:1"),
    "GB-E-1": (EXPORT, {"objects": (replace(OBJECT, faults=("Label",)),)}, "label_invalid", "object:0 Label"),
    "GB-E-3": (EXPORT, {"objects": (replace(OBJECT, first_write=False),)}, "propagator_differs", "object:0"),
    "GB-E-4": (DONE, {"provider": "provider_code_sample"}, "provider_code_sample", "setting:provider_code"),
    "DSP-10-2": (EXPORT, {"objects": (replace(OBJECT, same_text=False),)}, "object_differs", "object:0"),
    "HOUSE-upstream": (DONE, {"upstream": "refuse"}, "upstream_refused", None),
    "HOUSE-not_configured": (DONE, {"registered": False}, "template_unregistered", "/generation/template"),
}  # fmt: skip


@pytest.mark.parametrize("rule", UNLAWFUL)
def test_each_rule_refuses_and_dropping_it_lets_go(rule):
    made, facts, code, where = UNLAWFUL[rule]
    if rule == "LBL-4-7":  # an interface prompt does not replace the label in a file
        facts = facts | {"interface_label": True}
    verdict = said(made, **facts)
    assert verdict.outcome == "refuse"
    assert faults(verdict) == [(rule, code, where)]
    dropped = BOOK.without(rule).at(TIME_MS)
    assert said(made, dropped, **facts).outcome == "pass"


def test_every_rule_of_the_obligation_is_shown_above():
    assert set(OBLIGATION.rules) <= set(UNLAWFUL)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"faults": ("ContentProducer",)}, ("GB-E-1", "label_invalid", "field:ContentProducer")),
        ({"first_write": False}, ("GB-E-3", "propagator_differs", None)),
        ({"sentence_valid": False}, ("DSP-17-1", "label_sentence_invalid", "setting:label_text")),
        ({"sentence": "AI-generated"}, ("DSP-17-1", "label_sentence_invalid", "setting:label_text")),
        ({"provider": "provider_code_invalid"}, ("GB-E-4", "provider_code_invalid", "setting:provider_code")),
        ({"readback_ok": False}, ("DSP-16-2", "label_unreadable", None)),
    ],
)  # fmt: skip
def test_other_faults_of_our_own_label(facts, fault):
    verdict = said(**facts)
    assert verdict.outcome == "refuse"
    assert faults(verdict) == [fault]


def test_a_foreign_producer_and_a_published_part_without_label_are_refused():
    assert faults(said(EXPORT, objects=(replace(OBJECT, producer_ours=False),))) == [
        ("GB-E-4", "producer_differs", "object:0"),
    ]  # fmt: skip
    bare = (replace(OBJECT, explicit=False),)
    shown = event("content.published", {"objects": [{"name": "x"}]}, role="propagator")
    assert faults(said(shown, objects=bare)) == [("DSP-17-1", "label_missing", "object:0")]
    assert said(shown, objects=bare, interface_label=True).outcome == "pass"


def test_only_exports_and_publications_speak_of_objects_labelled_before():
    named = event("generation.completed", {"objects": [{"name": "x"}]})
    assert faults(said(named, text=False)) == [("DSP-16-2", "nothing_to_label", "/content/text")]
    anew = event("asset.exported", {"text": "你好"})
    assert faults(said(anew, first_write=False)) == [("GB-E-3", "propagator_differs", None)]


@pytest.mark.parametrize("kind", [kind for kind in CHAIN_TYPES if kind != STUB])
def test_output_of_a_model_and_what_is_taken_in_bring_files_and_nothing_else_does(kind):
    brings = kind in (
        "generation.completed", "generation.segment", "content.ingested", "content.transformed",
    )  # fmt: skip
    assert brings_files(event(kind, {"objects": [FILE]})) == brings
    assert not brings_files(event(kind, {"text": "你好"}))
    assert not brings_files(event(kind))


@pytest.mark.parametrize("code", ["source_unlisted", "manifest_unsigned"])
def test_a_file_nobody_may_read_or_sign_was_not_configured(code):
    verdict = said(brought("image"), outputs=(OutputFact(code),))
    assert faults(verdict) == [("HOUSE-not_configured", code, "/content/objects/0")]


def test_of_a_file_that_cannot_be_labelled_nothing_else_is_said_and_each_is_named():
    broken = OutputFact("file_broken", "label_too_small")
    assert faults(said(brought("video"), outputs=(broken, OutputFact(), broken))) == [
        ("DSP-16-1", "file_broken", "/content/objects/0"), ("DSP-16-1", "file_broken", "/content/objects/2"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "facts", "rule", "where"),
    [
        (PART, {"segment": 1}, "DSP-17-1", "/generation/segment"),
        (brought("video"), {"outputs": UNSHOWN}, "DSP-17-4", FIRST),
        (
            event("content.published", {"objects": [FILE]}),
            {"objects": (replace(OBJECT, explicit=False),)},
            "DSP-17-1",
            "object:0",
        ),
    ],
)
def test_a_contract_that_does_not_count_is_named_where_something_rests_on_it(
    made, facts, rule, where
):
    verdict = said(made, **facts, interface_fault="interface_expired")
    assert faults(verdict) == [(rule, "interface_expired", where)]
    assert said(interface_fault="interface_expired").outcome == "pass"


def test_what_comes_from_elsewhere_is_read_or_refused_and_shown_as_what_it_is():
    assert faults(said(taken_in(), outputs=(OutputFact("file_broken"),))) == [
        ("LBL-6-1", "file_broken", FIRST)
    ]
    assert faults(said(taken_in(), outputs=(OutputFact("source_unlisted"),))) == [
        ("HOUSE-not_configured", "source_unlisted", FIRST)
    ]
    labelled = (OutputFact(found="2", signs=True),)
    assert faults(said(taken_in(declared_ai=True), outputs=labelled)) == [
        ("LBL-6-1", "notice_missing", FIRST)
    ]
    assert faults(said(taken_in(), outputs=labelled, interface_fault="interface_expired")) == [
        ("LBL-6-1", "interface_expired", FIRST)
    ]
    declared = taken_in(declared_ai=True)
    assert faults(said(declared, outputs=(OutputFact(signs=True),))) == [
        ("LBL-6-2", "notice_missing", FIRST)
    ]
    nothing = event("content.ingested", {}, generation={"medium": "text"})
    assert faults(said(nothing)) == [("HOUSE-not_configured", "no_labeller", "/content/objects")]
    words = event("content.ingested", {"text": "x"}, generation={"medium": "text"})
    for fault, rule in (("label_altered", "DSP-18-1"), ("label_unreadable", "LBL-6-1")):
        assert faults(said(words, outputs=(OutputFact(fault),))) == [(rule, fault, "/content/text")]
    assert faults(said(words, outputs=(OutputFact(signs=True),))) == [
        ("LBL-6-3", "notice_missing", "/content/text")
    ]
    both = event("content.ingested", {"text": "x", "objects": [FILE]})
    assert faults(said(both, outputs=(OutputFact(signs=True),))) == [
        ("LBL-6-3", "notice_missing", FIRST)
    ]


@pytest.mark.parametrize(
    ("made", "declared"),
    [
        (taken_in(declared_ai=True), True),
        (taken_in(declared_ai=False), False),
        (taken_in(), False),
        (taken_in(declared_ai=1), False),
        (brought("image"), None),
    ],
)
def test_only_its_users_own_yes_declares_it(made, declared):
    assert declared_of(made) is declared


@pytest.mark.parametrize("medium", ["image", "audio", "video", "other"])
def test_words_alone_are_no_output_of_another_medium(medium):
    made = event("generation.completed", {"text": "x"}, generation={"medium": medium})
    assert faults(said(made)) == [("DSP-16-1", "nothing_to_label", "/content/objects")]


@pytest.mark.parametrize(
    ("medium", "rule"),
    [("audio", "DSP-17-2"), ("image", "DSP-17-3"), ("video", "DSP-17-4"), ("other", "DSP-17-6")],
)
def test_each_medium_has_its_own_rule_of_what_people_perceive(medium, rule):
    wrong = said(brought(medium), outputs=LABELLED, sentence_valid=False)
    assert faults(wrong) == [(rule, "label_sentence_invalid", "setting:label_text")]
    shown = event("content.published", {"objects": [FILE]}, generation={"medium": medium})
    bare = (replace(OBJECT, explicit=False),)
    assert faults(said(shown, objects=bare)) == [(rule, "label_missing", "object:0")]


def test_of_an_object_that_is_not_there_nothing_else_is_said():
    lost = ObjectFact(False, ("Label",), False, False, False, False)
    assert faults(said(EXPORT, objects=(lost,))) == [("DSP-16-3", "object_missing", "object:0")]


@pytest.mark.parametrize("held", ["retry", "review"])
def test_without_the_rule_a_hold_before_is_no_hold_here(held):
    dropped = BOOK.without("HOUSE-upstream").at(TIME_MS)
    assert said(law=dropped, upstream="hold", held=held).outcome == "pass"


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"verified": False}, ("HOUSE-recipient", "recipient_unverified", "user")),
        ({"duty_clause": None}, ("LBL-9-1", "duty_clause_missing", "terms")),
        ({"duty_clause": None, "accepted_at": None}, ("LBL-9-1", "duty_clause_missing", "terms")),
        ({"objects": ()}, ("DSP-16-3", "object_missing", "/content/objects")),
        ({"objects": (ObjectFact(False, ("Label",)),)}, ("DSP-16-3", "object_missing", "object:0")),
        ({"objects": (replace(OBJECT, same_text=False),)}, ("DSP-10-2", "object_differs", "object:0")),
        ({"text": False}, ("DSP-16-1", "nothing_to_label", "/content/originals")),
        (
            {"text": False, "objects": (OBJECT, OBJECT), "outputs": LABELLED},
            ("DSP-16-1", "nothing_to_label", "/content/originals"),
        ),
        ({"outputs": (OutputFact("source_missing"),)}, ("DSP-16-1", "source_missing", "/content/originals/0")),
        (
            {"outputs": (OutputFact("original_differs"),)},
            ("DSP-10-2", "original_differs", "/content/originals/0"),
        ),
        ({"outputs": (OutputFact("label_foreign"),)}, ("GB-E-2", "label_foreign", "/content/originals/0")),
        (
            {"outputs": (OutputFact("source_unlisted"),)},
            ("HOUSE-not_configured", "source_unlisted", "/content/originals/0"),
        ),
    ],
)  # fmt: skip
def test_a_copy_without_a_mark_goes_to_nobody_else_and_is_what_was_reviewed(facts, fault):
    assert faults(said(BARE, **(ASKED | facts))) == [fault]


def test_what_is_made_of_labelled_content_names_it_and_each_is_rightly_labelled():
    made = brought("image", "content.transformed")
    wrong = (
        OBJECT, ObjectFact(False, ("Label",)), replace(OBJECT, faults=("envelope",)),
        replace(OBJECT, producer_ours=False),
    )  # fmt: skip
    assert faults(said(made, objects=wrong, outputs=LABELLED)) == [
        ("DSP-16-3", "object_missing", "/content/parents/1"),
        ("DSP-18-1", "label_altered", "/content/parents/2"),
        ("DSP-18-1", "label_altered", "/content/parents/3"),
    ]
    assert faults(said(made, outputs=LABELLED)) == [
        ("DSP-18-1", "parent_missing", "/content/parents")
    ]
    assert faults(said(made, objects=(OBJECT,), outputs=UNSHOWN)) == [
        ("DSP-17-3", "label_too_small", FIRST)
    ]


@pytest.mark.parametrize(
    ("kind", "ours", "brought"),
    [
        ("asset.exported", "o", ""), ("content.published", "o", ""), ("generation.completed", "", "o"),
        ("content.transformed", "p", "o"), ("export.unlabelled_requested", "o", "r"),
        ("content.ingested", "", "o"),
        ("content.delivered", "", ""),
    ],
)  # fmt: skip
def test_which_rows_of_an_event_are_ours_and_which_are_to_be_labelled(kind, ours, brought):
    rows = {"o": "objects", "p": "parents", "r": "originals"}
    made = event(kind, {name: [letter] for letter, name in rows.items()})
    assert list(rows_of_ours(made)) == list(ours)
    assert list(rows_to_label(made)) == list(brought)
    assert list(rows_of_ours(event(kind, {}))) == []
    assert list(rows_to_label(event(kind, {}))) == []


@pytest.mark.parametrize("medium", MEDIA)
def test_a_scene_is_a_scene_and_nothing_else(medium):
    made = event("scene.started", {"text": "x"}, generation={"medium": medium})
    assert faults(said(made)) == [("HOUSE-not_configured", "no_labeller", "/generation/medium")]


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"text": False}, ("DSP-16-2", "nothing_to_label", "/content")),
        ({"prompt": None}, ("DSP-17-5", "interface_unknown", START)),
        ({"sentence_valid": False}, ("DSP-17-5", "label_sentence_invalid", "setting:label_text")),
        ({"faults": ("ProduceID",)}, ("GB-E-1", "label_invalid", "field:ProduceID")),
        ({"first_write": False}, ("GB-E-3", "propagator_differs", None)),
        ({"labels_clause": None}, ("LBL-8-1", "labels_undescribed", "terms")),
        ({"a17_item": None, "prompt": None}, ("DSP-17-7", "interface_unknown", "interface:offer")),
    ],
)
def test_what_a_scene_must_say_and_carry(facts, fault):
    assert faults(said(SCENE, **facts)) == [fault]


@pytest.mark.parametrize("made", [DONE, PART, SCENE], ids=lambda made: made.type)
def test_before_anything_is_given_out_the_terms_say_how_it_is_labelled(made):
    assert faults(said(made, labels_clause=None)) == [("LBL-8-1", "labels_undescribed", "terms")]


@pytest.mark.parametrize("made", [DONE, PART, SCENE], ids=lambda made: made.type)
def test_where_no_label_is_owed_one_is_offered(made):
    lacks = said(made, a17_item=None, prompt=None, prompt_fault="interface_expired")
    assert faults(lacks) == [("DSP-17-7", "interface_expired", "interface:offer")]
    # Of a template nobody registered nobody can say what it owes.
    unknown = said(made, registered=False, a17_item=None, prompt=None)
    assert "DSP-17-7" not in {rule for rule, _, _ in faults(unknown)}


def test_who_brings_content_is_reminded_to_declare_it_by_a_contract_that_counts():
    lacks = said(taken_in(), outputs=LABELLED, prompt=None, prompt_fault="interface_expired")
    assert faults(lacks) == [("LBL-6-4", "interface_expired", "interface:declaration")]


def test_media_nobody_can_label_yet_are_refused():
    verdict = said(brought("virtual_scene"), outputs=LABELLED)
    assert faults(verdict) == [("HOUSE-not_configured", "no_labeller", "/generation/medium")]


@pytest.mark.parametrize(
    ("held", "kind"), [("retry", "retry"), ("review", "review"), (None, "review")]
)
def test_what_is_held_before_is_held_here(held, kind):
    verdict = said(upstream="hold", held=held)
    assert (verdict.outcome, verdict.hold) == ("hold", kind)
    assert faults(verdict) == [("HOUSE-upstream", "upstream_held", None)]


def test_a_request_and_a_stub_are_not_applicable_and_say_which_cell():
    asked = said(event("generation.requested", {"prompt": "x"}))
    assert (asked.outcome, asked.cell) == ("not_applicable", "labelling.requested")
    verdict = decide(stub(), LabellingFacts(upstream="refuse"), LAW, TIME_MS)
    assert (verdict.outcome, verdict.cell) == ("not_applicable", "labelling.stub")


OBJECTS = st.builds(
    ObjectFact, st.booleans(), st.lists(st.sampled_from(["Label", "envelope"]), max_size=2).map(tuple),
    st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
OUTPUTS = st.builds(
    OutputFact, st.sampled_from([None, None, "file_broken", "label_foreign", "source_unlisted"]),
    st.sampled_from([None, "label_too_small"]), st.sampled_from([None, "1"]), st.booleans(),
    st.sampled_from([None, "kept", "missing", "altered"]),
)  # fmt: skip
FACTS = st.builds(
    LabellingFacts,
    upstream=st.sampled_from([None, None, "refuse", "hold"]),
    held=st.sampled_from([None, "retry", "review"]),
    registered=st.booleans(),
    a17_item=st.none() | st.integers(1, 5),
    interface_label=st.booleans(),
    provider=st.sampled_from([None, None, "provider_code_invalid", "provider_code_sample"]),
    sentence=st.sampled_from(["AI生成", "本内容由人工智能合成", "", "AI"]),
    sentence_valid=st.booleans(),
    text=st.booleans(),
    faults=st.lists(st.sampled_from(["ProduceID"]), max_size=1).map(tuple),
    first_write=st.booleans(),
    segment=st.none() | st.integers(0, 3),
    stream_labelled=st.booleans(),
    objects=st.lists(OBJECTS, max_size=3).map(tuple),
    readback_ok=st.booleans(),
    outputs=st.lists(OUTPUTS, max_size=2).map(tuple),
    interface=st.sampled_from([None, "chat/1"]),
    interface_fault=st.sampled_from([None, "interface_expired"]),
    verified=st.booleans(),
    duty_clause=st.sampled_from([None, "c" * 64]),
    accepted_at=st.none() | st.integers(0, TIME_MS),
    labels_clause=st.sampled_from([None, "b" * 64]),
    prompt=st.sampled_from([None, "chat/2"]),
    prompt_fault=st.sampled_from([None, "interface_expired"]),
)
EVENTS = st.builds(
    lambda kind, role, medium, objects: event(
        kind, {"objects": [{"name": "x"}]} if objects else {"text": ""},
        role=role, generation={"medium": medium},
    ),
    st.sampled_from([kind for kind in CHAIN_TYPES if kind != STUB]),
    st.sampled_from(Role.__args__),
    st.sampled_from(Medium.__args__),
    st.booleans(),
)  # fmt: skip


@given(EVENTS, FACTS)
def test_decide_is_total_pure_and_passes_nothing_without_a_code_and_a_label(made, facts):
    verdict = decide(made, facts, LAW, TIME_MS)
    assert decide(made, facts, LAW, TIME_MS) == verdict
    assert {reason.code for reason in verdict.reasons} <= set(texts())
    applies = LAW.cell(made.type, made.role, made.medium, "labelling").applies
    assert applies == (verdict.outcome != "not_applicable")
    if verdict.outcome == "pass":
        assert facts.provider is None
        assert facts.upstream is None
        assert facts.registered
        assert facts.readback_ok
        assert (made.medium == "virtual_scene") == (made.type == "scene.started")
        if made.type in ("generation.completed", "generation.segment", "scene.started"):
            assert facts.labels_clause
            assert facts.a17_item is not None or facts.prompt
        if made.type in ("scene.started", "content.ingested"):
            assert facts.prompt
        if made.type == "export.unlabelled_requested":
            assert facts.verified
            assert facts.duty_clause
            assert facts.accepted_at is not None
        if made.type in ("export.unlabelled_requested", "content.transformed"):
            assert facts.objects
            assert all(one.stored and one.producer_ours for one in facts.objects)
        if brings_files(made):
            assert not any(one.fault for one in facts.outputs)
            shown = facts.a17_item is None or facts.interface_label
            if made.type == "content.ingested":
                told = any(one.found or one.signs for one in facts.outputs)
                assert facts.outputs
                assert facts.interface_label or not told
            else:
                assert shown or not any(one.unshown for one in facts.outputs)
    if applies and facts.upstream == "refuse":
        assert verdict.outcome == "refuse"


@given(FACTS)
def test_facts_come_back_from_the_record(facts):
    assert LabellingFacts.from_row(json.loads(json.dumps(facts.row()))) == facts


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        ("content.ingested", {"text": "x"}, True),
        ("content.ingested", {"text": ""}, True),
        ("content.ingested", {}, False),
        ("content.ingested", {"text": "x", "objects": [FILE]}, False),
        ("generation.completed", {"text": "x"}, False),
    ],
)
def test_only_what_is_taken_in_without_a_file_brings_words(kind, content, words):
    assert brings_words(event(kind, content)) is words
    assert not brings_words(event(kind, content, generation={"medium": "image"}))
