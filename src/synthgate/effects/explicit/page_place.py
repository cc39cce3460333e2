"""Where on a PDF's first page its label is seen: a corner of the visible part that no note lies over.

Notes (annotations) are drawn over what a page draws, so one could hide the label (ISO 32000-1, 12.5). One that
is hidden may be shown again, and counts too.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from synthgate.effects.carriers.pdf_objects import Document
from synthgate.effects.carriers.pdf_tokens import Dictionary
from synthgate.effects.explicit.errors import ExplicitError

_NOTES_MAX: Final = 10_000
_POINTS_AROUND: Final = 2.0
_ICON_POINTS: Final = 36.0
"""Icons are drawn in a size of their own, whatever their rectangle."""
_ICONS: Final = (b"/Text", b"/FileAttachment", b"/Sound")
_FIXED: Final = 8 | 16
"""Flags: neither zoomed nor turned with the page, so drawn beside the rectangle too."""
_SEEN: Final[dict[int, tuple[tuple[int, int], ...]]] = {
    0: ((0, 1), (1, 1), (0, 0), (1, 0)),
    90: ((0, 0), (0, 1), (1, 0), (1, 1)),
    180: ((1, 0), (0, 0), (1, 1), (0, 1)),
    270: ((1, 1), (1, 0), (0, 1), (0, 0)),
}
"""By the page's turn, for each corner as it is seen: whether it is at the right and at the upper edge."""
CORNERS: Final = ("top-left", "top-right", "bottom-left", "bottom-right")

Box = tuple[float, float, float, float]
"""Left, bottom, right, top, in points."""


class Place(NamedTuple):
    """matrix: puts the unit square there, upright as it is seen. corner: in which it is seen."""

    matrix: tuple[float, float, float, float, float, float]
    corner: str


def sides(box: Any, document: Document) -> Box | None:
    """A rectangle's sides in order, by whichever corners it is told; None if it is none."""
    found = document.resolve(box)
    numbers = [document.resolve(side) for side in found] if isinstance(found, list) else []
    if len(numbers) != 4 or not all(isinstance(side, int | float) for side in numbers):
        return None
    left, right = sorted((float(numbers[0]), float(numbers[2])))
    bottom, top = sorted((float(numbers[1]), float(numbers[3])))
    return left, bottom, right, top


def place(visible: Box, turned: Any, size: tuple[float, float], notes: list[Box]) -> Place:
    """The first corner, from the upper left on, for a line of this width and height.

    Raises:
        ExplicitError: the page is turned by no right angle, too narrow, or notes lie over every corner.
    """
    angle = turned % 360 if isinstance(turned, int) else -1
    if angle not in _SEEN:
        raise ExplicitError("unsupported", "the first page is turned by no right angle")
    width, height = size
    across, up = (height, width) if angle in (90, 270) else (width, height)
    if across > visible[2] - visible[0] or up > visible[3] - visible[1]:
        raise ExplicitError("too_small", "the first page is too narrow for the label")
    for corner, (right, upper) in zip(CORNERS, _SEEN[angle], strict=True):
        left = visible[2] - across if right else visible[0]
        bottom = visible[3] - up if upper else visible[1]
        if not any(_meet((left, bottom, left + across, bottom + up), note) for note in notes):
            return Place(_matrix(angle, width, height, left, bottom), corner)
    raise ExplicitError("unsupported", "notes on the first page lie over every corner")


def notes(page: Dictionary, document: Document) -> list[Box]:
    """Where a page's annotations may cover what it draws.

    Raises:
        ExplicitError: too many, or one that does not say where.
    """
    listed = document.resolve(page.value(b"Annots"))
    if listed is None:
        return []
    if not isinstance(listed, list) or len(listed) > _NOTES_MAX:
        raise ExplicitError("unsupported", "the first page has notes nobody can count")
    return list(_boxes(listed, document))


def _boxes(listed: list[Any], document: Document) -> Iterator[Box]:
    for one in listed:
        note = document.resolve(one)
        if note is None:
            continue
        box = sides(note.value(b"Rect"), document) if isinstance(note, Dictionary) else None
        if box is None:
            raise ExplicitError("unsupported", "a note on the first page does not say where it is")
        kind = document.resolve(note.value(b"Subtype"))
        if kind == b"/Link" and b"AP" not in note:
            continue  # it marks a place and covers none
        if kind == b"/Popup" and document.resolve(note.value(b"Open")) is not True:
            continue  # a window that is closed
        flags = document.resolve(note.value(b"F"))
        # A name in hexadecimal may be an icon's too.
        icon = kind in _ICONS or (isinstance(kind, bytes) and b"#" in kind)
        odd = icon or not isinstance(flags, int | None) or (flags or 0) & _FIXED
        more = max(_ICON_POINTS, box[2] - box[0], box[3] - box[1]) if odd else _POINTS_AROUND
        yield box[0] - more, box[1] - more, box[2] + more, box[3] + more


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _matrix(
    angle: int, width: float, height: float, left: float, bottom: float
) -> tuple[float, float, float, float, float, float]:
    return {
        0: (width, 0.0, 0.0, height, left, bottom),
        90: (0.0, width, -height, 0.0, left + height, bottom),
        180: (-width, 0.0, 0.0, -height, left + width, bottom + height),
        270: (0.0, -width, height, 0.0, left, bottom + width),
    }[angle]
