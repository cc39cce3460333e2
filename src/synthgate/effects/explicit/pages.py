"""A PDF whose first page says what it is (GB 45438-2025 5.1): a line drawn last, by an incremental update.

The line is a picture of our own font, so that no type of the reader's is needed; what is on the page is left as
it is, between a saved and a restored state.
"""

import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from PIL import Image, ImageOps

from synthgate.effects.carriers import pdf
from synthgate.effects.carriers.carrier import CarrierError
from synthgate.effects.carriers.pdf_objects import STREAM_BYTES_MAX, Document
from synthgate.effects.carriers.pdf_tokens import Dictionary, Reference
from synthgate.effects.explicit import lettering, words
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.page_place import Box, notes, place, sides
from synthgate.effects.explicit.page_state import left_open

NAME: Final = b"/SynthgateLabel"
_DEPTH_MAX: Final = 32
_CONTENTS_MAX: Final = 10_000
_INHERITED: Final = (b"Resources", b"MediaBox", b"CropBox", b"Rotate")
_INK_PX: Final = 48
_INK_POINTS: Final = 9.0
_SHARE: Final = 0.02
"""Ink height of the letters: of the page's shortest side, and in points at least."""
_MARGIN: Final = 0.35
"""Of the line's height, white around it."""


class Page(NamedTuple):
    """The first page: its number, its entries, and those it inherits."""

    reference: Reference
    own: Dictionary
    inherited: Mapping[bytes, Any]


def put(data: bytes, text: str) -> tuple[bytes, Mapping[str, Any]]:
    """The document with a line on its first page, read back, and what is recorded of it.

    Raises:
        ExplicitError: the words are no label, or there is no page to draw them on.
        CarrierError: the document is encrypted, signed or broken.
    """
    words.check(text)
    document = pdf.opened(data)
    page = _first_page(document)
    free = pdf.size_of(document)
    line = ImageOps.invert(lettering.line(text, _INK_PX).mask.convert("L"))
    line = ImageOps.expand(line, round(line.height * _MARGIN), 255)
    left = _left_open(page, document)
    draw, corner, ink = _drawing(page, document, line)
    body = _page(page, document, free)
    changed = {
        Reference(free, 0): _stream(b"", b"q\n"),
        Reference(free + 1, 0): _stream(b"", b"\nQ" * left + draw),
        Reference(free + 2, 0): _picture(line),
        page.reference: body,
    }
    made = pdf.updated(document, changed)
    _read_back(made, free)
    row = {"text": text, "place": "start", "corner": corner, "ink_points": round(ink, 1)}
    return made, row


def _first_page(document: Document) -> Page:
    catalogue = document.resolve(document.trailer.value(b"Root"))
    at = catalogue.value(b"Pages") if isinstance(catalogue, Dictionary) else None
    inherited: dict[bytes, Any] = {}
    for _ in range(_DEPTH_MAX):
        node = document.resolve(at)
        if not isinstance(at, Reference) or not isinstance(node, Dictionary):
            break
        inherited |= {key: node.value(key) for key in _INHERITED if key in node}
        kids = document.resolve(node.value(b"Kids"))
        if kids is None:
            return Page(at, node, inherited)
        at = next(iter(kids), None) if isinstance(kids, list) else None
    raise ExplicitError("unsupported", "the PDF has no page to put a label on")


def _left_open(page: Page, document: Document) -> int:
    """States the page's own contents save and do not restore."""
    contents = bytearray()
    try:
        for one in _contents(page, document):
            contents += document.body(one) + b"\n"
            if len(contents) > STREAM_BYTES_MAX:
                raise ExplicitError("unsupported", "the first page holds too much")
        return left_open(bytes(contents))
    except CarrierError as error:
        raise ExplicitError(
            "unsupported", f"the first page's contents cannot be read: {error}"
        ) from error


def _box(page: Page, document: Document) -> Box:
    """The visible part of the page."""
    found = sides(page.inherited.get(b"MediaBox"), document)
    crop = page.inherited.get(b"CropBox")
    if found is not None and crop is not None:
        # What lies outside the medium is not seen (ISO 32000-1, 14.11.2).
        inner = sides(crop, document)
        found = inner and (
            max(found[0], inner[0]), max(found[1], inner[1]), min(found[2], inner[2]), min(found[3], inner[3]),
        )  # fmt: skip
    if found is None:
        raise ExplicitError("unsupported", "the PDF does not say how large its first page is")
    if not (1 <= found[2] - found[0] <= 1e6 and 1 <= found[3] - found[1] <= 1e6):
        raise ExplicitError("unsupported", "the PDF's first page is too small or too large")
    return found


def _drawing(page: Page, document: Document, line: Image.Image) -> tuple[bytes, str, float]:
    """Draw the line, the corner it is seen in, and the ink height of its letters in points."""
    visible = _box(page, document)
    ink = max(_INK_POINTS, _SHARE * min(visible[2] - visible[0], visible[3] - visible[1]))
    height = ink / _INK_PX * line.height
    width = height / line.height * line.width
    turned = document.resolve(page.inherited.get(b"Rotate")) or 0
    found = place(visible, turned, (width, height), notes(page.own, document))
    numbers = b" ".join(b"%.3f" % number for number in found.matrix)
    return b"\nQ\nq\n%b cm\n%b Do\nQ\n" % (numbers, NAME), found.corner, ink


def _page(page: Page, document: Document, free: int) -> bytes:
    """The page with our streams around its own, and our picture among its resources."""
    entries = [page.own.raw(key) for key in page.own if key not in (b"Contents", b"Resources")]
    contents = b" ".join(b"%d %d R" % one for one in _contents(page, document))
    entries.append(b"/Contents [%d 0 R %b %d 0 R]" % (free, contents, free + 1))
    resources = document.resolve(page.inherited.get(b"Resources"))
    held = resources if isinstance(resources, Dictionary) else Dictionary()
    pictures = document.resolve(held.value(b"XObject"))
    named = pictures if isinstance(pictures, Dictionary) else Dictionary()
    mine = [named.raw(key) for key in named if b"/" + key != NAME]
    mine.append(b"%b %d 0 R" % (NAME, free + 2))
    kept = [held.raw(key) for key in held if key != b"XObject"]
    kept.append(b"/XObject << %b >>" % b" ".join(mine))
    entries.append(b"/Resources << %b >>" % b" ".join(kept))
    return b"<< " + b" ".join(entries) + b" >>"


def _contents(page: Page, document: Document) -> Iterator[Reference]:
    """The page's own streams, in order."""
    found = page.own.value(b"Contents")
    listed = document.resolve(found) if isinstance(found, Reference) else found
    rows = listed if isinstance(listed, list) else [] if found is None else [found]
    if len(rows) > _CONTENTS_MAX or not all(isinstance(row, Reference) for row in rows):
        raise ExplicitError("unsupported", "the first page's contents are no streams")
    yield from rows


def _stream(entries: bytes, body: bytes) -> bytes:
    return b"<< /Length %d %b >>\nstream\n%b\nendstream" % (len(body), entries, body)


def _picture(line: Image.Image) -> bytes:
    entries = (
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8"
        b" /Filter /FlateDecode"
    ) % line.size
    return _stream(entries, zlib.compress(line.tobytes(), 9))


def _read_back(made: bytes, free: int) -> None:
    """The first page of what was made ends with our drawing, and our picture is what it draws."""
    document = pdf.opened(made)
    page = _first_page(document)
    drawn = list(_contents(page, document))[-1:]
    resources = document.resolve(page.inherited.get(b"Resources"))
    pictures = document.resolve(resources.value(b"XObject"))
    named = pictures.value(NAME[1:])
    if drawn != [Reference(free + 1, 0)] or named != Reference(free + 2, 0):
        raise ExplicitError("readback", "the first page does not end with the label")
    if NAME not in document.body(drawn[0]) or not document.body(named):
        raise ExplicitError("readback", "the label is not among what the first page draws")
