import hashlib
from typing import Any

import pytest

from synthgate.client.build import Events, Generation
from synthgate.client.check import check, validated
from synthgate.client.errors import EventError
from synthgate.events.admission import ATTRIBUTE_CHARS_MAX
from synthgate.events.event import Event
from synthgate.events.wire import admit
from synthgate.steps.envelope import open_envelope
from synthgate.steps.known import Again

EVENTS = Events("acme", "//acme/app")
SECRET = "a-private-prompt"


def ask(**over: Any) -> Event:
    event = EVENTS.requested("u1", Generation("g1", "chat"), prompt=SECRET)
    return Event(event.attrs, {**event.data, **over})


def renamed(**attrs: Any) -> Event:
    event = ask()
    return Event({**event.attrs, **attrs}, event.data)


def fault(event: Event) -> EventError:
    with pytest.raises(EventError) as caught:
        check(event, topic="generation.events", tenant="acme", source="//acme/app")
    assert SECRET not in str(caught.value)
    return caught.value


def test_the_door_reads_back_what_is_sent() -> None:
    event = ask()
    checked = check(event, topic="generation.events", tenant="acme", source="//acme/app")
    record = Again(0, 0, checked.key, checked.value, checked.headers)
    attrs, data, parsed = open_envelope(record)
    assert attrs == event.attrs
    assert data == checked.value
    assert parsed == event.data == admit(checked.value)
    assert checked.sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("event", "code", "where"),
    [
        (ask(extra={"n": 2**60}), "number_range", "/data"),
        (ask(extra={"n": 2**70}), "not_json", "/data"),
        (ask(extra=object()), "not_json", "/data"),
        (ask(extra="\ud800"), "not_json", "/data"),
        (ask(content={"prompt": SECRET * 20_000}), "too_large", "/data"),
        (ask(content={"prompt": 3}), "bad_shape", "/data/content/prompt"),
        (ask(content={"objects": [{"name": SECRET}]}), "bad_shape", "/data/content/objects/0/sha256"),
        (ask(user={"id": "a/b"}), "bad_shape", "/data/user/id"),
        (ask(user=None), "bad_shape", "/data/user"),
        (ask(answer_by="soon"), "bad_shape", "/data/answer_by"),
        (ask(tenant="other"), "wrong_tenant", "/data/tenant"),
        (ask(user={"id": "13800138000"}), "plain_identity", "/key"),
        (renamed(id="call 13800138000"), "plain_identity", "/attrs/id"),
        (renamed(source="//elsewhere"), "wrong_source", "/source"),
        (renamed(type="generation.imagined"), "unknown_type", "/type"),
        (renamed(type="passage.reentered"), "unknown_type", "/type"),
        (renamed(type="consent.granted"), "unknown_type", "/type"),
        (renamed(id=""), "bad_envelope", "/id"),
        (renamed(id=None), "bad_envelope", "/id"),
        (renamed(id="x" * (ATTRIBUTE_CHARS_MAX + 1)), "bad_envelope", "/id"),
        (renamed(id="a\nb"), "bad_envelope", "/id"),
        (renamed(time="2026-01-01T00:00:00"), "bad_envelope", "/time"),
        (renamed(specversion="0.3"), "bad_envelope", "/specversion"),
    ],
)  # fmt: skip
def test_what_the_door_would_refuse_is_named(event: Event, code: str, where: str) -> None:
    caught = fault(event)
    assert (caught.code, caught.where) == (code, where)
    assert caught.mend


def test_depth_is_bounded() -> None:
    nested: Any = 1
    for _ in range(40):
        nested = [nested]
    assert fault(ask(extra=nested)).code == "too_deep"


def test_more_faults_are_counted() -> None:
    assert "and 1 more" in str(fault(ask(content={"prompt": 1, "text": 2})))


def test_other_topics_have_other_types() -> None:
    attrs = renamed(type="work.done").attrs
    data = {"tenant": "t", "case": "c"}
    assert validated(attrs, data, topic="case.events") == b'{"tenant":"t","case":"c"}'
