"""The letters of a label: our font, and a size at which every glyph is tall enough, measured on its ink.

The standard does not say whether "height" means em box, capital or glyph, so the least of them must do: the ink
of each glyph but punctuation.
"""

import functools
import math
import unicodedata
from importlib import resources
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from synthgate.effects.explicit.errors import ExplicitError

FONT: Final = "label.otf"
LABEL_CHARACTERS: Final = "AI人工智能生成合成内容本由的"
"""Characters no installation may lack; checked when the font is first loaded."""
INK_LEVEL: Final = 128
"""A pixel is ink from half coverage on."""
_PROBE_SIZE: Final = 200
_SIZE_MAX: Final = 20_000
_SPACING: Final = 0.06


class Glyph(NamedTuple):
    """One glyph in a line: its columns, and whether its height counts."""

    left: int
    right: int
    counts: bool


class Line(NamedTuple):
    """A line of text as a mask (0 paper, 255 ink). ``ink_px``: the ink height of its lowest glyph."""

    mask: Image.Image
    glyphs: tuple[Glyph, ...]
    ink_px: int


@functools.cache
def _data() -> bytes:
    return (resources.files("synthgate.effects.explicit") / "fonts" / FONT).read_bytes()


@functools.lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """The font at a size in pixels.

    Raises:
        ExplicitError: the font on this machine lacks a character every label needs.
    """
    import io

    found = ImageFont.truetype(io.BytesIO(_data()), size, layout_engine=ImageFont.Layout.BASIC)
    missing = [letter for letter in LABEL_CHARACTERS if not _has(found, letter)]
    if missing:
        raise ExplicitError("unsupported", f"the label font lacks {''.join(missing)}")
    return found


def _has(found: ImageFont.FreeTypeFont, letter: str) -> bool:
    """Whether a letter is more than the box that stands for a missing one."""
    drawn, box = found.getmask(letter), found.getmask("\U0010fffd")
    return letter == " " or (drawn.size, bytes(drawn)) != (box.size, bytes(box))


def missing(text: str) -> str:
    """Characters of a text the font does not have."""
    probe = font(_PROBE_SIZE)
    return "".join(dict.fromkeys(letter for letter in text if not _has(probe, letter)))


@functools.lru_cache(maxsize=64)
def line(text: str, ink_px: int) -> Line:
    """The text in the smallest size whose every glyph has at least so many pixels of ink height.

    Raises:
        ExplicitError: a character the font does not have; a size nobody needs.
    """
    if lacking := missing(text):
        raise ExplicitError("wording", f"the label font has no glyph for {lacking}")
    counted = [letter for letter in text if _counts(letter)]
    if not counted:
        raise ExplicitError("wording", "the label's text has no letters")
    least = min(_ink(font(_PROBE_SIZE), letter) for letter in set(counted))
    size = math.ceil(ink_px * _PROBE_SIZE / least)
    while size <= _SIZE_MAX:
        found = min(_ink(font(size), letter) for letter in set(counted))
        if found >= ink_px:
            return _drawn(text, font(size), found)
        size += 1
    raise ExplicitError("too_much", "a picture too large for its label")


def _counts(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LN"


def _ink(found: ImageFont.FreeTypeFont, letter: str) -> int:
    """Ink height of one glyph in pixels."""
    mask = Image.new("L", (int(found.getbbox(letter)[2]) + 8, int(found.size) * 2))
    ImageDraw.Draw(mask).text((4, int(found.size) * 1.5), letter, 255, found, anchor="ls")
    box = mask.point(lambda level: 255 if level >= INK_LEVEL else 0).getbbox()
    return box[3] - box[1] if box else 0


def _drawn(text: str, found: ImageFont.FreeTypeFont, ink_px: int) -> Line:
    gap = max(1, round(found.size * _SPACING))
    widths = [math.ceil(found.getlength(letter)) for letter in text]
    size = (sum(widths) + gap * (len(text) + 1), int(found.size) * 2)
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    glyphs, at = [], gap
    for letter, width in zip(text, widths, strict=True):
        draw.text((at, int(found.size) * 1.5), letter, 255, found, anchor="ls")
        glyphs.append(Glyph(at - gap // 2, at + width + (gap - gap // 2), _counts(letter)))
        at += width + gap
    box = mask.getbbox()
    if box is None:
        raise ExplicitError("wording", "the label's text shows nothing")
    return Line(mask.crop((0, box[1], mask.width, box[3])), tuple(glyphs), ink_px)
