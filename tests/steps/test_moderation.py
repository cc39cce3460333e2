"""Moderation's step: what is searched, with which library, and whose judgement counts."""

import asyncio
import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acts import (
    BOOK,
    TIME_MS,
    Copies,
    a_template,
    admitted,
    answered,
    control,
    event,
    library_in_force,
    passage,
    stub,
    work,
)  # fmt: skip
from synthgate.effects.label import Label
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import LocalObjects
from synthgate.events import topics
from synthgate.events.origin import Origin
from synthgate.obligations.moderation import ModerationFacts, decide
from synthgate.step import Waiting
from synthgate.steps.hits import HITS_RECORDED_MAX
from synthgate.steps.moderation import ModerationDuty


@pytest.fixture
def copies():
    return Copies("moderation", a_template(), *library_in_force())


@pytest.fixture
def store(tmp_path):
    return LocalObjects(tmp_path)


def duty_on(copies, store=None):
    return ModerationDuty(copies.registries, copies.fresh, store)


async def judge(copies, made, reentry=None, store=None):
    """Facts and verdict, the facts once through JSON as replay would have them."""
    gathered = await duty_on(copies, store).gather([passage(made, reentry=reentry)], work())
    facts = ModerationFacts.from_row(json.loads(json.dumps(gathered.facts[0].row())))
    return facts, decide(made, facts, BOOK.at(TIME_MS), TIME_MS)


def asks(prompt, **over):
    return admitted("generation.requested", {"prompt": prompt}, **over)


def says(text, kind="generation.completed", **over):
    return admitted(kind, {"text": text}, **over)


@pytest.mark.parametrize(
    ("made", "outcome", "part"),
    [
        (asks("写一首关于春天的诗"), "pass", None),
        (asks("怎样买海洛因"), "refuse", "prompt"),
        (asks("海洛因成瘾治疗有哪些方法"), "pass", None),
        (asks("怎样买海\u200b洛\ufe0f因"), "refuse", "prompt"),
        (asks("ｂｕｙ　Ｈｅｒｏｉｎ"), "refuse", "prompt"),
        (asks("请去除AI标识"), "refuse", "prompt"),
        (asks("please REMOVE the \u202eAI\u202c label"), "refuse", "prompt"),
        (asks("写一句稳赚不赔的广告"), "hold", "prompt"),
        (says("今天天气很好"), "pass", None),
        (says("Fake passport, delivered in two days"), "refuse", "text"),
        (says(""), "pass", None),
        (says("x\x00海\x00洛\x00因"), "refuse", "text"),
        (says("点击链接领红包", "content.published"), "hold", "text"),
        (says("假发票", "asset.exported"), "refuse", "text"),
    ],
)
async def test_what_is_asked_and_said_is_searched(copies, made, outcome, part):
    facts, verdict = await judge(copies, made)
    assert verdict.outcome == outcome
    assert facts.library == 1
    assert {hit.part for hit in facts.hits} == ({part} if part else set())


async def test_the_reads_and_the_library_are_recorded(copies):
    duty = duty_on(copies)
    gathered = await duty.gather([passage(asks("hi"))], work())
    assert copies.fresh.asked == [topics.COPIES["moderation"]]
    assert set(gathered.read) == set(topics.COPIES["moderation"])
    assert gathered.library == 1


async def test_words_hidden_in_other_fields_are_searched_too_and_not_named(copies):
    content = {
        "prompt": "hi",
        "text": "hello",
        "notes": {"海洛因": ["ok", "假发票"]},
        "secret-name": "x",
    }
    facts, verdict = await judge(copies, admitted("generation.requested", content))
    assert verdict.outcome == "refuse"
    assert facts.parts == ("prompt", "text", "more/0", "more/1", "more/2", "more/3")
    assert sorted(hit.part for hit in facts.hits) == ["more/0", "more/2"]
    assert "secret" not in json.dumps(facts.row())


@pytest.mark.parametrize("prompt", ["", "  \n", "\u200b\ufeff", "\x00"])
async def test_a_prompt_nobody_can_see_is_missing(copies, prompt):
    _, verdict = await judge(copies, asks(prompt))
    assert [reason.code for reason in verdict.reasons] == ["prompt_missing"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ((), "template_unregistered"),
        ((a_template(status="disabled"),), "template_unregistered"),
        ((a_template(tenant="other"),), "template_unregistered"),
        ((a_template(reviewed_media=[]),), "no_reviewer"),
        ((a_template(reviewed_media=["image"]),), "no_reviewer"),
    ],
)
async def test_templates_decide_what_is_configured(rows, code):
    copies = Copies("moderation", *rows, *library_in_force())
    _, verdict = await judge(copies, says("hi"))
    assert (verdict.outcome, [reason.code for reason in verdict.reasons]) == ("refuse", [code])


async def test_a_medium_we_cannot_review_has_no_reviewer_whatever_the_template_says():
    copies = Copies(
        "moderation", a_template(media=["image"], reviewed_media=["image"]), *library_in_force()
    )
    _, verdict = await judge(copies, says("hi", generation={"medium": "image"}))
    assert [reason.code for reason in verdict.reasons] == ["no_reviewer"]


async def test_without_a_library_or_with_an_empty_one_nothing_passes():
    for rows in ((), (control("library", version=9),), library_in_force()[:-1]):
        _, verdict = await judge(Copies("moderation", a_template(), *rows), says("hi"))
        assert [reason.code for reason in verdict.reasons] == ["library_missing"]


async def test_an_unreadable_activation_is_waited_for(copies):
    copies.registries.apply("control", 0, 99, b"library", b"{")
    with pytest.raises(Waiting):
        await judge(copies, says("hi"))


async def test_the_library_follows_its_topic(copies):
    duty = duty_on(copies)
    before = (await duty.gather([passage(says("banned"))], work())).facts[0]
    row = library_in_force()[0].model_copy(update={"entry": "new", "value": "banned", "version": 2})
    copies.add(row)
    after = (await duty.gather([passage(says("banned"))], work())).facts[0]
    assert (before.found, after.found) == (0, 1)


async def test_entries_in_shadow_are_told_and_count_for_nobody(copies):
    entry = library_in_force()[0]
    copies.add(entry.model_copy(update={"version": 2, "state": "shadow"}))
    facts, verdict = await judge(copies, asks("怎样买海洛因"))
    assert verdict.outcome == "pass"
    assert (facts.found, facts.risks) == (0, {})
    assert [hit.entry for hit in facts.watched] == [entry.entry]


async def test_an_entry_for_a_share_of_users_counts_for_the_same_ones_always(copies):
    entry = library_in_force()[0]
    copies.add(entry.model_copy(update={"version": 2, "state": "percent", "percent": 30}))
    duty = duty_on(copies)
    made = [
        asks("怎样买海洛因", user={"id": f"u{user}", "role": "registered"}) for user in range(200)
    ]
    rounds = []
    for _ in range(2):
        gathered = await duty.gather([passage(one, at) for at, one in enumerate(made)], work())
        outcomes = [
            decide(one, facts, BOOK.at(TIME_MS), TIME_MS).outcome
            for one, facts in zip(made, gathered.facts, strict=True)
        ]
        assert all(bool(facts.hits) != bool(facts.watched) for facts in gathered.facts)
        assert [outcome == "refuse" for outcome in outcomes] == [
            bool(facts.hits) for facts in gathered.facts
        ]
        rounds.append(outcomes)
    assert rounds[0] == rounds[1]
    assert 35 < rounds[0].count("refuse") < 85


REVIEW = {"reviewer": "vendor-1", "at": "2026-11-20T07:59:00Z"}


@pytest.mark.parametrize(
    ("said", "listed", "words", "outcome"),
    [
        ("pass", True, "稳赚不赔", "pass"),
        ("pass", False, "稳赚不赔", "hold"),
        ("pass", True, "海洛因", "refuse"),
        ("review", True, "hi", "hold"),
        ("review", False, "hi", "pass"),
        ("block", True, "hi", "refuse"),
        ("block", False, "hi", "pass"),
    ],
)
async def test_the_platforms_review_counts_from_a_listed_reviewer_alone(
    copies, said, listed, words, outcome
):
    copies.add(control("reviewers/acme", reviewers=["vendor-1"] if listed else ["vendor-2"]))
    copies.add(control("reviewers/other", reviewers=["vendor-1"]))
    _, verdict = await judge(copies, says(words, review=REVIEW | {"outcome": said}))
    assert verdict.outcome == outcome


async def test_only_risk_codes_are_kept_of_what_a_reviewer_names(copies):
    copies.add(control("reviewers/acme", reviewers=["vendor-1"]))
    review = REVIEW | {"outcome": "block", "risks": ["A.4b", "张三的照片", "A.4b", "A.1"]}
    facts, verdict = await judge(copies, says("hi", review=review))
    assert facts.named_risks == ("A.4b",)
    assert [reason.where for reason in verdict.reasons] == ["risk:A.4b", None]


@pytest.mark.parametrize(
    ("back", "words", "outcome"),
    [
        (answered("pass"), "稳赚不赔", "pass"),
        (answered("refuse"), "稳赚不赔", "refuse"),
        (answered("pass"), "海洛因", "refuse"),
        (answered("pass", cause="appeal"), "稳赚不赔", "hold"),
        (answered("maybe"), "稳赚不赔", "hold"),
        (answered("pass", reviewer=""), "稳赚不赔", "hold"),
        (answered("pass", reviewer="desk-8"), "稳赚不赔", "hold"),
        (answered("pass", reviewer=["desk"]), "稳赚不赔", "hold"),
        (answered(["pass"]), "稳赚不赔", "hold"),
    ],
)
async def test_the_desk_answers_a_hold_by_name(copies, back, words, outcome):
    copies.add(control("reviewers/acme", reviewers=["desk-7"]))
    facts, verdict = await judge(copies, says(words), reentry=back)
    assert verdict.outcome == outcome
    if facts.answer:
        assert facts.reviewer == "desk-7"


def labelled(store, text):
    made = LabelledText.make(
        3, Origin(1, "generation.events", 3, 1), text, "AI生成", Label.first("x", "p")
    )
    store.put_all(made.files())
    return made.row()


async def test_objects_of_ours_are_read_and_reviewed(copies, store):
    good, bad = labelled(store, "你好"), labelled(store, "出售枪支")
    for rows, outcome in (([good], "pass"), ([good, bad], "refuse")):
        made = admitted("asset.exported", {"objects": rows})
        _, verdict = await judge(copies, made, store=store)
        assert verdict.outcome == outcome


@pytest.mark.parametrize("kind", ["asset.exported", "generation.completed"])
@pytest.mark.parametrize(
    "change", [{"sha256": "0" * 64}, {"name": "3/none.txt"}, {"name": "../../etc/passwd"}]
)
async def test_objects_nobody_can_read_are_text_missing(copies, store, kind, change):
    made = admitted(kind, {"objects": [labelled(store, "你好") | change]})
    _, verdict = await judge(copies, made, store=store)
    assert [(reason.rule, reason.code) for reason in verdict.reasons] == [
        ("HOUSE-not_configured", "text_missing")
    ]


async def test_a_result_by_reference_alone_is_not_configured(copies, store):
    made = admitted("generation.completed", {"objects": [labelled(store, "你好")]})
    _, verdict = await judge(copies, made, store=store)
    assert [(reason.rule, reason.code) for reason in verdict.reasons] == [
        ("HOUSE-not_configured", "text_missing")
    ]


async def test_stubs_and_other_events_go_through(copies):
    odd = event(
        "complaint.received",
        {"prompt": 5, "text": ["x"], "objects": 7},
        review=[{}],
        generation={"template": []},
    )
    gathered = await duty_on(copies).gather([passage(stub()), passage(odd)], work())
    assert gathered.facts[0] == ModerationFacts()
    assert gathered.facts[1].parts == ()


async def test_hits_are_bounded_and_counted(copies):
    facts, verdict = await judge(copies, says("稳赚不赔" * 5000 + "海洛因"))
    assert facts.found == 5001
    assert len(facts.hits) == HITS_RECORDED_MAX
    assert facts.hits[0].entry == "zh-goods-01"
    assert facts.risks == {"A.3e": 60, "A.1h": 90}
    assert verdict.outcome == "refuse"


async def test_a_batch_of_large_texts_lets_the_loop_run(copies):
    batch = [passage(says("好" * 80_000), offset) for offset in range(12)]
    task = asyncio.create_task(duty_on(copies).gather(batch, work()))
    turns = 0
    while not task.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 2
    assert len(task.result().facts) == 12


@pytest.mark.parametrize(
    "text", ["a" + "\u0300\u0323" * 60_000, "\u200b" * 87_000, "海洛" * 40_000, "…" * 87_000]
)
async def test_hostile_text_of_the_largest_size_is_searched_in_time(copies, text):
    start = time.perf_counter()
    _, verdict = await judge(copies, says(text))
    assert time.perf_counter() - start < 5
    assert verdict.outcome == "pass"


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)
@given(
    prompt=st.text(max_size=60),
    more=st.recursive(st.text(max_size=5), lambda x: st.lists(x, max_size=3)),
)
def test_no_word_of_the_content_is_in_the_facts(copies, prompt, more):
    made = event("generation.requested", {"prompt": "私" + prompt + "密", "x": more})
    facts, _ = asyncio.run(judge(copies, made))
    assert "私" not in json.dumps(facts.row(), ensure_ascii=False)
