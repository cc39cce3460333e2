import base64
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.crypto.passes import PassBody, PassError, PassKeys, make_pass, verify_pass

OLD, NEW = PassKeys("1", {"1": b"a" * 32}), PassKeys("2", {"1": b"a" * 32, "2": b"b" * 32})
HASH = "0f" * 32
BODY = PassBody(
    tenant="acme",
    generation="g-1",
    event_type="generation.completed",
    produce_id="P1",
    user="u" * 32,
    subjects=("s" * 32,),
    objects={"out.png": HASH, "out.json": "1f" * 32},
    action="release",
    serve_until=1_000,
    cite_until=2_000,
    log=3,
    index=17,
)


def code(keys: PassKeys, text: str, **asked: Any) -> str:
    with pytest.raises(PassError) as caught:
        verify_pass(keys, text, **{"now_ms": 0, "use": "serve", **asked})
    return caught.value.code


def signed(fields: Any, keys: PassKeys = NEW) -> str:
    """A pass whose maker holds the key but writes what it likes."""
    import hmac

    payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()
    message = b"synthgate pass 1\x00" + payload.encode()
    mac = hmac.digest(keys.keys[keys.signing], message, "sha256")
    return payload + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def fields_of(text: str) -> dict[str, Any]:
    payload = text.split(".", maxsplit=1)[0]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_says_what_was_signed() -> None:
    text = make_pass(NEW, BODY)
    assert verify_pass(NEW, text, now_ms=0, use="serve") == replace(BODY, kid="2")
    assert fields_of(text)["receipt"] == {"log": 3, "index": 17}


def test_same_body_same_text() -> None:
    other_order = replace(BODY, objects=dict(reversed(BODY.objects.items())))
    assert make_pass(NEW, BODY) == make_pass(NEW, other_order)


def test_old_keys_verify_until_withdrawn() -> None:
    text = make_pass(OLD, BODY)
    assert verify_pass(NEW, text, now_ms=0, use="serve").kid == "1"
    assert code(PassKeys("2", {"2": b"b" * 32}), text) == "unknown_key"
    assert code(PassKeys("1", {"1": b"c" * 32}), text) == "bad_mac"


def test_times_by_use() -> None:
    text = make_pass(NEW, BODY)
    verify_pass(NEW, text, now_ms=999, use="serve")
    assert code(NEW, text, now_ms=1_000) == "expired"
    verify_pass(NEW, text, now_ms=1_000, use="cite")
    assert code(NEW, text, now_ms=2_000, use="cite") == "expired"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"tenant": "acme", "generation": "g-1"}, None),
        ({"tenant": "other"}, "wrong_tenant"),
        ({"tenant": ""}, "wrong_tenant"),
        ({"generation": "g-2"}, "wrong_generation"),
        ({"object_name": "out.png"}, None),
        ({"object_name": "out.png", "object_sha256": HASH}, None),
        ({"object_name": "out.png", "object_sha256": HASH.upper()}, None),
        ({"object_sha256": HASH}, None),
        ({"object_name": "raw.png"}, "unknown_object"),
        ({"object_name": "raw.png", "object_sha256": HASH}, "unknown_object"),
        ({"object_name": "out.png", "object_sha256": "1f" * 32}, "wrong_object"),
        ({"object_name": "out.png", "object_sha256": "é"}, "wrong_object"),
        ({"object_sha256": "2f" * 32}, "unknown_object"),
    ],
)
def test_about_what_is_asked(asked: dict[str, str], expected: str | None) -> None:
    text = make_pass(NEW, BODY)
    if expected is None:
        verify_pass(NEW, text, now_ms=0, use="serve", **asked)  # type: ignore[arg-type]
    else:
        assert code(NEW, text, **asked) == expected


@pytest.mark.parametrize("action", ["refuse", "hold", "recall", "Release", ""])
def test_only_a_release_is_a_pass(action: str) -> None:
    assert code(NEW, make_pass(NEW, replace(BODY, action=action))) == "not_released"


@given(st.integers(min_value=0), st.characters(min_codepoint=33, max_codepoint=126))
def test_any_changed_character_is_found(place: int, char: str) -> None:
    text = make_pass(NEW, BODY)
    place %= len(text)
    changed = text[:place] + char + text[place + 1 :]
    if changed != text:
        assert code(NEW, changed) in {"malformed", "unknown_key", "bad_mac"}


@given(st.integers(min_value=0))
def test_any_cut_is_found(length: int) -> None:
    text = make_pass(NEW, BODY)
    assert code(NEW, text[: length % len(text)]) in {"malformed", "bad_mac"}


@given(st.text(max_size=40))
def test_total_on_garbage(text: str) -> None:
    assert code(NEW, text) == "malformed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "e30.e30",
        make_pass(NEW, BODY) + "=",
        make_pass(NEW, BODY) + ".x",
        " " + make_pass(NEW, BODY),
        make_pass(NEW, BODY) * 2_000,
        base64.urlsafe_b64encode(b"[" * 30_000).rstrip(b"=").decode() + ".AAAA",
        signed([]),
        signed({"kid": 2}),
        signed({"kid": ["2"]}),
    ],
)
def test_malformed(text: str) -> None:
    assert code(NEW, text) == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        {"serve_until": "1000"},
        {"serve_until": True},
        {"serve_until": 1e3},
        {"objects": []},
        {"objects": {"x": "short"}},
        {"objects": {"x": 1}},
        {"subjects": [1]},
        {"subjects": None},
        {"receipt": None},
        {"receipt": {"log": 1}},
        {"receipt": {"log": 1, "index": "2"}},
        {"tenant": None},
        {"produce_id": 1},
        {"extra": 1},
    ],
)
def test_signed_nonsense_is_malformed(change: dict[str, Any]) -> None:
    fields = fields_of(make_pass(NEW, BODY))
    assert verify_pass(NEW, signed(fields), now_ms=0, use="serve")
    assert code(NEW, signed({**fields, **change})) == "malformed"
    assert code(NEW, signed({k: v for k, v in fields.items() if k not in change} | change))


def test_no_algorithm_can_be_named() -> None:
    """A pass signed by nobody stays bad whatever it says about how it was signed."""
    for claim in ({"alg": "none"}, {"alg": "HS256"}):
        payload = base64.urlsafe_b64encode(json.dumps({"kid": "2", **claim}).encode())
        assert code(NEW, payload.rstrip(b"=").decode() + ".") == "bad_mac"


def test_needs_only_the_standard_library() -> None:
    """Model servers and CDNs check passes: importing this file must pull in nothing heavy."""
    program = (
        "import sys; import synthgate.crypto.passes; "
        "print([m for m in ('faust','aiokafka','pydantic','orjson','cryptography')"
        " if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert out.stdout.strip() == b"[]"


def test_longest_pass_an_event_can_need() -> None:
    body = replace(BODY, objects={f"object-{n:06}.png": HASH for n in range(2_600)})
    assert verify_pass(NEW, make_pass(NEW, body), now_ms=0, use="serve").objects == body.objects


def test_misspelt_use_is_no_use() -> None:
    with pytest.raises(KeyError):
        verify_pass(NEW, make_pass(NEW, BODY), now_ms=0, use="Serve")  # type: ignore[arg-type]
