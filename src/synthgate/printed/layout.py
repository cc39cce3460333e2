"""Blocks as lines on pages of A4: where each line stands, and where it may be broken.

One column, labels over what they label, so that who reads the text out gets it in the order of the page.
Lengths are points; widths come from the font.
"""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from synthgate.printed.blocks import Block

PAGE: Final = (595, 842)
_MARGIN: Final = 56
_FOOT: Final = 40
_NO_START: Final = frozenset("，。、；：？！）】」』》〉”’…—,.;:?!)]}%")
_NO_END: Final = frozenset("（【「『《〈“‘([{")
_DRAWN: Final = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
                 "Po", "Sm", "Sc", "Sk", "So", "Zs"}  # fmt: skip
"""Categories a letter may have to be drawn as it is: no controls, no marks that need shaping."""

Widths = Callable[[str], float]
"""Advance of a letter in 1/1000 em, 0 if the font lacks it."""


class Style(NamedTuple):
    """size, leading, before, indent: points. bold: drawn with its outline. keep: with what follows."""

    size: float
    leading: float
    before: float
    indent: float
    bold: bool = False
    keep: bool = False
    rule: bool = False


STYLES: Final = {
    "title": Style(17, 24, 0, 0, bold=True, keep=True),
    "heading": Style(12.5, 18, 14, 0, bold=True, keep=True),
    "text": Style(10, 15, 4, 0),
    "item": Style(10, 15, 3, 12),
    "label": Style(9, 14, 5, 0, bold=True, keep=True, rule=True),
    "value": Style(10, 15, 1, 12),
    "verbatim": Style(8, 11.5, 2, 12),
}


class Piece(NamedTuple):
    """A run of a line. shown: what is drawn; said: what it stands for, if that is something else."""

    shown: str
    said: str | None = None


_HYPHEN: Final = Piece("-", "-\u200b")
"""At the end of a line; programs that read text out take it for a word divided there, and drop it, unless
something follows: a space without width.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line on a page; x, y: where its baseline begins. rule: a line is ruled over it."""

    x: float
    y: float
    style: Style
    pieces: tuple[Piece, ...]
    rule: bool


def lay_out(blocks: tuple[Block, ...], width: Widths) -> list[list[Line]]:
    """Lines by page."""
    pages: list[list[Line]] = [[]]
    y = float(PAGE[1] - _MARGIN)
    for block in blocks:
        style = STYLES[block.style]
        lines = list(_broken(block, style, width))
        keep = style.leading * len(lines) * 2 + style.before if style.keep else style.leading
        if y - keep < _MARGIN + _FOOT / 2 and pages[-1]:
            pages.append([])
            y = float(PAGE[1] - _MARGIN)
        y -= style.before
        for number, pieces in enumerate(lines):
            if y - style.leading < _FOOT + style.leading:
                pages.append([])
                y = float(PAGE[1] - _MARGIN)
            y -= style.leading
            rule = style.rule and not number
            pages[-1].append(Line(_MARGIN + style.indent, y, style, tuple(pieces), rule))
    return pages


def _broken(block: Block, style: Style, width: Widths) -> Iterator[list[Piece]]:
    """A block's lines."""
    room = (PAGE[0] - 2 * _MARGIN - style.indent) * 1000 / style.size
    for text in block.text.expandtabs(4).split("\n"):
        pieces = [_piece(letter, width) for letter in text]
        if block.style != "verbatim":
            pieces = _trimmed(pieces)
        while pieces:
            at = _fits(pieces, room, width)
            yield _ended(pieces[:at])
            pieces = pieces[at:] if block.style == "verbatim" else _trimmed(pieces[at:])


def _piece(letter: str, width: Widths) -> Piece:
    """A letter as it is drawn; one that cannot be is drawn as its number."""
    if width(letter) and unicodedata.category(letter) in _DRAWN:
        return Piece(letter)
    return Piece(f"[U+{ord(letter):04X}]", letter)


def _trimmed(pieces: list[Piece]) -> list[Piece]:
    """Without white space at the start."""
    start = 0
    while start < len(pieces) and pieces[start].shown.isspace():
        start += 1
    return pieces[start:]


def _fits(pieces: list[Piece], room: float, width: Widths) -> int:
    """How many pieces the line takes; at least one."""
    used, fits = 0.0, len(pieces)
    for number, piece in enumerate(pieces):
        used += sum(map(width, piece.shown))
        if used > room:
            fits = max(number, 1)
            break
    if fits == len(pieces):
        return fits
    return next((at for at in range(fits, 0, -1) if _may_break(pieces, at)), fits)


def _may_break(pieces: list[Piece], at: int) -> bool:
    before, after = pieces[at - 1].shown, pieces[at].shown
    if after[0] in _NO_START or before[-1] in _NO_END:
        return False
    return before.isspace() or after.isspace() or _wide(before) or _wide(after)


def _ended(line: list[Piece]) -> list[Piece]:
    """A line as it is drawn: without white space at its end."""
    while line and line[-1].shown.isspace():
        line = line[:-1]
    return [*line[:-1], _HYPHEN] if line and line[-1].shown == "-" else line


def _wide(shown: str) -> bool:
    return len(shown) > 1 or unicodedata.east_asian_width(shown) in "WF"
