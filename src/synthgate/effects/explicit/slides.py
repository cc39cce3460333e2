"""A PPTX whose first slide says what it is (GB 45438-2025 5.1): a box of words on top; the rest is kept.

A show may begin elsewhere: whatever slide it begins with says it too.
"""

from collections.abc import Mapping
from typing import Any, Final

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.explicit import packages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX, stands
from synthgate.effects.explicit.slides_shown import MAIN, SLIDES, first_slides

_DRAWING: Final = f"{OFFICE}/drawingml/2006/main"
_DIGITS_MAX: Final = 9
_EMU_PER_POINT: Final = 12_700
_SIDES: Final = (914_400, 51_206_400)
"""Smallest and largest side of a slide, EMU (ECMA-376 19.7.14)."""
_HEIGHT: Final = 0.06
"""Of the letters, of the slide's shortest side: what a picture is asked for (5 %), and a little more."""
_INK: Final = 0.7
"""Ink of a capital letter, of its type size: the least of common types."""


def put(data: bytes, text: str) -> tuple[bytes, Mapping[str, Any]]:
    """The presentation with a box on its first slide, read back, and what is recorded of it.

    Raises:
        ExplicitError: the words are no label, it is signed, or there is no slide to put them on.
        CarrierError: the package or one of its parts cannot be read.
    """
    archive = packages.opened(data, text)
    main = archive.read(MAIN, XML_BYTES_MAX)
    names, points = first_slides(archive, main), _points(main)
    changed: dict[str, bytes] = {}
    for name in names:
        slide = archive.read(name, XML_BYTES_MAX)
        at, free = _top(slide)
        box = _box(text, free, points).encode("ascii", "xmlcharrefreplace")
        changed[name] = slide[:at] + box + slide[at:]
    made = zip_parts.replaced(archive, changed)
    again = zip_parts.open_parts(made)
    if any(_last_words(again.read(name, XML_BYTES_MAX)) != text for name in changed):
        raise ExplicitError("readback", "a slide that is shown first does not end with the label")
    return made, {
        "text": text, "place": "start", "height_points": points, "slides": len(changed),
    }  # fmt: skip


def _points(main: bytes) -> int:
    """Height of the letters in points, by the slide's size."""
    for one in xml_spans.scan(main, MAIN, ELEMENTS_MAX):
        if one.name == (SLIDES, "sldSz"):
            sides = [one.attributes.get(("", side), "") for side in ("cx", "cy")]
            if all(side.isdecimal() and _SIDES[0] <= int(side) <= _SIDES[1] for side in sides):
                return max(12, round(min(map(int, sides)) / _EMU_PER_POINT * _HEIGHT / _INK))
    raise ExplicitError("unsupported", "the presentation does not say how large its slides are")


def _top(slide: bytes) -> tuple[int, int]:
    """Where the slide's shapes end, what is last lies on top; and a free number for a shape."""
    elements = xml_spans.scan(slide, "the first slide", ELEMENTS_MAX)
    # An animation names shapes by number: one that hides a shape that is not there must not find ours.
    told = [one.attributes.get(("", key), "") for one in elements for key in ("id", "spid")]
    numbers = [int(each) for each in told if each.isdecimal() and len(each) <= _DIGITS_MAX]
    for one in elements:
        shown = stands(one, (SLIDES, "spTree"), (SLIDES, "cSld"), (SLIDES, "sld"))
        if shown and not xml_spans.is_empty(slide, one):
            return one.close, max([1, *numbers]) + 1
    raise ExplicitError("unsupported", "the first slide has no shapes to put a label over")


def _box(text: str, number: int, points: int) -> str:
    """A box as wide as its words, white with black letters, in the upper left corner."""
    height = round(points * 1.5 * _EMU_PER_POINT)
    width = round(points * (len(text) + 1) * _EMU_PER_POINT)
    black = '<a:solidFill><a:srgbClr val="000000"/></a:solidFill>'
    white = '<a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill>'
    return (
        f'<p:sp xmlns:p="{SLIDES}" xmlns:a="{_DRAWING}"><p:nvSpPr><p:cNvPr id="{number}" name="AIGC"/>'
        '<p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr><a:xfrm><a:off x="0" y="0"/>'
        f'<a:ext cx="{width}" cy="{height}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom>{white}'
        '</p:spPr><p:txBody><a:bodyPr wrap="none" lIns="0" tIns="0" rIns="0" bIns="0"/><a:p><a:r>'
        f'<a:rPr sz="{points * 100}">{black}</a:rPr><a:t>{xml_spans.quoted(text)}</a:t></a:r></a:p>'
        "</p:txBody></p:sp>"
    )


def _last_words(slide: bytes) -> str:
    texts = [
        one
        for one in xml_spans.scan(slide, "the first slide", ELEMENTS_MAX)
        if one.name == (_DRAWING, "t")
    ]
    return texts[-1].text if texts else ""
