"""A PPTX whose first slide says what it is (GB 45438-2025 5.1): a box of words on top; the rest is kept."""

import posixpath
from collections.abc import Mapping
from typing import Any, Final

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.carriers.zip_parts import Parts
from synthgate.effects.explicit import packages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX, stands

_MAIN: Final = "ppt/presentation.xml"
_RELATIONS: Final = "ppt/_rels/presentation.xml.rels"
_SLIDES: Final = f"{OFFICE}/presentationml/2006/main"
_DRAWING: Final = f"{OFFICE}/drawingml/2006/main"
_ID: Final = (f"{OFFICE}/officeDocument/2006/relationships", "id")
_SLIDES_READ: Final = 10
"""So many hidden ones before the first that is shown, and no more."""
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
    main = archive.read(_MAIN, XML_BYTES_MAX)
    name, points = _first_slide(archive, main), _points(main)
    slide = archive.read(name, XML_BYTES_MAX)
    at, free = _top(slide)
    box = _box(text, free, points).encode("ascii", "xmlcharrefreplace")
    made = zip_parts.replaced(archive, {name: slide[:at] + box + slide[at:]})
    if _last_words(zip_parts.open_parts(made).read(name, XML_BYTES_MAX)) != text:
        raise ExplicitError("readback", "the first slide does not end with the label")
    return made, {"text": text, "place": "start", "height_points": points}


def _first_slide(archive: Parts, main: bytes) -> str:
    """Name of the part with the slide that is shown first; hidden ones are not shown."""
    elements = xml_spans.scan(main, _MAIN, ELEMENTS_MAX)
    numbers = [
        one.attributes.get(_ID)
        for one in elements
        if stands(one, (_SLIDES, "sldId"), (_SLIDES, "sldIdLst"), (_SLIDES, "presentation"))
    ]
    if not numbers or _RELATIONS not in archive.parts:
        raise ExplicitError("unsupported", "the presentation has no slide to put a label on")
    relations = xml_spans.scan(archive.read(_RELATIONS, XML_BYTES_MAX), _RELATIONS)
    targets = {
        one.attributes.get(("", "Id")): one.attributes.get(("", "Target"), "") for one in relations
    }
    for number in numbers[:_SLIDES_READ]:
        name = posixpath.normpath(posixpath.join("/ppt", targets.get(number, ""))).lstrip("/")
        if name not in archive.parts:
            raise ExplicitError("broken", "the first slide is not in the package")
        (slide, *_) = xml_spans.scan(archive.read(name, XML_BYTES_MAX), name, ELEMENTS_MAX)
        if slide.attributes.get(("", "show"), "1") not in ("0", "false"):
            return name
    raise ExplicitError("unsupported", "every slide of the presentation is hidden")


def _points(main: bytes) -> int:
    """Height of the letters in points, by the slide's size."""
    for one in xml_spans.scan(main, _MAIN, ELEMENTS_MAX):
        if one.name == (_SLIDES, "sldSz"):
            sides = [one.attributes.get(("", side), "") for side in ("cx", "cy")]
            if all(side.isdecimal() and _SIDES[0] <= int(side) <= _SIDES[1] for side in sides):
                return max(12, round(min(map(int, sides)) / _EMU_PER_POINT * _HEIGHT / _INK))
    raise ExplicitError("unsupported", "the presentation does not say how large its slides are")


def _top(slide: bytes) -> tuple[int, int]:
    """Where the slide's shapes end, what is last lies on top; and a free number for a shape."""
    elements = xml_spans.scan(slide, "the first slide", ELEMENTS_MAX)
    numbers = [
        int(one.attributes.get(("", "id"), "0"))
        for one in elements
        if one.name[1] == "cNvPr" and one.attributes.get(("", "id"), "").isdecimal()
    ]
    for one in elements:
        shown = stands(one, (_SLIDES, "spTree"), (_SLIDES, "cSld"), (_SLIDES, "sld"))
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
        f'<p:sp xmlns:p="{_SLIDES}" xmlns:a="{_DRAWING}"><p:nvSpPr><p:cNvPr id="{number}" name="AIGC"/>'
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
