"""Folding: what is compared, and where it stood."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.library.folding import INVISIBLE, MARKS_MAX, extends, fold, fold_piece

LETTERS = st.characters(exclude_categories=["Cs"])
TRICKY = st.sampled_from(
    [
        *"aAéßẞﬁ㎏㍿…ｶﾞガİŉΐΣς각枪，👍𝐀Ａ🄐丽",
        *"\u0301\u0323\u0345\u1100\u1161\u11a8\u200b\ufe0f\u00ad\u202e\x00\n",
        *("e\u0301", "\u09c7", "\u09be", "\u0f73", "\U0001d15e", "\U000e0041"),
    ]
)
TEXT = st.lists(TRICKY | LETTERS, max_size=40).map("".join)


def reference(text: str) -> str:
    """Unicode's own definition, over the whole text at once."""
    return fold_piece(INVISIBLE.sub("", text))


@given(TEXT)
def test_pieces_fold_to_what_the_whole_folds_to(text):
    assert fold(text).text == reference(text)


def test_every_character_folds_to_what_the_definition_says():
    """The quick pass over ordinary text goes by a class of characters: no character may slip through it."""
    for code in range(0x20000):
        text = f"A{chr(code)}é中"
        assert fold(text).text == reference(text), hex(code)


@given(TEXT)
def test_folding_twice_changes_nothing(text):
    once = fold(text).text
    assert fold(once).text == once


@given(TEXT, st.data())
def test_a_span_holds_what_it_stands_for_and_starts_and_ends_visibly(text, data):
    folded = fold(text)
    if not folded.text:
        return
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    first, last = folded.span(start, end)
    piece = text[first:last]
    assert folded.text[start:end] in reference(piece)
    assert INVISIBLE.match(piece[0]) is None
    assert INVISIBLE.match(piece[-1]) is None
    # Nothing shorter would do: without its first or last piece it no longer holds the whole.
    assert folded.span(start, start + 1)[0] == first
    assert folded.span(end - 1, end)[1] == last


@given(TEXT)
def test_spans_of_all_folded_characters_cover_the_visible_text_in_order(text):
    folded = fold(text)
    spans = [folded.span(at, at + 1) for at in range(len(folded.text))]
    assert spans == sorted(spans)
    covered = {at for start, end in spans for at in range(start, end)}
    visible = {at for at, char in enumerate(text) if INVISIBLE.match(char) is None}
    assert visible <= covered


@pytest.mark.parametrize(
    ("text", "folded", "spans"),
    [
        ("Hello", "hello", [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
        ("ＡＩ，", "ai,", [(0, 1), (1, 2), (2, 3)]),
        ("e\u0301x", "éx", [(0, 2), (2, 3)]),
        ("x…y", "x...y", [(0, 1), (1, 2), (1, 2), (1, 2), (2, 3)]),
        ("枪\u200b\u200d支", "枪支", [(0, 1), (3, 4)]),
        ("e\u200b\u0301", "é", [(0, 3)]),
        ("ｶﾞス", "ガス", [(0, 2), (2, 3)]),
        ("\u1100\u1161\u11a8!", "각!", [(0, 3), (3, 4)]),
        ("a\x00b", "ab", [(0, 1), (2, 3)]),
        ("👍🏽好", "👍🏽好", [(0, 1), (1, 2), (2, 3)]),
        ("\ud800a", "\ufffda", [(0, 1), (1, 2)]),
        ("\u202e\u200b", "", []),
    ],
)
def test_examples(text, folded, spans):
    got = fold(text)
    assert got.text == folded
    assert [got.span(at, at + 1) for at in range(len(got.text))] == spans


def test_every_character_by_itself_keeps_the_rules_the_fast_way_relies_on():
    for code in range(0x110000):
        char = chr(code)
        if 0xD800 <= code < 0xE000 or INVISIBLE.match(char):
            continue
        piece = fold_piece(char)
        assert fold(char).text == piece, hex(code)
        if not extends(char):
            assert not extends(piece[0]), hex(code)
        assert INVISIBLE.search(piece) is None, hex(code)


def test_format_characters_left_in_are_visible_ones():
    kept = {
        unicodedata.name(chr(code)).split()[0]
        for code in range(0x110000)
        if unicodedata.category(chr(code)) == "Cf" and not INVISIBLE.match(chr(code))
    }
    assert kept <= {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}


def test_a_hill_of_marks_costs_linear_time():
    text = "a" + "\u0300\u0323" * 120_000
    start = time.perf_counter()
    folded = fold(text)
    assert time.perf_counter() - start < 5
    assert len(folded.text) >= len(text) - len(text) // MARKS_MAX
