"""What the door admits, and that the bytes of a member are exactly those received."""

import json
import string
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events import wire
from synthgate.events.wire import Malformed, admit, member_bytes

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
# Keys and strings that look like structure: quotes, colons, braces, backslashes.
TRICKY = st.text(st.sampled_from('":{}[],\\ \n\taé\u2028𝕏'), max_size=12)
NUMBER = st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53, allow_nan=False)
LEAF = st.none() | st.booleans() | NUMBER | TEXT | TRICKY
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | TRICKY, inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(TEXT | TRICKY, VALUE, max_size=6)


def dumps(value: Any, *, spaced: bool, ascii_only: bool) -> bytes:
    if spaced:
        return json.dumps(value, ensure_ascii=ascii_only, indent=1).encode()
    return json.dumps(value, ensure_ascii=ascii_only, separators=(",", ":")).encode()


def code_of(data: bytes) -> str:
    with pytest.raises(Malformed) as caught:
        admit(data)
    return caught.value.code


@given(OBJECT, st.booleans(), st.booleans())
def test_every_plain_object_is_admitted_as_it_is(
    value: dict[str, Any], spaced: bool, ascii_only: bool
) -> None:
    assert admit(dumps(value, spaced=spaced, ascii_only=ascii_only)) == value


def doubled(value: Any, path: list[int], twice: str) -> str:
    """JSON text of ``value`` with one key of one object standing twice, spelt as ``twice``."""
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}:{doubled(inner, path, twice)}" for key, inner in value.items()]
        path[0] -= 1
        if path[0] == 0 and value:
            key = next(iter(value))
            spelt = json.dumps(key)
            if twice == "escaped":
                spelt = '"' + "".join(f"\\u{unit:04x}" for unit in _units(key)) + '"'
            parts.append(f"{spelt} : 1")
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        return "[" + ",".join(doubled(inner, path, twice) for inner in value) + "]"
    return json.dumps(value)


def _units(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def objects_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(objects_in(inner) for inner in value.values())
    return sum(objects_in(inner) for inner in value) if isinstance(value, list) else 0


@given(OBJECT, st.data(), st.sampled_from(["same", "escaped"]))
def test_a_key_that_stands_twice_is_found_at_any_depth(
    value: dict[str, Any], data: st.DataObject, twice: str
) -> None:
    nth = data.draw(st.integers(1, objects_in(value)))
    text = doubled(value, [nth], twice)
    pairs_equal = text == doubled(value, [0], twice)
    if pairs_equal:  # The chosen object was empty: nothing stands twice.
        assert admit(text.encode()) == value
    else:
        assert code_of(text.encode()) == "duplicate_key"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"a":"\xed\xa0\x80"}', "not_json"),
        (b"{'a':1}", "not_json"),
        (b'{"a":NaN}', "not_json"),
        (b'{"a":Infinity}', "not_json"),
        (b'{"a":1}{"b":2}', "not_json"),
        (b"[]", "not_object"),
        (b'"a"', "not_object"),
        (b"7", "not_object"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":{"b":1,"\\u0062":2}}', "duplicate_key"),
        (b'{"a":[{"b":1},{"b":2,"b":3}]}', "duplicate_key"),
        (b'{"a":9007199254740993}', "number_range"),
        (b'{"a":-9007199254740993}', "number_range"),
        (b'{"a":1180591620717411303424}', "number_range"),  # 2^70
        (b'{"a":[1e300]}', "number_range"),
        (b'{"a":' + b"[" * 32 + b"]" * 32 + b"}", "too_deep"),
    ],
)
def test_what_is_not_admitted_is_named(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_number_that_no_double_holds_is_refused() -> None:
    assert code_of(b'{"a":1e400}') in ("not_json", "number_range")


@pytest.mark.parametrize("number", [2**53, -(2**53), 0, 1.5, 1e15])
def test_numbers_up_to_the_bound_are_admitted(number: float) -> None:
    assert admit(orjson.dumps({"a": number})) == {"a": number}


def test_depth_and_size_up_to_the_bound_are_admitted() -> None:
    deepest = b'{"a":' + b"[" * (wire.DEPTH_MAX - 1) + b"]" * (wire.DEPTH_MAX - 1) + b"}"
    assert admit(deepest)
    largest = b'{"a":"' + b"x" * (wire.EVENT_BYTES_MAX - 8) + b'"}'
    assert len(largest) == wire.EVENT_BYTES_MAX
    assert admit(largest)
    assert code_of(largest[:-2] + b'x"}') == "too_large"


def test_a_hostile_string_costs_linear_time() -> None:
    """Backslashes and quotes that would make a naive pattern try every split."""
    data = orjson.dumps({"a": '\\"' * 50_000})
    assert admit(data)["a"] == '\\"' * 50_000


@given(OBJECT, st.booleans(), st.booleans())
def test_member_bytes_are_the_exact_span(
    value: dict[str, Any], spaced: bool, ascii_only: bool
) -> None:
    data = dumps(value, spaced=spaced, ascii_only=ascii_only)
    admitted = admit(data)
    for name in value:
        span = member_bytes(data, name)
        assert span in data
        assert span == span.strip()
        assert json.loads(span) == admitted[name]


@given(OBJECT, VALUE, OBJECT, st.sampled_from(["", " ", "\n\t "]))
def test_member_bytes_return_what_was_spliced_in(
    before: dict[str, Any], value: Any, after: dict[str, Any], space: str
) -> None:
    raw = dumps(value, spaced=bool(space), ascii_only=False)
    parts = [
        f"{json.dumps(key)}{space}:{space}{json.dumps(inner)}"
        for key, inner in before.items()
        if key != "data"
    ]
    parts.append(f'"data"{space}:{space}{raw.decode()}')
    parts += [
        f"{space}{json.dumps(key)}:{json.dumps(inner)}"
        for key, inner in after.items()
        if key != "data" and key not in before
    ]
    data = (space + "{" + space + f"{space},{space}".join(parts) + space + "}" + space).encode()
    admit(data)
    assert member_bytes(data, "data") == raw.strip()


def test_a_member_that_is_not_there() -> None:
    for data in (b"{}", b' { "b" : {"a":1} } '):
        with pytest.raises(KeyError):
            member_bytes(data, "a")


CODES = {"too_large", "not_json", "not_object", "duplicate_key", "number_range", "too_deep"}


@given(st.binary(max_size=60) | st.text(string.printable, max_size=60).map(str.encode))
def test_admit_is_total(data: bytes) -> None:
    try:
        assert isinstance(admit(data), dict)
    except Malformed as error:
        code = error.code
    else:
        return
    assert code in CODES
