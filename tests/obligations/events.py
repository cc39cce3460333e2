"""Valid events as duties see them, with your changes, and strategies for any admitted event."""

import dataclasses
from typing import Any

from hypothesis import strategies as st

from registries.rows import SUBJECT, T0, T0_MS
from synthgate.events.event import STUB, Event
from synthgate.events.types import CHAIN_TYPES

AS_OF = T0_MS
NET = {"src_ip": "10.0.0.1", "src_port": 4000, "dst_ip": "10.0.0.2", "client_fingerprint": "fp"}
MEDIA = ("text", "image", "audio", "video", "virtual_scene", "other")
ROLES = ("provider", "tech_support", "user", "propagator", "app_store")
AGES = ("lt14", "14_17", "adult", "unknown")


FACTS: dict[str, dict[str, Any]] = {
    "identity.verified": {
        "method": "mobile",
        "checker": "c",
        "verified_at": T0,
        "evidence_ref": "r",
    },
    "identity.asked": {"kinds": ["id_card"]},
    "terms.accepted": {"terms_version": "v1", "duty_notice_shown": True, "accepted_at": T0},
}
"""What the door demands of facts that are judged."""


def replace(thing: Any, **over: Any) -> Any:
    """The same but for these members, of a tuple or a dataclass."""
    return (
        thing._replace(**over) if isinstance(thing, tuple) else dataclasses.replace(thing, **over)
    )


def an_event(kind: str = "generation.requested", **data: Any) -> Event:
    """A whole, lawful event of acme/u1 on template t1; None drops a member."""
    body = {
        "tenant": "acme",
        "user": {"id": "u1"},
        "net": NET,
        "generation": {"id": "g1", "medium": "text", "template": "t1", "purpose": "parody"},
        "content": {"prompt": "hello"},
    }
    body = body | FACTS.get(kind, {}) | data
    body = {name: value for name, value in body.items() if value is not None}
    return Event({"id": "e1", "source": "//acme", "type": kind, "time": T0}, body)


def an_edit(kind: str = "generation.requested", *, age: str = "adult", **generation: Any) -> Event:
    """An event that names the subject of the tests."""
    base = {"id": "g1", "medium": "text", "template": "t1", "purpose": "parody"}
    return an_event(
        kind, generation=base | generation, subjects=[{"token": SUBJECT, "age_band": age}]
    )


def a_stub(code: str = "not_json", detail: str = "x") -> Event:
    return Event(
        {"id": "1/generation.events/0/0", "source": "synthgate:door", "type": STUB, "time": T0},
        {"tenant": "_", "code": code, "sha256": "a" * 64, "size_bytes": 3, "detail": detail},
    )


SUBJECTS = st.fixed_dictionaries(
    {"token": st.sampled_from([SUBJECT, "subj-0002", "subj-0003"])},
    optional={"age_band": st.sampled_from(AGES), "is_actor": st.booleans()},
)
GENERATIONS = st.fixed_dictionaries(
    {
        "id": st.just("g1"),
        "medium": st.sampled_from(MEDIA),
        "template": st.sampled_from(["t1", "t2"]),
    },
    optional={"purpose": st.sampled_from(["parody", "news"]), "publish": st.booleans()},
)
EVENTS = st.one_of(
    st.builds(a_stub, st.sampled_from(["not_json", "bug", "plain_identity", "new"]), st.text()),
    st.builds(
        an_event,
        st.sampled_from([kind for kind in CHAIN_TYPES if kind != STUB]),
        role=st.sampled_from(ROLES),
        net=st.none() | st.dictionaries(st.sampled_from(list(NET)), st.none() | st.text()),
        generation=st.none() | GENERATIONS,
        subjects=st.lists(SUBJECTS, max_size=4),
    ),
)
"""Any event the door lets in, as far as identity and consent look at it."""
