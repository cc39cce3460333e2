import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.events.origin import Origin
from synthgate.ledger.errors import EntryDamaged, SegmentDamaged
from synthgate.ledger.segment import (
    MAGIC,
    Footer,
    decode_entry,
    decode_footer,
    decode_segment,
    encode_entry,
    encode_segment,
    leaf_hash,
    tail_bytes,
)

TOPICS = st.sampled_from([(1, "generation.events"), (1, "operator.events"), (2, "timer.events")])


@st.composite
def segments(draw: st.DrawFn) -> tuple[Footer, list[bytes]]:
    entries = draw(
        st.lists(
            st.builds(encode_entry, st.binary(max_size=30), st.binary(max_size=60)), min_size=1
        )
    )
    rows = st.integers(0, len(entries) - 1)
    of_row = [draw(TOPICS) for _ in entries]
    sources = sorted(set(of_row))
    small = st.integers(0, 2**40)
    footer = Footer(
        log=draw(st.integers(0, 4095)),
        first=draw(small),
        recorded_at=draw(small),
        sizes=[len(entry) for entry in entries],
        leaves=b"".join(map(leaf_hash, entries)),
        sources=sources,
        source_of=[sources.index(source) for source in of_row],
        offsets=[draw(small) for _ in entries],
        revisions=[draw(st.integers(0, 9)) for _ in entries],
        roots=draw(st.dictionaries(rows, st.builds(Origin, small, st.just("t"), small, small))),
        answers=draw(st.dictionaries(rows, small)),
        ids=draw(st.dictionaries(rows, st.binary(min_size=32, max_size=32))),
        spans=draw(st.dictionaries(rows, small)),
        users=draw(st.dictionaries(st.text("abc:0"), st.text("abc0"))),
    )
    return footer, entries


def a_segment(**changes: Any) -> bytes:
    entries = [encode_entry(b'{"n":%d}' % n, bytes([n]) * 40) for n in range(3)]
    values: dict[str, Any] = {
        "log": 3,
        "first": 42,
        "recorded_at": 1_700_000_000_000,
        "sizes": [len(entry) for entry in entries],
        "leaves": b"".join(map(leaf_hash, entries)),
        "sources": [(1, "generation.events")],
        "source_of": [0, 0, 0],
        "offsets": [7, 8, 10],
        "revisions": [1, 1, 1],
        "roots": {},
        "answers": {1: 40},
        "ids": {0: b"i" * 32, 2: b"j" * 32},
        "spans": {},
        "users": {"00:1": "u"},
    }
    return encode_segment(Footer(**{**values, **changes}), entries)


@given(segments())
def test_round_trip(segment: tuple[Footer, list[bytes]]) -> None:
    footer, entries = segment
    data = encode_segment(footer, entries)
    assert decode_segment(data, "here") == (footer, entries)
    needed = tail_bytes(data[-100:], len(data), "here")
    assert decode_footer(data[-needed:], len(data), "here") == footer
    assert [data[a:b] for a, b in zip(footer.starts, footer.starts[1:], strict=False)] == entries


@given(st.integers(min_value=0), st.integers(0, 7))
def test_any_bit_flip_is_found(place: int, bit: int) -> None:
    data = bytearray(a_segment())
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(SegmentDamaged, match="here"):
        decode_segment(bytes(data), "here")


def test_every_cut_is_found_by_the_footer_alone() -> None:
    whole = a_segment()
    for length in range(len(whole)):
        with pytest.raises(SegmentDamaged):
            decode_footer(whole[:length], length, "here")


@pytest.mark.parametrize("cut", [slice(0, 30), slice(10, 20), slice(100, 101)])
def test_lost_middle_is_found_by_the_footer_alone(cut: slice) -> None:
    data = bytearray(a_segment())
    del data[cut]
    with pytest.raises(SegmentDamaged):
        decode_footer(bytes(data), len(data), "here")


@given(st.binary(max_size=300))
def test_total_on_garbage(data: bytes) -> None:
    with pytest.raises(SegmentDamaged):
        decode_segment(data, "here")
    with pytest.raises(SegmentDamaged):
        decode_segment(MAGIC + data, "here")


def test_more_bytes_are_found() -> None:
    for data in (a_segment() + b"\x00", a_segment() + a_segment()):
        with pytest.raises(SegmentDamaged):
            decode_segment(data, "here")


@pytest.mark.parametrize(
    "wrong",
    [
        {"offsets": [1, 2]},
        {"source_of": [0]},
        {"revisions": []},
        {"leaves": b"x" * 95},
        {"sizes": [1, 2]},
        {"sources": 7},
        {"roots": {0: (1,)}},
    ],
)
def test_footer_that_contradicts_itself(wrong: dict[str, Any]) -> None:
    with pytest.raises(SegmentDamaged):
        decode_segment(a_segment(**wrong), "here")


def test_leaf_is_that_of_rfc_6962() -> None:
    entry = encode_entry(b"header", b"cipher")
    assert entry == b"\x00\x00\x00\x06\x00\x00\x00\x06headercipher"
    assert leaf_hash(entry) == hashlib.sha256(b"\x00" + entry).digest()


def test_border_of_header_and_ciphertext_is_proved() -> None:
    assert leaf_hash(encode_entry(b"ab", b"c")) != leaf_hash(encode_entry(b"a", b"bc"))


@given(st.binary(max_size=20), st.binary(max_size=20))
def test_entry_round_trip(header: bytes, ciphertext: bytes) -> None:
    entry = encode_entry(header, ciphertext)
    assert decode_entry(entry, "here") == (header, ciphertext)
    for other in (entry[:-1], entry + b"x", entry[:7]):
        with pytest.raises(EntryDamaged):
            decode_entry(other, "here")
