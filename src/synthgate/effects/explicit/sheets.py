"""An XLSX that opens on a sheet of its own, the last, which says what it is (GB 45438-2025 5.1).

Its tab is the label too, as long as it has room. No cell, formula or number of the other sheets changes: they
stay the first ones, for programs count them from there. What they lose is the mark of the sheet that is open.
"""

import posixpath
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.carriers.xml_spans import Element
from synthgate.effects.carriers.zip_parts import Parts
from synthgate.effects.explicit import packages
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.packages import ELEMENTS_MAX, OFFICE, XML_BYTES_MAX, stands

_MAIN: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_TYPES: Final = "[Content_Types].xml"
_SHEETS: Final = f"{OFFICE}/spreadsheetml/2006/main"
_DOCUMENT: Final = f"{OFFICE}/officeDocument/2006/relationships"
_ID: Final = (_DOCUMENT, "id")
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
_SHEETS_MAX: Final = 1_000
_NAME_CHARS_MAX: Final = 31
_NAME_FORBIDDEN: Final = frozenset("[]:*?/\\'")
_SHORT: Final = "AI生成"
_POINTS: Final = 20
_WIDTH: Final = 2.5
"""Of a column, in its own unit, for each character of that height."""


class _Book(NamedTuple):
    """The workbook: its XML, its elements, and its sheets as they are listed."""

    xml: bytes
    elements: list[Element]
    sheets: list[Element]


def put(data: bytes, text: str) -> tuple[bytes, Mapping[str, Any]]:
    """The workbook with a sheet behind the others, read back, and what is recorded of it.

    Raises:
        ExplicitError: the words are no label, it is signed, or it has no sheets where they are expected.
        CarrierError: the package or one of its parts cannot be read.
    """
    archive = packages.opened(data, text)
    book = _book(archive)
    name, part = _name(text, book), _part(archive)
    relations = archive.read(_RELATIONS, XML_BYTES_MAX)
    taken = {one.attributes.get(("", "Id")) for one in xml_spans.scan(relations, _RELATIONS)}
    number = next(f"rIdLabel{at}" for at in range(len(taken) + 1) if f"rIdLabel{at}" not in taken)
    changed = {
        _MAIN: _listed(book, name, number),
        _RELATIONS: _with(relations, _RELATIONS, _relation(number, part)),
        _TYPES: _with(archive.read(_TYPES, XML_BYTES_MAX), _TYPES, _override(part)),
        part: _sheet(text),
    }
    for one in _parts(archive, book):
        if (closed := _closed(archive, one)) is not None:
            changed[one] = closed
    made = zip_parts.replaced(archive, changed)
    _read_back(made, text, len(book.sheets))
    return made, {"text": text, "place": "end", "sheet": name, "opens_on_it": True}


def _book(archive: Parts) -> _Book:
    if _MAIN not in archive.parts or _RELATIONS not in archive.parts:
        raise ExplicitError("unsupported", "the workbook is not where one is expected")
    xml = archive.read(_MAIN, XML_BYTES_MAX)
    elements = xml_spans.scan(xml, _MAIN, ELEMENTS_MAX)
    path = (_SHEETS, "sheet"), (_SHEETS, "sheets"), (_SHEETS, "workbook")
    sheets = [one for one in elements if stands(one, *path)]
    if not 0 < len(sheets) <= _SHEETS_MAX:
        raise ExplicitError("unsupported", "the workbook has no sheets a label could follow")
    return _Book(xml, elements, sheets)


def _parts(archive: Parts, book: _Book) -> list[str]:
    """Names of the parts of the sheets, in their order."""
    relations = xml_spans.scan(archive.read(_RELATIONS, XML_BYTES_MAX), _RELATIONS)
    targets = {
        one.attributes.get(("", "Id")): one.attributes.get(("", "Target"), "") for one in relations
    }
    found = []
    for sheet in book.sheets:
        target = targets.get(sheet.attributes.get(_ID), "")
        name = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        if not target or name not in archive.parts:
            raise ExplicitError("broken", "a sheet is not in the package")
        found.append(name)
    return found


def _name(text: str, book: _Book) -> str:
    """What its tab says: the label, if a tab may say that."""
    taken = {one.attributes.get(("", "name"), "").casefold() for one in book.sheets}
    wanted = text if len(text) <= _NAME_CHARS_MAX and not _NAME_FORBIDDEN & set(text) else _SHORT
    names = [wanted, *(f"{_SHORT} {count}" for count in range(2, len(taken) + 3))]
    return next(name for name in names if name.casefold() not in taken)


def _part(archive: Parts) -> str:
    names = {name.casefold() for name in archive.parts}
    tries = (f"xl/worksheets/label{count}.xml" for count in range(1, len(names) + 2))
    return next(name for name in tries if name not in names)


def _listed(book: _Book, name: str, number: str) -> bytes:
    """The workbook that lists our sheet last and opens on it."""
    numbers = [one.attributes.get(("", "sheetId"), "") for one in book.sheets]
    free = max([0, *(int(each) for each in numbers if each.isdecimal())]) + 1
    row = (
        f'<sheet xmlns="{_SHEETS}" xmlns:r="{_DOCUMENT}" name="{xml_spans.quoted(name)}" sheetId="{free}"'
        f' r:id="{number}"/>'
    )
    holder = book.sheets[0].parent
    if holder is None or any(one.parent is not holder for one in book.sheets):
        raise ExplicitError("broken", "a workbook that lists its sheets in two places")
    edits = [(holder.close, holder.close, _ascii(row))]
    views = [one for one in book.elements if one.name == (_SHEETS, "workbookView")]
    for view in views:
        if view.attributes.get(("", "visibility"), "visible") != "visible":
            raise ExplicitError("unsupported", "a workbook whose window is hidden")
        edits += _set(book.xml, view, "activeTab", len(book.sheets))
    if not views:
        if any(one.name == (_SHEETS, "bookViews") for one in book.elements):
            raise ExplicitError("unsupported", "a workbook without a window to open on")
        window = f'<bookViews xmlns="{_SHEETS}"><workbookView activeTab="{len(book.sheets)}"/></bookViews>'
        edits.append((holder.start, holder.start, _ascii(window)))
    return xml_spans.edited(book.xml, edits)


def _set(xml: bytes, element: Element, local: str, value: int) -> list[tuple[int, int, bytes]]:
    """Edits that give an element an attribute, whether it has one or not."""
    new = f' {local}="{value}"'.encode()
    spans = xml_spans.attribute_spans(xml, element, local)
    if spans:
        return [(*spans[0], new), *((*span, b"") for span in spans[1:])]
    end = xml_spans.tag_end(xml, element.start)
    at = end - 2 if xml[end - 2 : end] == b"/>" else end - 1
    return [(at, at, new)]


def _closed(archive: Parts, part: str) -> bytes | None:
    """A sheet that is no longer the open one; None if it was not. Two that are would be edited as one."""
    xml = archive.read(part, XML_BYTES_MAX)
    edits: list[tuple[int, int, bytes]] = []
    for one in xml_spans.scan(xml, part, ELEMENTS_MAX, until=(_SHEETS, "sheetData")):
        if one.name[1] == "sheetView" and ("", "tabSelected") in one.attributes:
            edits += [(*span, b"") for span in xml_spans.attribute_spans(xml, one, "tabSelected")]
    return xml_spans.edited(xml, edits) if edits else None


def _sheet(text: str) -> bytes:
    """A sheet with the words in its first cell."""
    width = max(10, round(len(text) * _WIDTH * _POINTS / 10))
    return _ascii(
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        f'<worksheet xmlns="{_SHEETS}"><sheetViews><sheetView tabSelected="1" workbookViewId="0"/>'
        "</sheetViews>"
        f'<cols><col min="1" max="1" width="{width}" customWidth="1"/></cols><sheetData><row r="1">'
        f'<c r="A1" t="inlineStr"><is><r><rPr><sz val="{_POINTS}"/></rPr><t>{xml_spans.quoted(text)}</t></r>'
        "</is></c></row></sheetData></worksheet>"
    )


def _relation(number: str, part: str) -> str:
    space = f"{OFFICE}/package/2006/relationships"
    kind = f"{_DOCUMENT}/worksheet"
    return f'<Relationship xmlns="{space}" Id="{number}" Type="{kind}" Target="/{part}"/>'


def _override(part: str) -> str:
    space = f"{OFFICE}/package/2006/content-types"
    return f'<Override xmlns="{space}" PartName="/{part}" ContentType="{_TYPE}"/>'


def _with(xml: bytes, what: str, new: str) -> bytes:
    """The XML with an element more at the end of its root."""
    top = xml_spans.scan(xml, what, ELEMENTS_MAX)[0]
    if xml_spans.is_empty(xml, top):
        raise ExplicitError("broken", f"{what} is empty")
    return xml_spans.edited(xml, [(top.close, top.close, new.encode())])


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "xmlcharrefreplace")


def _read_back(made: bytes, text: str, at: int) -> None:
    """The last sheet is the label, the workbook opens on it, and no other is open with it."""
    archive = zip_parts.open_parts(made)
    book = _book(archive)
    views = [one for one in book.elements if one.name == (_SHEETS, "workbookView")]
    opens = {one.attributes.get(("", "activeTab")) for one in views} == {str(at)}
    *others, last = _parts(archive, book)
    words = [
        one.text
        for one in xml_spans.scan(archive.read(last, XML_BYTES_MAX), last)
        if one.name == (_SHEETS, "t")
    ]
    if len(others) != at or not opens or words != [text]:
        raise ExplicitError("readback", "the workbook does not open on its label")
    if any(_closed(archive, one) is not None for one in others):
        raise ExplicitError("readback", "another sheet is open beside the label")
