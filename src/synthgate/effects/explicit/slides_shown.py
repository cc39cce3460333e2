"""Which slides of a PPTX are shown first: of all, of the part a show is set to, of each custom show.

Hidden slides are skipped by a show (ECMA-376 19.2.1: showPr, custShowLst; 19.3.1.38: show).
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from synthgate.effects.carriers import xml_spans
from synthgate.effects.carriers.xml_spans import Element
from synthgate.effects.carriers.zip_parts import Parts
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX, stands

MAIN: Final = "ppt/presentation.xml"
SLIDES: Final = f"{OFFICE}/presentationml/2006/main"
_RELATIONS: Final = "ppt/_rels/presentation.xml.rels"
_DOCUMENT: Final = f"{OFFICE}/officeDocument/2006/relationships"
_ID: Final = (_DOCUMENT, "id")
_SLIDES_READ: Final = 10
"""So many hidden ones before the first that is shown, and no more."""
_SHOWS_MAX: Final = 100


def first_slides(archive: Parts, main: bytes) -> list[str]:
    """Names of the parts with these slides, each once; the first of all comes first.

    Raises:
        ExplicitError: there is none, all are hidden, or more shows than anybody has.
        CarrierError: a part cannot be read.
    """
    elements = xml_spans.scan(main, MAIN, ELEMENTS_MAX)
    listed = [
        one.attributes.get(_ID, "")
        for one in elements
        if stands(one, (SLIDES, "sldId"), (SLIDES, "sldIdLst"), (SLIDES, "presentation"))
    ]
    if not listed or _RELATIONS not in archive.parts:
        raise ExplicitError("unsupported", "the presentation has no slide to put a label on")
    relations = xml_spans.scan(archive.read(_RELATIONS, XML_BYTES_MAX), _RELATIONS)
    targets = {
        one.attributes.get(("", "Id"), ""): one.attributes.get(("", "Target"), "")
        for one in relations
    }
    first = _first_shown(archive, targets, listed)
    if first is None:
        raise ExplicitError("unsupported", "every slide of the presentation is hidden")
    shows = [_range(archive, relations, listed), *_custom(elements)]
    if len(shows) > _SHOWS_MAX:
        raise ExplicitError("unsupported", f"a presentation of more than {_SHOWS_MAX} shows")
    others = (_first_shown(archive, targets, show) for show in shows)
    return list(dict.fromkeys([first, *(name for name in others if name is not None)]))


def _first_shown(archive: Parts, targets: Mapping[str, str], numbers: Sequence[str]) -> str | None:
    for number in numbers[:_SLIDES_READ]:
        name = _part(targets.get(number, ""))
        if name not in archive.parts:
            raise ExplicitError("broken", "the first slide is not in the package")
        (slide, *_) = xml_spans.scan(archive.read(name, XML_BYTES_MAX), name, ELEMENTS_MAX)
        if slide.attributes.get(("", "show"), "1") not in ("0", "false"):
            return name
    return None


def _part(target: str) -> str:
    return posixpath.normpath(posixpath.join("/ppt", target)).lstrip("/")


def _range(archive: Parts, relations: list[Element], listed: Sequence[str]) -> Sequence[str]:
    """The slides from which a show is set to begin; none if it is not."""
    kinds = (f"{_DOCUMENT}/presProps",)
    for one in relations:
        name = _part(one.attributes.get(("", "Target"), ""))
        if one.attributes.get(("", "Type")) not in kinds or name not in archive.parts:
            continue
        for row in xml_spans.scan(archive.read(name, XML_BYTES_MAX), name, ELEMENTS_MAX):
            begins = row.attributes.get(("", "st"), "")
            if row.name == (SLIDES, "sldRg") and begins.isdecimal() and len(begins) <= 6:
                return listed[max(0, int(begins) - 1) :]
    return []


def _custom(elements: list[Element]) -> Iterator[Sequence[str]]:
    """The slides of each custom show, in order."""
    for show in elements:
        if show.name == (SLIDES, "custShow"):
            yield [
                one.attributes.get(_ID, "")
                for one in elements
                if one.name == (SLIDES, "sld") and _within(one, show)
            ]


def _within(one: Element, holder: Element) -> bool:
    return holder.start < one.start and one.end <= holder.end
