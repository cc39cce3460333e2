"""Lines are broken where they may be, none leaves the page, and none of a text's letters is lost or doubled."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printed.reading import squeezed
from synthgate.printed.blocks import Block
from synthgate.printed.layout import PAGE, STYLES, Line, Piece, lay_out

ROOM = PAGE[0] - 112


def width(letter: str) -> float:
    """A font of ours: Latin narrow, Chinese wide, nothing above."""
    if ord(letter) > 0xFFFF:
        return 0
    return 1000 if unicodedata.east_asian_width(letter) in "WF" else 480


def laid(*blocks: tuple[str, str]) -> list[Line]:
    return [line for page in lay_out(tuple(Block(*one) for one in blocks), width) for line in page]


def shown(line: Line) -> str:
    return "".join(piece.shown for piece in line.pieces)


def read(lines: list[Line]) -> str:
    return "".join(piece.said or piece.shown for line in lines for piece in line.pieces)


LETTERS = st.sampled_from("ab1 -。，（中文é\u00ad\u202e\U0001f600\u3000\n\tZ%)")


@given(st.sampled_from(sorted(STYLES)), st.text(LETTERS, max_size=400))
def test_what_is_laid_out_is_what_was_said_and_stays_on_the_page(style: str, text: str) -> None:
    lines = laid((style, text))
    assert squeezed(read(lines)) == squeezed(text)
    for line in lines:
        used = sum(width(letter) for letter in shown(line)) * line.style.size / 1000
        assert used <= ROOM - line.style.indent + 1e-6
        assert 40 < line.y < PAGE[1] - 56


@given(st.text(st.sampled_from("ab -中，。（"), max_size=600))
def test_no_line_begins_with_what_closes_or_ends_in_a_hyphen_alone(text: str) -> None:
    lines = laid(("text", text))
    for line in lines:
        assert line.pieces[-1] != Piece("-")
    for before, after in itertools.pairwise(lines):
        if shown(after)[0] in "，。":
            tail = shown(before)
            assert not any(_may(tail, at) for at in range(1, len(tail))), "there was a better place"


def _may(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    return after not in "，。" and before not in "（" and bool({before, after} & set(" 中，。（"))


def test_a_word_is_not_divided_and_a_number_longer_than_the_line_is() -> None:
    first, second = laid(("text", "word " * 22 + "elephant"))
    assert shown(second).startswith("elephant") or shown(second).startswith("word")
    assert all(one in ("word", "elephant") for one in (shown(first) + " " + shown(second)).split())
    assert len(laid(("text", "f" * 300))) == 3


def test_a_heading_stands_with_what_it_is_over() -> None:
    texts = [("text", "x")] * 37
    for more in range(6):
        pages = lay_out(
            tuple(Block(*one) for one in [*texts, *[("text", "x")] * more, ("label", "L"), ("value", "v")]),
            width,
        )  # fmt: skip
        for page in pages:
            assert shown(page[-1]) != "L"


@pytest.mark.parametrize("letter", ["\x07", "\u202e", "\ue000", "\u0301", "\U0001f600"])
def test_what_cannot_be_drawn_is_drawn_as_its_number(letter: str) -> None:
    (line,) = laid(("value", f"a{letter}b"))
    assert shown(line) == f"a[U+{ord(letter):04X}]b"
    assert read([line]) == f"a{letter}b"


def test_white_space_is_kept_only_where_it_is_meant() -> None:
    assert [shown(one) for one in laid(("verbatim", '{\n\t"a": 1\n}'))] == ["{", '    "a": 1', "}"]
    assert [shown(one) for one in laid(("value", "  a \n b"))] == ["a", "b"]
