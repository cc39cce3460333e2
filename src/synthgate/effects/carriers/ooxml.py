"""DOCX, XLSX, PPTX: the label is the custom property ``AIGC`` in the part the package names for these."""

from collections.abc import Callable
from typing import Final

from synthgate.effects.carriers import xml_spans, zip_parts
from synthgate.effects.carriers.carrier import (
    KEY,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
)  # fmt: skip
from synthgate.effects.carriers.xml_spans import Element
from synthgate.effects.carriers.zip_parts import Parts

_PLACE: Final = "custom property AIGC"
_XML_BYTES_MAX: Final = 4 << 20
_TYPES: Final = "[Content_Types].xml"
_RELATIONS: Final = "_rels/.rels"
_CUSTOM: Final = "docProps/custom.xml"
_CUSTOM_TYPE: Final = "application/vnd.openxmlformats-officedocument.custom-properties+xml"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
_RELATION: Final = f"{_OFFICE}/relationships/custom-properties"
_RELATIONS_OF_CUSTOM: Final = (
    _RELATION, "http://purl.oclc.org/ooxml/officeDocument/relationships/customProperties",
)  # fmt: skip
_VALUES: Final = f"{_OFFICE}/docPropsVTypes"
_FORMAT: Final = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
_EMPTY: Final = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
    f'<Properties xmlns="{_OFFICE}/custom-properties" xmlns:vt="{_VALUES}"></Properties>'
).encode()
_SIGNATURES: Final = "_xmlsignatures/"
_TAIL_BYTES: Final = 1 << 20


def _claims(folder: bytes) -> Callable[[bytes], bool]:
    """Whether bytes are a document of the kind whose parts lie in this folder."""

    def claims(data: bytes) -> bool:
        if not data.startswith(b"PK\x03\x04"):
            return False
        return folder in data[-_TAIL_BYTES:] or folder in data[:4096]

    return claims


def _custom_name(archive: Parts) -> str | None:
    """The part with custom properties, as the package's relationships name it."""
    relations = xml_spans.scan(archive.read(_RELATIONS, _XML_BYTES_MAX), _RELATIONS)
    for one in relations:
        if one.attributes.get(("", "Type")) in _RELATIONS_OF_CUSTOM:
            return one.attributes.get(("", "Target"), "").lstrip("/").removeprefix("./")
    return None


def _properties(custom: bytes) -> list[Element]:
    elements = xml_spans.scan(custom, "the custom properties")
    return [one for one in elements if one.name[1] == "property"]


def _is_own(one: Element) -> bool:
    return KEY in one.attributes.get(("", "name"), "")


def _parse(data: bytes) -> Parsed:
    archive = zip_parts.open_parts(data)
    notes = []
    if any(name.startswith(_SIGNATURES) for name in archive.parts):
        notes.append("signed")
    name = _custom_name(archive)
    if name is None:
        if _CUSTOM in archive.parts and KEY.encode() in archive.read(_CUSTOM, _XML_BYTES_MAX):
            raise CarrierError("broken", "custom properties that the package does not name")
        return Parsed([], notes)
    custom = archive.read(name, _XML_BYTES_MAX)
    elements = xml_spans.scan(custom, "the custom properties")
    found: list[Place] = []
    for one in _properties(custom):
        if _is_own(one):
            texts = [each for each in elements if _is_below(each, one.start, one.end)]
            value = "".join(each.text for each in texts)
            kind = one.attributes.get(("", "name"), "")
            where = _PLACE if kind == KEY else f"custom property {kind}"
            found.append(place(where, value))
    return Parsed(found, notes)


def _is_below(one: Element, start: int, end: int) -> bool:
    return start < one.start and one.end <= end


def _rewrite(data: bytes, value: bytes) -> bytes:
    archive = zip_parts.open_parts(data)
    if any(name.startswith(_SIGNATURES) for name in archive.parts):
        raise CarrierError("signed", "a signed document: a label would break its signature")
    changed: dict[str, bytes] = {}
    name = _custom_name(archive)
    if name is None:
        if _CUSTOM in archive.parts:
            raise CarrierError("broken", "custom properties that the package does not name")
        name = _CUSTOM
        changed[_TYPES] = _with_type(archive.read(_TYPES, _XML_BYTES_MAX))
        changed[_RELATIONS] = _with_relation(archive.read(_RELATIONS, _XML_BYTES_MAX))
    custom = archive.read(name, _XML_BYTES_MAX) if name in archive.parts else _EMPTY
    changed[name] = _with_property(custom, value)
    return zip_parts.replaced(archive, changed)


def _with_property(custom: bytes, value: bytes) -> bytes:
    properties = _properties(custom)
    numbers = [one.attributes.get(("", "pid"), "") for one in properties if not _is_own(one)]
    free = max([1, *(int(number) for number in numbers if number.isdecimal())]) + 1
    new = (
        f'<property xmlns="{_OFFICE}/custom-properties" fmtid="{_FORMAT}" pid="{free}" name="{KEY}">'
        f'<vt:lpwstr xmlns:vt="{_VALUES}">{xml_spans.quoted(value.decode())}</vt:lpwstr></property>'
    ).encode("ascii", "xmlcharrefreplace")
    cuts = [(one.start, one.end, b"") for one in properties if _is_own(one)]
    return _added(custom, "Properties", new, cuts)


def _with_type(types: bytes) -> bytes:
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    new = f'<Override xmlns="{space}" PartName="/{_CUSTOM}" ContentType="{_CUSTOM_TYPE}"/>'
    return _added(types, "Types", new.encode(), [])


def _with_relation(relations: bytes) -> bytes:
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    taken = {one.attributes.get(("", "Id")) for one in xml_spans.scan(relations, _RELATIONS)}
    number = next(f"rIdAIGC{at}" for at in range(len(taken) + 1) if f"rIdAIGC{at}" not in taken)
    new = f'<Relationship xmlns="{space}" Id="{number}" Type="{_RELATION}" Target="{_CUSTOM}"/>'
    return _added(relations, "Relationships", new.encode(), [])


def _added(xml: bytes, root: str, new: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    """The XML with an element added at the end of its root."""
    top = xml_spans.scan(xml, root)[0]
    if top.name[1] != root:
        raise CarrierError("broken", f"no {root} where they should be")
    if not xml_spans.is_empty(xml, top):
        return xml_spans.edited(xml, [*cuts, (top.close, top.close, new)])
    tag = xml[top.start : top.end]
    name = tag[1:].split(b"/", 1)[0].split(maxsplit=1)[0]
    opened = tag[:-2].rstrip() + b">" + new + b"</" + name + b">"
    return xml_spans.edited(xml, [(top.start, top.end, opened)])


def _carrier(name: str, kind: str, folder: bytes) -> Carrier:
    media_type = f"application/vnd.openxmlformats-officedocument.{kind}"
    guide = "TC260-PG-20258A"
    suffixes = (f".{name}",)
    return Carrier(
        name, "text", media_type, suffixes, _PLACE, guide, _claims(folder), _parse, _rewrite
    )


DOCX: Final = _carrier("docx", "wordprocessingml.document", b"word/")
XLSX: Final = _carrier("xlsx", "spreadsheetml.sheet", b"xl/")
PPTX: Final = _carrier("pptx", "presentationml.presentation", b"ppt/")
