"""XML by the bytes: elements and where their tags stand, so that an edit leaves all other bytes alone.

Parsed by expat with document types refused: no entity of a file's own is ever expanded, no file is fetched.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape

from synthgate.effects.carriers.carrier import CarrierError

_DEPTH_MAX: Final = 256
_TAG_END: Final = re.compile(rb"(?:[^>\"']++|\"[^\"]*+\"|'[^']*+')*+>")
_ATTRIBUTE: Final = re.compile(
    rb"(?<!\s)\s++(?:[^\s=\"'<>/:]++:)?([^\s=\"'<>/:]++)\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+')"
)
Name = tuple[str, str]
"""Namespace and local name."""


@dataclass
class Element:
    """One element. ``start`` of its first tag, ``close`` and ``end`` of its last; text is its own alone.

    Written as one tag it has no last one: ``close`` and ``end`` are where that tag ends.
    """

    name: Name
    parent: "Element | None"
    attributes: dict[Name, str]
    start: int
    close: int = 0
    end: int = 0
    texts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The characters directly in it."""
        return "".join(self.texts)


class _Enough(Exception):
    """The element up to which was to be read has begun."""


def scan(
    xml: bytes, what: str, elements_max: int = 50_000, until: Name | None = None
) -> list[Element]:
    """All elements in the order of their first tags. ``what`` names the XML in errors.

    until: nothing is read from the first element of this name on; what is open there has no end.

    Raises:
        CarrierError: not well-formed, a document type, UTF-16 or an unknown encoding, too deep, too many.
    """
    if b"\x00" in xml[:64]:
        raise CarrierError("unsupported", f"{what} is UTF-16")
    seen = _Scan(xml, what, elements_max, until)
    try:
        seen.parser.Parse(xml, True)  # noqa: FBT003 (expat takes it by position only)
    except _Enough:
        return seen.found
    except expat.ExpatError as error:
        raise CarrierError("broken", f"{what} is no well-formed XML: {error}") from None
    except (ValueError, LookupError) as error:
        raise CarrierError("broken", f"{what} has an unknown encoding: {error}") from None
    return seen.found


def attribute_spans(xml: bytes, element: Element, local: str) -> list[tuple[int, int]]:
    """Where attributes of a local name stand in the first tag, whatever their prefix."""
    end = tag_end(xml, element.start)
    matches = _ATTRIBUTE.finditer(xml, element.start, end)
    return [match.span() for match in matches if match.group(1) == local.encode()]


def tag_end(xml: bytes, at: int) -> int:
    """Where the tag that begins at a position ends."""
    match = _TAG_END.match(xml, at)
    return match.end() if match else len(xml)


def is_empty(xml: bytes, element: Element) -> bool:
    """Whether it is written as one tag (``<a/>``)."""
    return xml[element.close - 2 : element.end] == b"/>"


def edited(xml: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    """The bytes with ranges replaced; ranges do not overlap."""
    for start, end, new in sorted(edits, reverse=True):
        xml = xml[:start] + new + xml[end:]
    return xml


def quoted(text: str) -> str:
    """Text as it may stand between tags or in double quotes."""
    return escape(text, {'"': "&quot;"})


class _Scan:
    """One pass of expat."""

    def __init__(self, xml: bytes, what: str, elements_max: int, until: Name | None) -> None:
        self.found: list[Element] = []
        self._xml = xml
        self._what = what
        self._elements_max = elements_max
        self._until = until
        self._open: list[Element] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._begin
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEPTH_MAX or len(self.found) >= self._elements_max:
            raise CarrierError("too_much", f"{self._what} is too deep or has too many elements")
        if self._until is not None and _split(name) == self._until:
            raise _Enough
        own = {_split(key): value for key, value in attributes.items()}
        parent = self._open[-1] if self._open else None
        element = Element(_split(name), parent, own, self.parser.CurrentByteIndex)
        self.found.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        element = self._open.pop()
        element.close = self.parser.CurrentByteIndex
        first = tag_end(self._xml, element.start)
        # Of an element of one tag expat tells the end: what follows there is another's tag.
        one_tag = element.close == first and self._xml[first - 2 : first] == b"/>"
        element.end = first if one_tag else tag_end(self._xml, element.close)

    def _characters(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def _refuse_doctype(self, *_: object) -> None:
        raise CarrierError("broken", f"{self._what} declares a document type")


def _split(name: str) -> Name:
    space, _, local = name.rpartition(" ")
    return space, local
