"""Moderation with scorers: what they are asked, what their word does; that silence is never a pass."""

import asyncio
import hashlib
import json

import pytest
from aiohttp import web

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
from library.test_pictures import KNOWN, a_picture, encoded
from reviewers.service import a_scorer, a_service, scored
from synthgate.bench.made_up import row
from synthgate.effects.objects import LocalObjects
from synthgate.library.pictures import hashes_of
from synthgate.obligations.moderation import ModerationFacts, decide
from synthgate.steps.lane import lane_of
from synthgate.steps.moderation import ModerationDuty
from synthgate.steps.scoring import Scorers

MEDIA = ["text", "image"]
PICTURE = encoded(a_picture(77))


def named(data=PICTURE, **over):
    return {
        "name": "up/1.png", "sha256": hashlib.sha256(data).hexdigest(), "media_type": "image/png",
        "size_bytes": len(data),
    } | over  # fmt: skip


def drawn(data=PICTURE, row=None, **content):
    return admitted(
        "generation.completed",
        {"objects": [row or named(data)]} | content,
        generation={"medium": "image"},
    )


def asks(prompt, **over):
    return admitted("generation.requested", {"prompt": prompt}, **over)


@pytest.fixture
async def service():
    async with a_service() as made:
        yield made


async def judge(service, *made, back=None, rows=(), store=None, reviewers=(), **over):
    copies = Copies(
        "moderation", a_template(media=MEDIA, reviewed_media=MEDIA), *library_in_force(), *rows,
        control("reviewers/acme", reviewers=list(reviewers)),
    )  # fmt: skip
    scorers = Scorers([a_scorer(service, tries=1, **over)] if service else [])
    duty = ModerationDuty(copies.registries, copies.fresh, store, scorers)
    batch = [passage(one, at, reentry=back) for at, one in enumerate(made)]
    gathered = await duty.gather(batch, work())
    for facts in gathered.facts:
        assert ModerationFacts.from_row(json.loads(json.dumps(facts.row()))) == facts
    return [
        decide(one, facts, BOOK.at(TIME_MS), TIME_MS)
        for one, facts in zip(made, gathered.facts, strict=True)
    ]


def codes(verdict):
    return [reason.code for reason in verdict.reasons]


async def test_a_scorers_word_counts_like_the_librarys(service):
    for score, outcome in ((0, "pass"), (55, "hold"), (95, "refuse")):
        service.answers = lambda body, score=score: scored(body, {"A.4b": score})
        (verdict,) = await judge(service, asks("写一首诗"))
        assert verdict.outcome == outcome
        assert verdict.hold == ("review" if outcome == "hold" else None)
    assert service.asked[0]["items"][0]["text"] == "写一首诗"


async def test_a_scorer_that_is_away_holds_for_a_retry_and_asks_nobody(service):
    service.answers = lambda _: web.Response(status=500)
    for made in (asks("写一首诗"), asks("写一句稳赚不赔的广告")):
        (verdict,) = await judge(service, made)
        assert (verdict.outcome, verdict.hold) == ("hold", "retry")
        assert codes(verdict) == ["scorer_away"]
        assert verdict.reasons[0].where == "vision words"
    (verdict,) = await judge(service, asks("怎样买海洛因"))
    assert codes(verdict) == ["risk_refuse"]
    back = answered("pass")
    (verdict,) = await judge(service, asks("写一首诗"), back=back, reviewers=["desk-7"])
    assert verdict.outcome == "pass"


async def test_what_a_scorer_will_never_judge_is_for_a_person(service):
    service.answers = lambda _: web.Response(status=422)
    (verdict,) = await judge(service, asks("写一首诗"))
    assert (verdict.outcome, verdict.hold) == ("hold", "review")
    assert codes(verdict) == ["scorer_rejects"]


async def test_a_configured_scorer_is_a_reviewer_of_its_medium(service, tmp_path):
    store = LocalObjects(tmp_path)
    store.put("up/1.png", PICTURE)
    (verdict,) = await judge(service, drawn(), store=store)
    assert verdict.outcome == "pass"
    assert verdict.facts["files"][0]["seen"] == ("picture",)
    assert "bytes_base64" in service.asked[0]["items"][0]
    (verdict,) = await judge(None, drawn(), store=store)
    assert codes(verdict)[0] == "no_reviewer"
    service.answers = lambda body: scored(body, {}, covers=[])
    (verdict,) = await judge(service, drawn())
    assert codes(verdict) == ["object_unreviewed"]


async def test_one_dead_scorer_of_a_batch_leaves_the_others_alone(service):
    service.answers = lambda body: scored(body, {}) if "text" in body["items"][0] else b""
    verdicts = await judge(service, asks("一"), drawn(), asks("二"), stub(), batch_items=1)
    assert [verdict.outcome for verdict in verdicts] == ["pass", "hold", "pass", "not_applicable"]


async def test_nothing_nobody_waits_for_is_sent_out(service):
    late = asks("写一首诗", answer_by="2026-11-20T07:00:00Z")
    ours = event("generation.requested", {"prompt": "x"}, tenant="_canary")
    await judge(service, late, ours, stub())
    assert service.asked == []
    await judge(service, late, back=answered("pass"))
    assert len(service.asked) == 1


async def test_of_a_stream_also_what_was_shown_before_is_scored(service):
    part = admitted(
        "generation.segment", {"text": "洛因", "shown": "买海"},
        generation={"segment": {"index": 1}},
    )  # fmt: skip
    await judge(service, part)
    assert service.asked[0]["items"][0]["text"] == "买海洛因"


KNOWN_ROW = row("known", hashes_of(encoded(KNOWN[0]))[0].hex(), "pdq", severity=90)


async def test_a_known_picture_is_refused_whoever_let_it_pass(service, tmp_path):
    store = LocalObjects(tmp_path)
    bad = encoded(KNOWN[0], "JPEG")
    store.put_all({"up/1.png": PICTURE, "up/2": bad})
    (verdict,) = await judge(
        service, drawn(bad, named(bad, name="up/2")), rows=[KNOWN_ROW], store=store
    )
    assert codes(verdict) == ["risk_refuse"]
    (hit,) = verdict.facts["hits"]
    assert (hit["entry"], hit["part"], hit["normalisation"]) == ("known", "file/0", "pdq+as_is")
    (verdict,) = await judge(service, drawn(), rows=[KNOWN_ROW], store=store)
    assert verdict.outcome == "pass"
    assert verdict.facts["files"][0]["seen"] == (
        "bank",
        "picture",
    )


async def test_no_hit_in_the_bank_is_no_look(tmp_path):
    store = LocalObjects(tmp_path)
    store.put("up/1.png", PICTURE)
    (verdict,) = await judge(None, drawn(), rows=[KNOWN_ROW], store=store, reviewers=["desk-7"])
    assert codes(verdict) == ["object_unreviewed"]
    assert verdict.facts["files"][0]["seen"] == ("bank",)


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, PICTURE[: len(PICTURE) // 2], b"GIF89a"]
)
async def test_a_corrupt_picture_is_not_looked_up_and_stops_nothing(data, service, tmp_path):
    store = LocalObjects(tmp_path)
    store.put("up/1.png", data)
    (verdict,) = await judge(service, drawn(data), rows=[KNOWN_ROW], store=store)
    assert verdict.facts["files"][0]["seen"] == ("picture",)


async def test_other_bytes_than_were_named_are_not_the_file(service, tmp_path):
    store = LocalObjects(tmp_path)
    store.put("up/1.png", encoded(KNOWN[0]))
    (verdict,) = await judge(service, drawn(), rows=[KNOWN_ROW], store=store)
    assert "bytes_base64" not in service.asked[0]["items"][0]
    assert verdict.facts["files"][0]["seen"] == ()
    assert codes(verdict) == ["object_unreviewed"]


async def test_a_file_no_scorer_was_given_passes_only_if_it_says_what_it_looked_at(
    service, tmp_path
):
    store = LocalObjects(tmp_path)
    store.put("up/1.png", PICTURE)
    for over, held in (({}, None), ({"max_bytes": len(PICTURE) - 1}, store)):
        (verdict,) = await judge(service, drawn(), store=held, **over)
        assert codes(verdict) == ["object_unreviewed"]
    service.answers = lambda body: scored(body, {}, covers=["picture"])
    (verdict,) = await judge(service, drawn())
    assert verdict.outcome == "pass"


async def test_known_pictures_nobody_can_look_for_let_no_picture_pass(service, monkeypatch):
    from synthgate.library import library

    monkeypatch.setattr(library, "_bank_of", lambda rows: (None, True))
    verdicts = await judge(service, drawn(), asks("写一首诗"), rows=[KNOWN_ROW])
    assert codes(verdicts[0])[0] == "no_reviewer"
    assert verdicts[1].outcome == "pass"


def test_what_is_scored_elsewhere_goes_by_the_slow_lane():
    text, none = asks("x"), event("complaint.received", generation={"medium": "none"})
    assert [lane_of(one) for one in (text, none, drawn())] == ["fast", "fast", "slow"]
    assert lane_of(text, frozenset({"text"})) == "slow"
    assert lane_of(text, frozenset({"image"})) == "fast"
    beside = asks("x")
    beside.data["content"]["objects"] = [named()]
    assert lane_of(beside, frozenset({"image"})) == "slow"


async def test_two_batches_at_once_share_one_breaker(service):
    service.answers = lambda _: web.Response(status=500)
    scorer = a_scorer(service, tries=1, breaker_failures=1)
    copies = Copies("moderation", a_template(), *library_in_force())
    duty = ModerationDuty(copies.registries, copies.fresh, None, Scorers([scorer]))
    await duty.gather([passage(asks("一"))], work())
    both = await asyncio.gather(*(duty.gather([passage(asks(t))], work()) for t in "二三"))
    assert {one.facts[0].scores[0].fault for one in both} == {"breaker_open"}
    assert len(service.asked) == 1
