import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.client.build import Events, Generation, random_id, rfc3339
from synthgate.client.check import check
from synthgate.events.event import time_ms

AT = 1_767_225_600_123
GENERATION = Generation("g1", "chat", purpose="play", publish=True)


def events() -> Events:
    numbers = itertools.count(1)
    return Events("acme", "//acme/app", new_id=lambda: f"e{next(numbers)}", clock_ms=lambda: AT)


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_moments_lose_nothing(at_ms: int) -> None:
    assert time_ms(rfc3339(at_ms)) == at_ms
    assert len(rfc3339(at_ms)) == 24


def test_ids_and_times_are_the_callers_or_made() -> None:
    made = events().account_registered("u1")
    assert (made.id, made.attrs["time"]) == ("e1", "2026-01-01T00:00:00.123Z")
    given_ = events().account_registered("u1", id="mine", at_ms=0, traceparent="00-a-b-01")
    assert (given_.id, given_.time_ms, given_.attrs["traceparent"]) == ("mine", 0, "00-a-b-01")
    assert "traceparent" not in made.attrs
    assert len({random_id() for _ in range(100)}) == 100


def test_what_is_not_given_is_left_out() -> None:
    event = events().requested("u1", Generation("g1", "chat"), prompt="p")
    assert event.data == {
        "tenant": "acme",
        "user": {"id": "u1"},
        "generation": {"id": "g1", "medium": "text", "template": "chat"},
        "content": {"prompt": "p"},
    }


def test_result_bears_the_pass_and_the_output() -> None:
    net = {"src_ip": "10.0.0.1"}
    event = events().completed(
        "u1", GENERATION, text="out", pass_text="a.b", net=net, keep_days=400
    )
    assert (event.pass_text, event.text, event.net, event.keep_days) == ("a.b", "out", net, 400)
    assert (event.generation_id, event.purpose, event.publish) == ("g1", "play", True)


build = events()
ROW = {"name": "a.png", "sha256": "0" * 64, "media_type": "image/png", "size_bytes": 1}
ALL = {
    "account.registered": build.account_registered("u"),
    "identity.verified": build.identity_verified(
        "u",
        method="mobile",
        checker="c",
        evidence_ref="r",
        expires_at_ms=AT + 1,
        age_band="adult",
        guardian="guardian-1",
        result="match",
        identity_token="1." + "0a" * 16,
    ),
    "identity.asked": build.identity_asked("u", kinds=["id_card"], plain_basis="agreed"),
    "account.flagged": build.account_flagged("u", reason="fraud", evidence_ref="r"),
    "terms.accepted": build.terms_accepted("u", terms_version="3", duty_notice_shown=True),
    "consent.prompted": build.consent_prompted("u", template="chat", notice_version="1"),
    "generation.requested": build.requested(
        "u", GENERATION, prompt="p", subjects=[{"token": "subject-1", "age_band": "adult"}]
    ),
    "generation.completed": build.completed("u", GENERATION, text="t", pass_text="p"),
    "generation.segment": build.segment("u", GENERATION, text="t", pass_text="p", index=0),
    "content.published": build.published("u", GENERATION, pass_text="p"),
    "asset.exported": build.exported("u", GENERATION, pass_text="p"),
    "export.unlabelled_requested": build.unlabelled(
        "u", GENERATION, pass_text="p", content={"objects": [ROW], "originals": [ROW]}
    ),
    "content.transformed": build.transformed(
        "u", GENERATION, pass_text="p", content={"objects": [ROW], "parents": [ROW]}
    ),
    "content.delivered": build.delivered("u", GENERATION, pass_text="p", recipient="r"),
}


@pytest.mark.parametrize("event_type", ALL)
def test_every_builder_makes_what_the_door_admits(event_type: str) -> None:
    event = ALL[event_type]
    assert event.type == event_type
    checked = check(event, topic="generation.events", tenant="acme", source="//acme/app")
    assert checked.key == b"acme/u"
