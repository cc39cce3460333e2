from typing import Any

import orjson
import pytest

from registries.rows import HASH, T0_MS, a_control, put, some_terms
from synthgate.events.event import time_ms
from synthgate.registries import UNREADABLE, Registries
from synthgate.registries.control import Control, InForce, Loss
from synthgate.registries.terms import Terms

TOPIC = "control"


def _control(*rows: tuple[str, dict[str, object]]) -> Control:
    registries = Registries([TOPIC])
    put(registries, TOPIC, *(a_control(*row) for row in rows))
    return registries.control


def test_what_was_activated() -> None:
    control = _control(
        ("library", {"version": 3}),
        ("library", {"version": 3, "before": 2, "counts_from": "2026-11-20T08:00:00Z"}),
        ("law", {"hash": "ab"}),
        ("reviewers/acme", {"reviewers": ["r1"]}),
        ("reviewers/acme", {"reviewers": ["r1"], "media": {"r1": ["image"]}}),
    )
    assert control.library_version() == 3
    assert control.law_hash() == "ab"
    assert control.reviewers("acme") == {"r1"}
    assert control.reviewers("other") == frozenset()


def test_nothing_activated() -> None:
    control = _control()
    assert control.library_version() is None
    assert control.law_hash() is None
    assert control.losses("generation.events", 0) == ()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("library", {"version": "3"}),
        ("library", {"version": True}),
        ("library", {"version": 2**70}),
        ("library", {"version": -1}),
        ("library", {"version": 3, "before": 2}),
        ("library", {"version": 3, "before": "2", "counts_from": "2026-11-20T08:00:00Z"}),
        ("library", {"version": 3, "before": 2, "counts_from": "soon"}),
        ("library", {"version": 3, "before": 2, "counts_from": "2026-11-20T08:00:00"}),
        ("library", {}),
        ("law", {"hash": 3}),
        ("reviewers/acme", {"reviewers": "r1"}),
        ("reviewers/acme", {"reviewers": [1]}),
        ("reviewers/acme", {"reviewers": ["r1"], "media": ["r1"]}),
        ("reviewers/acme", {"reviewers": ["r1"], "media": {"r1": "image"}}),
        ("reviewers/acme", {"reviewers": ["r1"], "media": {"r1": [1]}}),
        ("loss/generation.events/x/0", {"to": 3}),
        ("loss/generation.events/0/0", {"to": "3"}),
        ("loss/generation.events/0/0", {"to": 2**70}),
    ],
)
def test_a_body_that_makes_no_sense_cannot_be_read(name: str, body: dict[str, object]) -> None:
    control = _control((name, body))
    assert control.unreadable == (name,)
    assert control.library_version() is (UNREADABLE if name == "library" else None)
    assert control.law_hash() is (UNREADABLE if name == "law" else None)
    assert control.reviewers("acme") == frozenset()
    assert control.losses("generation.events", 0) == ()


def test_losses_of_a_partition_in_order() -> None:
    body = {"to": 9, "by": "ann", "reason": "disk"}
    control = _control(
        ("loss/generation.events/1/7", body),
        ("loss/generation.events/1/3", body | {"to": 5}),
        ("loss/generation.events/2/7", body),
        ("loss/timer.events/1/7", body),
    )
    assert control.losses("generation.events", 1) == (
        Loss("generation.events", 1, 3, 5, "ann", "disk"),
        Loss("generation.events", 1, 7, 9, "ann", "disk"),
    )


def test_paused_by_duty_and_partition() -> None:
    control = _control(("pause/consent/3", {"paused": True, "reason": "r"}))
    assert control.paused("consent", 3)
    assert not control.paused("consent", 2)
    assert not control.paused("identity", 3)


@pytest.mark.parametrize("body", [{}, {"paused": 1}, {"paused": "yes"}])
def test_a_pause_nobody_can_read_is_one(body: dict[str, object]) -> None:
    assert _control(("pause/consent/3", body)).paused("consent", 3)


def test_terms_in_force_are_the_last_to_take_effect() -> None:
    """DSP-8-2: by time; read out of order, corrected and erased alike."""
    registries = Registries([TOPIC])
    control = registries.control
    assert control.terms("acme", T0_MS) is None
    later = "2026-02-01T00:00:00Z"
    put(registries, TOPIC, some_terms("v2", effective_at=later), some_terms("v1"))
    assert control.terms("acme", T0_MS - 1) is None
    assert control.terms("acme", T0_MS) == Terms("v1", HASH, T0_MS, in_time=True)
    now = control.terms("acme", time_ms(later))
    assert isinstance(now, Terms)
    assert (now.version, now.in_time) == ("v2", True)
    assert control.terms("other", T0_MS) is None
    for version, name in ((2, "published_at"), (3, "notified_at")):
        row = some_terms("v1", **{name: later}).model_copy(update={"version": version})
        put(registries, TOPIC, row, at=5 + version)
        late = control.terms("acme", T0_MS)
        assert isinstance(late, Terms)
        assert not late.in_time
    registries.apply(TOPIC, 0, 9, b"terms/acme/v1", None)
    assert control.terms("acme", T0_MS) is None


@pytest.mark.parametrize(
    "over",
    [
        {"url": ""},
        {"sha256": None},
        {"published_at": "soon"},
        {"effective_at": 3},
        {"notified_at": "2026-01-01T00:00:00"},
    ],
)
def test_of_terms_nobody_can_read_nobody_knows(over: dict[str, Any]) -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, some_terms("v1"), some_terms("v2", **over))
    assert registries.control.terms("acme", T0_MS) is UNREADABLE
    mended = some_terms("v2").model_copy(update={"version": 2})
    put(registries, TOPIC, mended, at=9)
    assert registries.control.terms("acme", T0_MS) is not UNREADABLE


@pytest.mark.parametrize("name", ["terms/acme", "terms/acme/", "terms//v1", "terms/"])
def test_terms_without_a_tenant_or_version_are_none(name: str) -> None:
    registries = Registries([TOPIC])
    put(registries, TOPIC, a_control(name, some_terms().body))
    assert registries.control.held(name) is UNREADABLE


def test_the_library_says_from_when_what_is_new_in_it_counts():
    control = Registries(["control"]).control
    assert control.library() is None
    for at, body in enumerate(
        ({"version": 3}, {"version": 4, "before": 3, "counts_from": "1970-01-01T00:00:07Z"})
    ):
        made = {
            "version": at,
            "name": "library",
            "body": body,
            "by": "a",
            "at": f"2026-01-0{at + 1}T00:00:00Z",
        }
        control.apply(0, at, b"library", orjson.dumps({"v": 1, **made}))
        held = control.library()
        assert isinstance(held, InForce)
        assert held[:3] == ((3, None, 0), (4, 3, 7000))[at]
    control.apply(0, 9, b"library", b"{")
    assert control.library() is UNREADABLE


@pytest.mark.parametrize(
    ("other", "agreed"), [("b", True), ("a", False), ("", False), (None, False), (7, False)]
)
def test_two_people_put_the_library_in_force(other, agreed):
    control = Registries(["control"]).control
    assert not control.library_agreed()
    body = {"version": 3} | ({} if other is None else {"agreed_by": other})
    made = {"version": 1, "name": "library", "body": body, "by": "a", "at": "2026-01-01T00:00:00Z"}
    control.apply(0, 0, b"library", orjson.dumps({"v": 1, **made}))
    assert control.library_agreed() is agreed
