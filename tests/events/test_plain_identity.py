import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.plain_identity import find_plain_identity
from synthgate.events.types import TYPES

ATTRS = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "//acme/app",
    "type": "generation.requested",
    "time": "2026-01-01T00:00:00.123Z",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}
PLAIN = [
    "13812345678",
    "+8613812345678",
    "+86 138-1234-5678",
    "86 19912345678",
    "008613812345678",
    "138 1234 5678",
    "１３８１２３４５６７８",
    "user_13812345678",
    "tel:13812345678",
    "a/13812345678",
    "11010519491231002X",
    "11010519491231002x",
    "360426199101010071",
    "91110000600037341L",
    "91110000600037341l",
    "id=91110108MA0000001D;",
    "6222020200112233446",
    "card:6222 0202 0011 2233 446",
    "6225-8801-2345-6783",
    "6225880123456783",
]
HARMLESS = [
    "",
    "12345678901",
    "23812345678",
    "1381234567",
    "138123456789",
    "1767225600000",
    "1767225600000000",
    "192.168.138.123",
    "138.123.45.67:13812",
    "2001:db8:1381:2345:678::1",
    "550e8400-e29b-41d4-a716-446655440000",
    "13812345-6789-4123-8567-138123456789",
    "f47ac10b13812345678a0e02b2c3d479",
    "a13812345678",
    "001191110000600037341L10001",  # a provider code holds the provider's own USCC
    "110105194912310021",  # wrong check digit
    "110105194913310028",  # no such month
    "44052418800101001X",  # the document's own invalid example
    "91110000600037341M",
    "6222020200112233447",  # wrong check digit
    "6225880123456782",
    "6299000000000007",  # no issuer's
    "a6225880123456783",
    "62258801234567830",  # 17 digits
    "1523456789012345678",
    "2026-01-01T13:81:23.456Z",
]


def _data(**over: Any) -> dict[str, Any]:
    return {
        "tenant": "acme",
        "user": {"id": "u1"},
        "net": {"src_ip": "10.0.0.1", "src_port": 13812, "client_fingerprint": "fp"},
        "generation": {"id": "g1", "medium": "text", "template": "t1"},
        "subjects": [{"token": "subj-0001"}, {"token": "subj-0002"}],
        "content": {"prompt": "call me: 13812345678", "objects": []},
    } | over


def _attrs(**over: Any) -> dict[str, Any]:
    return ATTRS | over


@pytest.mark.parametrize("number", PLAIN)
def test_plain_numbers_are_found_wherever_they_stand(number: str) -> None:
    assert find_plain_identity(_attrs(id=number), _data(), b"acme/u1") == ("/attrs/id",)
    assert find_plain_identity(ATTRS, _data(user={"id": number}), f"acme/{number}".encode()) == (
        "/key",
        "/user/id",
    )
    subjects = [{"token": "subj-0001"}, {"token": number}]
    assert find_plain_identity(ATTRS, _data(subjects=subjects), None) == ("/subjects/1/token",)


@pytest.mark.parametrize("text", HARMLESS)
def test_look_alikes_are_left_alone(text: str) -> None:
    attrs = _attrs(id=text, subject=text, ext=text)
    data = _data(user={"id": text}, net={"src_ip": text, "client_fingerprint": text})
    assert find_plain_identity(attrs, data, f"acme/{text}".encode()) == ()


def test_content_and_unknown_fields_are_not_searched() -> None:
    number = "13812345678"
    data = _data(content={"prompt": number, "text": number, number: number}, other=number)
    data |= {"pass": number, "user": {"id": "u1", "nick": number}}
    assert find_plain_identity(ATTRS, data, b"acme/u1") == ()
    appeal = {"tenant": "acme", "user": {"id": "u1"}, "penalty": "p1", "grounds": number}
    assert find_plain_identity(_attrs(type="penalty.appealed"), appeal, b"acme/u1") == ()


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("identity.verified", "evidence_ref"),
        ("identity.verified", "checker"),
        ("terms.accepted", "terms_version"),
        ("content.delivered", "recipient"),
        ("complaint.received", "complaint"),
    ],
)
def test_fields_of_every_type_come_from_its_model(kind: str, field: str) -> None:
    data = {"tenant": "acme", "user": {"id": "u1"}, field: "13812345678"}
    assert find_plain_identity(_attrs(type=kind), data, None) == (f"/{field}",)


def test_objects_in_lists_of_declared_objects() -> None:
    objects = [{"name": "a.png"}, {"name": "13812345678.png"}]
    data = {"tenant": "acme", "user": {"id": "u1"}, "objects": objects}
    assert find_plain_identity(_attrs(type="content.delivered"), data, None) == ("/objects/1/name",)


def test_an_attribute_name_is_never_repeated() -> None:
    attrs = _attrs(**{"13812345678": "13812345679"})
    assert find_plain_identity(attrs, {}, None) == ("/attrs",)


@given(st.text(), st.binary(), st.sampled_from(sorted(TYPES)))
def test_a_pointer_never_holds_the_number(text: str, key: bytes, kind: str) -> None:
    data = _data(user={"id": text + " 13812345678"})
    places = find_plain_identity(_attrs(type=kind, x=text + "-13812345678"), data, key)
    assert places
    assert "1381234" not in " ".join(places)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["tenant", "user", "id", "net", "subjects", "token", "objects", "name", "x"]
)


@given(
    st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON)),
    st.binary(max_size=30) | st.none(),
    st.sampled_from([*TYPES, "nothing.known"]),
)
def test_no_shape_can_raise(data: dict[str, Any], key: bytes | None, kind: str) -> None:
    assert isinstance(find_plain_identity(_attrs(type=kind), data, key), tuple)


@given(st.integers(0, 2**64), st.uuids(version=4))
def test_ids_made_by_machines_are_left_alone(number: int, name: uuid.UUID) -> None:
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    texts = [digest, digest[:32], str(name), name.hex, f"subj_{digest[:24]}"]
    for text in texts:
        assert find_plain_identity(_attrs(id=text), _data(user={"id": text}), text.encode()) == ()
