"""The badge of a picture: words on a plate of their own in a corner (GB 45438-2025 5.2, 5.4).

Every glyph's ink is at least 5 % of the picture's shortest side; we aim at 6 %, and at no less than a legible
number of pixels. The plate is dark where the picture is light and light where it is dark.
"""

import math
from typing import Any, Final, Literal, NamedTuple

from PIL import Image, ImageStat

from synthgate.effects.explicit import lettering, words
from synthgate.effects.explicit.errors import ExplicitError

Corner = Literal["bottom-right", "bottom-left", "top-right", "top-left"]
CORNERS: Final[tuple[Corner, ...]] = ("bottom-right", "bottom-left", "top-right", "top-left")
INK_LEAST: Final = 0.05
"""What the standard asks for, of the shortest side."""
INK_AIM: Final = 0.06
INK_PX_LEAST: Final = 10
"""Below this a Chinese character of seven strokes cannot be told from a blot."""
_PADDING: Final = 0.35
_MARGIN: Final = 0.015
_LIGHT: Final = 128
_COLOURS: Final[dict[str, tuple[Any, Any]]] = {
    "L": (0, 255),
    "LA": ((0, 255), (255, 255)),
    "RGB": ((0, 0, 0), (255, 255, 255)),
    "RGBA": ((0, 0, 0, 255), (255, 255, 255, 255)),
    "CMYK": ((0, 0, 0, 255), (0, 0, 0, 0)),
}
"""Dark and light in each mode we draw in; opaque, whatever lies beneath."""
MODES: Final = tuple(_COLOURS)


class Badge(NamedTuple):
    """Where a badge stands in the picture as it is seen. ``ink_px``: height of its lowest glyph."""

    text: str
    corner: Corner
    box: tuple[int, int, int, int]
    letters: tuple[int, int]
    line: lettering.Line
    short_px: int

    @property
    def ratio(self) -> float:
        """Ink height over the shortest side."""
        return self.line.ink_px / self.short_px

    def row(self) -> dict[str, Any]:
        """As recorded: no picture, only where and how tall."""
        return {
            "text": self.text,
            "place": self.corner,
            "box_px": list(self.box),
            "ink_px": self.line.ink_px,
            "height_ratio": round(self.ratio, 4),
        }


def plan(size: tuple[int, int], text: str, corner: Corner = "bottom-right") -> Badge:
    """The badge for a picture of this size.

    Raises:
        ExplicitError: the words are no label, or the picture is too small to carry them legibly.
    """
    words.check(text)
    short = min(size)
    line = lettering.line(text, max(math.ceil(short * INK_AIM), INK_PX_LEAST))
    padding = math.ceil(line.ink_px * _PADDING)
    width, height = line.mask.width + padding, line.mask.height + 2 * padding
    margin = max(0, min(round(short * _MARGIN), size[0] - width, size[1] - height))
    if width > size[0] or height > size[1]:
        raise ExplicitError(
            "too_small",
            f"a picture of {size[0]} x {size[1]} pixels is too small for a legible label of"
            f" {width} x {height}: show the label beside it (GB 45438-2025 5.6)",
        )
    left = margin if corner.endswith("left") else size[0] - width - margin
    top = margin if corner.startswith("top") else size[1] - height - margin
    letters = (left + padding // 2, top + padding)
    return Badge(text, corner, (left, top, left + width, top + height), letters, line, short)


def draw(image: Image.Image, badge: Badge) -> None:
    """Put the badge onto a picture, in its own mode (one of ``MODES``); pixels outside stay as they are."""
    dark, light = _COLOURS[image.mode]
    beneath = ImageStat.Stat(_grey(image.crop(badge.box))).mean[0]
    plate, ink = (dark, light) if beneath >= _LIGHT else (light, dark)
    image.paste(plate, badge.box)
    image.paste(ink, badge.letters, badge.line.mask)


def measured(image: Image.Image, badge: Badge, scale: int = 1) -> int:
    """Ink height of the lowest glyph, from the pixels of a picture that carries the badge; 0 if one is gone.

    scale: the picture was decoded at so many times less than its size; the height is in its own pixels.
    """
    box = tuple(round(side / scale) for side in badge.box)
    grey = _grey(image.crop((box[0], box[1], box[2], box[3])))
    levels = grey.getextrema()
    middle = (levels[0] + levels[1]) / 2  # type: ignore[operator]
    plate_is_light = grey.getpixel((1, 1)) > middle  # type: ignore[operator]
    left, top = badge.letters[0] / scale - box[0], badge.letters[1] / scale - box[1]
    if levels[1] - levels[0] < _LIGHT:  # type: ignore[operator]
        return 0
    ink = grey.point(lambda level: 255 * int((level < middle) == plate_is_light))
    heights = []
    for glyph in badge.line.glyphs:
        if glyph.counts:
            sides = left + glyph.left / scale, left + glyph.right / scale
            bottom = top + badge.line.mask.height / scale
            part = ink.crop((round(sides[0]), math.floor(top), round(sides[1]), math.ceil(bottom)))
            found = part.getbbox()
            heights.append(found[3] - found[1] if found else 0)
    return min(heights) * scale


def _grey(image: Image.Image) -> Image.Image:
    return image.convert("RGB").convert("L") if image.mode in ("RGBA", "LA") else image.convert("L")
