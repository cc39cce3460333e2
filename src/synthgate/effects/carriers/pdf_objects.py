"""PDF objects: where they stand, as far as a label needs it.

No repair: a file whose cross-reference does not lead to its objects is named broken, for what a repairing
reader would find there is anybody's guess. Inflating is bounded.
"""

import base64
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.pdf_tokens import Dictionary, Reader, Reference

STREAM_BYTES_MAX: Final = 32 << 20
_SECTIONS_MAX: Final = 512
_OBJECTS_MAX: Final = 300_000
_OBJECT: Final = re.compile(rb"(\d{1,10})[\x00\t\n\x0c\r ]++(\d{1,5})[\x00\t\n\x0c\r ]++obj\b")
_STREAM: Final = re.compile(rb"stream(?:\r\n|\n|\r)")
_ENTRY: Final = re.compile(rb"(\d{10}) (\d{5}) ([nf])[ \r\n]{1,2}")
_SUBSECTION: Final = re.compile(rb"(\d{1,10})[ ]++(\d{1,10})[ ]*+[\r\n]++")


@dataclass
class Document:
    """A PDF by its cross-reference. ``stream``: the newest section is a cross-reference stream."""

    data: bytes
    start: int
    trailer: Dictionary = field(default_factory=Dictionary)
    stream: bool = False
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    _rows: int = 0

    def resolve(self, value: Any) -> Any:
        """The object a reference names, None if there is none; other values as they are."""
        return self.found(value)[0] if isinstance(value, Reference) else value

    def found(self, reference: Reference) -> tuple[Any, int]:
        """An object, and where its value ends; a stream's dictionary is its object."""
        kind, one, two = self.places.get(reference.number, (0, 0, 0))
        if kind == 1:
            return _indirect(self.data, one, reference.number)
        if kind == 2:
            return self._packed(one, two), 0
        return None, 0

    def body(self, reference: Reference) -> bytes:
        """The body of a stream, inflated if it is deflated; empty if it is packed otherwise."""
        found, end = self.found(reference)
        if not isinstance(found, Dictionary) or not end:
            return b""
        return _stream(self, found, end)

    def add(self, number: int, place: tuple[int, int, int]) -> None:
        """One row of the cross-reference; the newest section comes first and wins."""
        self._rows += 1
        if self._rows > _OBJECTS_MAX:
            raise CarrierError("too_much", f"more than {_OBJECTS_MAX} PDF objects")
        self.places.setdefault(number, place)

    def _packed(self, holder: int, index: int) -> Any:
        kind, offset, _ = self.places.get(holder, (0, 0, 0))
        if kind != 1:
            raise CarrierError("broken", "a PDF object stream that is not there")
        found, end = _indirect(self.data, offset, holder)
        if not isinstance(found, Dictionary):
            raise CarrierError("broken", "a PDF object stream that is no stream")
        if isinstance(found.value(b"Length"), Reference):
            raise CarrierError("unsupported", "a PDF object stream whose length stands elsewhere")
        body = _stream(self, found, end)
        reader = Reader(body)
        at, numbers = 0, []
        for _ in range(2 * (index + 1)):
            number, at = reader.object(at)
            numbers.append(number)
        first = found.value(b"First")
        if not isinstance(first, int) or not isinstance(numbers[-1], int):
            raise CarrierError("broken", "a PDF object stream without its index")
        return reader.object(first + numbers[-1])[0]


def _indirect(data: bytes, offset: int, number: int) -> tuple[Any, int]:
    match = _OBJECT.match(data, offset)
    if match is None or int(match.group(1)) != number:
        raise CarrierError("broken", f"the PDF's index does not lead to object {number}")
    return Reader(data).object(match.end())


def _stream(document: Document, head: Dictionary, end: int) -> bytes:
    data = document.data
    match = _STREAM.match(data, Reader(data).skip(end))
    length = document.resolve(head.value(b"Length"))
    if match is None or not isinstance(length, int) or not 0 <= length <= len(data) - match.end():
        raise CarrierError("broken", "a PDF stream without its length")
    body = data[match.end() : match.end() + length]
    filters = document.resolve(head.value(b"Filter"))
    if isinstance(filters, list) and filters[:1] == [b"/ASCII85Decode"]:
        body, filters = _letters(body), filters[1:]
    if filters in (None, []):
        return body
    if filters not in (b"/FlateDecode", [b"/FlateDecode"]):
        raise CarrierError("unsupported", "a PDF stream packed in an unusual way")
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(body, STREAM_BYTES_MAX)
    except zlib.error as error:
        raise CarrierError("broken", f"a PDF stream that does not inflate: {error}") from None
    if inflater.unconsumed_tail:
        raise CarrierError("too_much", f"a PDF stream of more than {STREAM_BYTES_MAX} bytes")
    return _unpredicted(plain, document.resolve(head.value(b"DecodeParms")))


def _letters(body: bytes) -> bytes:
    """Undo ASCII85, as some writers pack every page."""
    try:
        return base64.a85decode(body.strip(), adobe=True)
    except ValueError as error:
        raise CarrierError("broken", f"a PDF stream that is no ASCII85: {error}") from None


def _unpredicted(plain: bytes, parameters: Any) -> bytes:
    """Undo PNG's "up" predictor, the one used for cross-references."""
    if isinstance(parameters, list):
        parameters = parameters[0] if parameters else None
    if not isinstance(parameters, Mapping) or parameters.get(b"Predictor") is None:
        return plain
    one = Dictionary(parameters)
    columns, predictor = one.value(b"Columns") or 1, one.value(b"Predictor")
    if predictor == 1:
        return plain
    if not isinstance(predictor, int) or predictor < 10 or not isinstance(columns, int):
        raise CarrierError("unsupported", "a PDF stream with an unusual predictor")
    if not 0 < columns <= 64 or one.value(b"Colors") not in (None, 1):
        raise CarrierError("unsupported", "a PDF stream with an unusual predictor")
    rows, before = [], bytes(columns)
    for at in range(0, len(plain) - columns, columns + 1):
        row = plain[at + 1 : at + 1 + columns]
        if plain[at] == 2:
            row = bytes((a + b) & 0xFF for a, b in zip(row, before, strict=True))
        elif plain[at] != 0:
            raise CarrierError("unsupported", "a PDF stream with an unusual predictor")
        rows.append(row)
        before = row
    return b"".join(rows)


def open_document(data: bytes) -> Document:
    """Follow the cross-reference from the end of the file to its beginning.

    Raises:
        CarrierError: it does not lead there.
    """
    tail = data.rfind(b"startxref", max(0, len(data) - 4096))
    match = re.compile(rb"startxref\s{1,8}(\d{1,12})").match(data, max(tail, 0))
    if tail < 0 or match is None:
        raise CarrierError("truncated", "the PDF does not end with its startxref")
    document = Document(data, int(match.group(1)))
    waiting = [document.start]
    seen: set[int] = set()
    while waiting:
        at = waiting.pop(0)
        if at in seen or len(seen) > _SECTIONS_MAX:
            raise CarrierError("broken", "the PDF's cross-reference goes in circles")
        seen.add(at)
        trailer, is_stream = _section(document, at)
        if len(seen) == 1:
            document.trailer, document.stream = trailer, is_stream
        for key in (b"XRefStm", b"Prev"):
            further = trailer.value(key)
            if isinstance(further, int):
                waiting.append(further)
    return document


def _section(document: Document, at: int) -> tuple[Dictionary, bool]:
    data = document.data
    if not 0 < at < len(data):
        raise CarrierError("broken", "the PDF's cross-reference lies outside the file")
    if data.startswith(b"xref", at):
        return _table(document, at + 4), False
    match = _OBJECT.match(data, at)
    if match is None:
        raise CarrierError("broken", "the PDF has no cross-reference where it says")
    head, end = Reader(data).object(match.end())
    if not isinstance(head, Dictionary) or head.value(b"Type") != b"/XRef":
        raise CarrierError("broken", "the PDF's cross-reference is none")
    _xref_stream(document, head, _stream(document, head, end))
    return head, True


def _table(document: Document, at: int) -> Dictionary:
    data = document.data
    reader = Reader(data)
    at = reader.skip(at)
    while match := _SUBSECTION.match(data, at):
        first, count = int(match.group(1)), int(match.group(2))
        at = match.end()
        if count * 19 > len(data) - at:
            raise CarrierError("truncated", "a PDF cross-reference longer than the file")
        for number in range(first, first + count):
            entry = _ENTRY.match(data, at)
            if entry is None:
                raise CarrierError("broken", f"no cross-reference entry at byte {at}")
            kind = 1 if entry.group(3) == b"n" else 0
            document.add(number, (kind, int(entry.group(1)), int(entry.group(2))))
            at = entry.end()
        at = reader.skip(at)
    if not data.startswith(b"trailer", at):
        raise CarrierError("broken", "a PDF cross-reference without trailer")
    trailer, _ = reader.object(at + 7)
    if not isinstance(trailer, Dictionary):
        raise CarrierError("broken", "a PDF trailer that is no dictionary")
    return trailer


def _xref_stream(document: Document, head: Dictionary, body: bytes) -> None:
    widths, size = head.value(b"W"), head.value(b"Size")
    index = head.value(b"Index") or [0, size]
    numbers = [*widths, *index] if isinstance(widths, list) and isinstance(index, list) else [None]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise CarrierError("broken", "a PDF cross-reference stream without its widths")
    if len(widths) != 3 or max(widths) > 8 or len(index) % 2 or not sum(widths):
        raise CarrierError("broken", "a PDF cross-reference stream of odd widths")
    at, step = 0, sum(widths)
    one, two = widths[0], widths[0] + widths[1]
    for first, count in zip(index[::2], index[1::2], strict=True):
        for number in range(first, first + min(count, (len(body) - at) // step)):
            row = body[at : at + step]
            kind = int.from_bytes(row[:one], "big") if one else 1
            place = (kind, int.from_bytes(row[one:two], "big"), int.from_bytes(row[two:], "big"))
            document.add(number, place)
            at += step
