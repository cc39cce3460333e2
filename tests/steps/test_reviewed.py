"""Whose word counts for a file: a listed reviewer's by hash and medium, a person's, the pass of its release."""

import json

import pytest

from acts import (
    BOOK,
    TIME_MS,
    Copies,
    a_template,
    admitted,
    answered,
    control,
    library_in_force,
    passage,
    work,
)  # fmt: skip
from synthgate.obligations.moderation import ModerationFacts, decide
from synthgate.steps.moderation import ModerationDuty

HASH = "ab" * 32
MEDIA = ["text", "image", "audio", "video", "other"]
ROW = {"name": "up/1", "sha256": HASH, "media_type": "image/png", "size_bytes": 7}
REVIEW = {
    "reviewer": "vision-1", "outcome": "pass", "at": "2026-11-20T07:59:00Z", "method": "machine",
    "version": "v3", "objects": [HASH], "covers": ["picture"],
}  # fmt: skip


def listed(*names, **media):
    return control("reviewers/acme", reviewers=list(names), media=media)


async def judge(made, *rows, reentry=None, reviewers=None, template=None):
    copies = Copies(
        "moderation", template or a_template(media=MEDIA, reviewed_media=MEDIA), *library_in_force(),
        reviewers or listed("vision-1", "desk-7"), *rows,
    )  # fmt: skip
    duty = ModerationDuty(copies.registries, copies.fresh)
    gathered = await duty.gather([passage(made, reentry=reentry)], work())
    facts = ModerationFacts.from_row(json.loads(json.dumps(gathered.facts[0].row())))
    assert facts == gathered.facts[0]
    return decide(made, facts, BOOK.at(TIME_MS), TIME_MS)


def drawn(review=None, kind="generation.completed", row=None, medium="image", **content):
    over = {} if review is None else {"review": review}
    content = {"objects": [ROW | (row or {})]} | content
    return admitted(kind, content, generation={"medium": medium}, **over)


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


async def test_a_listed_reviewers_pass_lets_the_file_it_names_pass():
    assert (await judge(drawn(REVIEW))).outcome == "pass"


@pytest.mark.parametrize(
    "change",
    [
        {"reviewer": "stranger"},
        {"objects": []},
        {"objects": ["cd" * 32]},
        {"covers": []},
        {"covers": ["frames", "transcript", "voice", "text"]},
    ],
)
async def test_anything_else_is_no_look_and_a_person_must_judge(change):
    verdict = await judge(drawn(REVIEW | change))
    assert (verdict.outcome, verdict.hold) == ("hold", "review")
    assert codes(verdict) == ["object_unreviewed"]


async def test_a_file_without_a_result_waits_for_a_person_who_may_speak_of_its_medium():
    assert codes(await judge(drawn())) == ["object_unreviewed"]
    assert (await judge(drawn(), reentry=answered("pass"))).outcome == "pass"
    assert (await judge(drawn(), reentry=answered("refuse"))).outcome == "refuse"
    bound = control("reviewers/acme", reviewers=["vision-1", "desk-7"], media={"desk-7": ["text"]})
    held = await judge(drawn(), reentry=answered("pass"), reviewers=bound)
    assert codes(held) == ["object_unreviewed"]


async def test_every_file_is_looked_at_not_only_the_first():
    other = ROW | {"name": "up/2", "sha256": "cd" * 32}
    verdict = await judge(drawn(REVIEW, objects=[ROW, other]))
    assert [reason.where for reason in verdict.reasons] == ["/content/objects/1"]
    whole = REVIEW | {"objects": [HASH, "cd" * 32]}
    assert (await judge(drawn(whole, objects=[ROW, other]))).outcome == "pass"


@pytest.mark.parametrize(
    ("media_type", "medium", "covers"),
    [
        ("IMAGE/PNG", "image", ["picture"]),
        ("audio/mpeg", "audio", ["transcript", "voice"]),
        ("video/mp4", "video", ["frames", "transcript"]),
        ("application/pdf", "other", ["text", "picture"]),
        ("text/html", "other", ["text", "picture"]),
    ],
)
async def test_what_each_medium_needs(media_type, medium, covers):
    row = {"media_type": media_type}
    seen = REVIEW | {"covers": covers}
    assert (await judge(drawn(seen, row=row, medium=medium))).outcome == "pass"
    if len(covers) > 1:
        seen = REVIEW | {"covers": covers[:1]}
        assert (await judge(drawn(seen, row=row, medium=medium))).outcome == "hold"


@pytest.mark.parametrize(
    "reviewers",
    [
        control("reviewers/acme", reviewers=[]),
        control("reviewers/other", reviewers=["vision-1"]),
        control("reviewers/acme", reviewers=["vision-1"], media={"vision-1": ["audio"]}),
        control("reviewers/acme", reviewers=["vision-1"], media={"vision-1": "image"}),
    ],
)
async def test_without_a_reviewer_for_the_medium_nothing_passes(reviewers):
    for made in (drawn(REVIEW), drawn(kind="generation.requested", prompt="画一只猫")):
        verdict = await judge(made, reviewers=reviewers)
        assert codes(verdict)[:1] == ["no_reviewer"]
        assert verdict.outcome == "refuse"


async def test_the_template_names_the_medium_of_every_file():
    only = a_template(media=MEDIA, reviewed_media=["text"])
    assert "no_reviewer" in codes(await judge(drawn(REVIEW), template=only))
    beside = drawn(REVIEW, medium="text", text="你好")
    assert "no_reviewer" in codes(await judge(beside, template=only))


async def test_what_is_put_in_is_reviewed_too():
    made = drawn(kind="generation.requested", prompt="换个背景")
    assert codes(await judge(made)) == ["object_unreviewed"]
    made = drawn(REVIEW, kind="generation.requested", prompt="换个背景")
    assert (await judge(made)).outcome == "pass"
    note = {"media_type": "text/plain", "name": "up/note"}
    made = drawn(REVIEW, kind="generation.requested", row=note, prompt="总结")
    assert codes(await judge(made)) == ["text_missing"]


@pytest.mark.parametrize("kind", ["asset.exported", "content.published"])
async def test_what_was_released_is_not_looked_at_again_and_its_words_are(kind):
    assert (await judge(drawn(kind=kind))).outcome == "pass"
    # A text stays a text, whatever type is claimed for it.
    named = drawn(kind=kind, row={"name": "3/x.txt", "media_type": "image/png"})
    assert codes(await judge(named)) == ["text_missing"]


@pytest.mark.parametrize("kind", ["content.ingested", "content.transformed"])
async def test_content_from_elsewhere_and_what_was_made_of_ours_was_released_by_nobody(kind):
    assert codes(await judge(drawn(kind=kind))) == ["object_unreviewed"]


async def test_the_words_beside_a_file_are_searched_whatever_the_reviewer_says():
    verdict = await judge(drawn(REVIEW, text="出售枪支"))
    assert verdict.outcome == "refuse"
    assert codes(verdict) == ["risk_refuse"]
