"""A scorer behind HTTP fails closed, on a real server: whatever it says or does not say."""

from dataclasses import replace

import pytest
from aiohttp import web

from reviewers.service import a_scorer, a_service, harmless, scored
from synthgate.reviewers.http_scorer import ANSWER_BYTES_MAX
from synthgate.reviewers.reviewer import FAULTS, Answer, Item


def words(text):
    return Item("text", text.encode("utf-8", "replace").hex(), words=text)


ONE, TWO = words("a"), words("b")
FILE = Item("image", "f" * 64, name="up/1", media_type="image/png", data=b"bytes")


async def review(scorer, *items, timeout_s=5.0):
    return list(await scorer.review(items, timeout_s))


async def test_scores_come_back_in_order_and_nothing_is_asked_twice():
    async with a_service() as service:
        service.answers = lambda body: {
            "version": "m-1",
            "items": [
                {"id": item["id"], "scores": {"A.1h": 90 if item["text"] == "b" else 0}}
                for item in reversed(body["items"])
            ],
        }
        scorer = a_scorer(service, token="s3cret", batch_items=1)
        for _ in range(2):
            said = await review(scorer, ONE, TWO, ONE)
            bad = Answer("m-1", {"A.1h": 90}, ("picture",))
            assert said == [Answer("m-1", {}, ("picture",)), bad, Answer("m-1", {}, ("picture",))]
        assert len(service.asked) == 2
        assert service.headers[0]["Authorization"] == "Bearer s3cret"


async def test_files_are_sent_by_hash_and_small_ones_whole():
    async with a_service() as service:
        service.answers = lambda body: scored(body, {"A.4b": 55.4}, covers=["picture", "voice", 7])
        (said,) = await review(a_scorer(service), FILE)
        assert said == Answer("m-1", {"A.4b": 55}, ("picture",))
        (row,) = service.asked[0]["items"]
        assert row["bytes_base64"] == "Ynl0ZXM="
        await review(a_scorer(service, max_bytes=4), FILE)
        assert "bytes_base64" not in service.asked[1]["items"][0]


@pytest.mark.parametrize("over", [{"max_bytes": 4}, {}], ids=["too_large", "not_held"])
async def test_of_a_file_it_was_not_given_only_what_it_says_itself_counts(over):
    """A name and a hash are nothing to look at: what it covers by configuration it cannot have covered."""
    unseen = FILE if over else replace(FILE, data=None)
    async with a_service() as service:
        (said,) = await review(a_scorer(service, **over), unseen)
        assert "bytes_base64" not in service.asked[0]["items"][0]
        assert said == Answer("m-1", {}, ())
        service.answers = lambda body: scored(body, {}, covers=["picture", "voice"])
        (said,) = await review(a_scorer(service, **over), unseen)
        assert said == Answer("m-1", {}, ("picture",))


async def test_an_answer_on_a_name_alone_is_not_kept_for_the_bytes():
    async with a_service() as service:
        scorer = a_scorer(service)
        assert (await review(scorer, replace(FILE, data=None)))[0].covers == ()
        assert (await review(scorer, FILE))[0].covers == ("picture",)
        assert (await review(scorer, replace(FILE, data=None)))[0].covers == ()
        assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"", "malformed"),
        (b"[]", "malformed"),
        (b'{"version":NaN}', "malformed"),
        ({"version": "m", "items": []}, "malformed"),
        ({"version": "", "items": []}, "malformed"),
        ({"version": 7, "items": []}, "malformed"),
        ({"version": "m", "items": [7]}, "malformed"),
        ({"version": "m", "items": [{"id": []}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0"}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {"A.9z": 1}}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {"A.1h": 101}}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {"A.1h": -1}}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {"A.1h": True}}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {"A.1h": "low"}}]}, "malformed"),
        ({"version": "m", "items": [{"id": "0", "scores": {}, "covers": 5}]}, "malformed"),
        (b" " * (ANSWER_BYTES_MAX + 1), "malformed"),
        (web.Response(status=500), "unreachable"),
        (web.Response(status=204), "unreachable"),
        (web.Response(status=429), "busy"),
        (web.Response(status=401), "unreachable"),
        (web.Response(status=302, headers={"Location": "/score"}), "unreachable"),
        (web.Response(status=422), "rejected"),
        (web.Response(status=413), "rejected"),
    ],
)
async def test_what_is_no_answer_is_a_fault(answer, fault):
    async with a_service() as service:
        service.answers = lambda _: answer
        (said,) = await review(a_scorer(service, tries=1), ONE)
        assert said.fault == fault
        assert fault in FAULTS
        assert not said.risks and not said.covers


async def test_nobody_there_is_unreachable():
    async with a_service() as service:
        scorer = a_scorer(service)
    assert [one.fault for one in await review(scorer, ONE, TWO)] == ["unreachable"] * 2


async def test_a_second_try_may_help():
    async with a_service() as service:
        service.answers = lambda body: (
            web.Response(status=503) if len(service.asked) == 1 else harmless(body)
        )
        (said,) = await review(a_scorer(service), ONE)
        assert said.fault is None
        assert len(service.asked) == 2


async def test_one_item_it_will_not_judge_does_not_take_the_others_with_it():
    async with a_service() as service:
        service.answers = lambda body: (
            web.Response(status=422)
            if any(item["text"] == "b" for item in body["items"])
            else harmless(body)
        )
        said = await review(a_scorer(service), ONE, TWO, words("c"))
        assert [one.fault for one in said] == [None, "rejected", None]


async def test_a_silent_service_is_given_up_in_time_and_its_breaker_spares_the_next():
    async with a_service() as service:
        service.answers = lambda _: service.over.wait()
        # A second: on a machine with much else to do a tenth is over before the service is asked at all.
        scorer = a_scorer(service, timeout_s=1.0, tries=1, breaker_failures=2)
        said = [(await review(scorer, one))[0].fault for one in (ONE, TWO, words("c"), words("d"))]
        assert said == ["timeout", "timeout", "breaker_open", "breaker_open"]
        assert len(service.asked) == 2


async def test_the_breaker_closes_when_it_answers_again():
    now = [0.0]
    async with a_service() as service:
        service.answers = lambda _: web.Response(status=500)
        scorer = a_scorer(
            service, clock=lambda: now[0], tries=1, breaker_failures=1, breaker_open_s=5
        )
        assert (await review(scorer, ONE))[0].fault == "unreachable"
        service.answers = harmless
        assert (await review(scorer, ONE))[0].fault == "breaker_open"
        now[0] = 5.0
        assert (await review(scorer, ONE))[0].fault is None
        assert (await review(scorer, TWO))[0].fault is None


async def test_beyond_its_pace_it_is_busy_not_late():
    async with a_service() as service:
        scorer = a_scorer(service, per_second=2, batch_items=1, keep_entries=0)
        said = await review(scorer, *(words(chr(97 + at)) for at in range(9)), timeout_s=0.8)
        faults = [one.fault for one in said]
        assert faults.count(None) == len(service.asked)
        assert 1 <= faults.count(None) <= 4
        assert set(faults) <= {None, "busy", "timeout"}


async def test_no_time_is_a_fault_and_no_call():
    async with a_service() as service:
        assert (await review(a_scorer(service), ONE, timeout_s=0.0))[0].fault == "timeout"
        assert service.asked == []
        assert await review(a_scorer(service)) == []


async def test_what_is_no_unicode_is_sent_as_a_reader_would_see_it():
    async with a_service() as service:
        (said,) = await review(a_scorer(service), words("x\ud800y"))
        assert said.fault is None
        assert service.asked[0]["items"][0]["text"] == "x?y"
