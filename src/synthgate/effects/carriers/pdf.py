"""PDF: the label is the entry ``/AIGC`` of the document information dictionary.

Written as an incremental update: pages and all other objects keep their bytes and places. A label that was
there before is overwritten with spaces where it stood, so that it is not merely outdated. Encrypted and signed
documents are refused: the first hide the entry, the second would no longer verify.
"""

import hashlib
import re
from typing import Any, Final

from synthgate.effects.carriers import xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    VALUE_BYTES_MAX,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
    trailing,
)  # fmt: skip
from synthgate.effects.carriers.pdf_objects import Document, open_document
from synthgate.effects.carriers.pdf_tokens import Dictionary, Reference

_PLACE: Final = "Info /AIGC"
_OWN: Final = KEY.encode()
_EOF: Final = b"%%EOF"
_SIGNATURES_EXIST: Final = 1


def _claims(head: bytes) -> bool:
    return head.startswith(b"%PDF-")


def _open(data: bytes) -> Document:
    document = open_document(data)
    if document.trailer.value(b"Encrypt") is not None:
        raise CarrierError("encrypted", "an encrypted PDF")
    return document


def _information(document: Document) -> Dictionary:
    found = document.resolve(document.trailer.value(b"Info"))
    if found is None:
        return Dictionary()
    if not isinstance(found, Dictionary):
        raise CarrierError("broken", "the PDF's information is no dictionary")
    return found


def _parse(data: bytes) -> Parsed:
    document = _open(data)
    parsed = Parsed([], [])
    for key, entry in _information(document).items():
        if _OWN in key:
            where = _PLACE if key == _OWN else f"Info /{key.decode('latin-1')}"
            parsed.places.append(_place(where, document.resolve(entry.value)))
    parsed.places.extend(xmp.read(_packet(document), "metadata stream XMP", proper=False))
    if _is_signed(document):
        parsed.notes.append("signed")
    trailing(data, _end(data), parsed)
    return parsed


def _place(where: str, value: Any) -> Place:
    if not isinstance(value, bytes) or len(value) > VALUE_BYTES_MAX:
        return Place(where, None, fault="no string")
    for mark, encoding in ((b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if value.startswith(mark):
            return place(where, value.decode(encoding, "replace"))
    return place(where, value)


def _catalogue(document: Document) -> Dictionary:
    found = document.resolve(document.trailer.value(b"Root"))
    if not isinstance(found, Dictionary):
        raise CarrierError("broken", "the PDF has no catalogue")
    return found


def _packet(document: Document) -> bytes:
    """The document's XMP packet, if the catalogue names one."""
    metadata = _catalogue(document).value(b"Metadata")
    return document.body(metadata) if isinstance(metadata, Reference) else b""


def _is_signed(document: Document) -> bool:
    catalogue = _catalogue(document)
    form = document.resolve(catalogue.value(b"AcroForm"))
    flags = form.value(b"SigFlags") if isinstance(form, Dictionary) else 0
    return bool(
        re.search(rb"/ByteRange\s*+\[", document.data)
        or catalogue.value(b"Perms") is not None
        or (isinstance(flags, int) and flags & _SIGNATURES_EXIST)
    )


def _end(data: bytes) -> int:
    at = data.rfind(_EOF)
    if at < data.rfind(b"startxref"):
        raise CarrierError("truncated", "the PDF does not end with %%EOF")
    end = at + len(_EOF)
    while data[end : end + 1] in (b"\r", b"\n", b" ", b"\x00"):
        end += 1
    if data[end : end + 1].isdigit():
        raise CarrierError("truncated", "the PDF breaks off in an update")
    return end


def _rewrite(data: bytes, value: bytes) -> bytes:
    document = opened(data)
    if xmp.read(_packet(document), ""):
        raise CarrierError("unsupported", "the label stands in the PDF's metadata stream")
    information = _information(document)
    entries = [information.raw(key) for key in information if _OWN not in key]
    body = b"<< " + b" ".join([*entries, b"/AIGC (" + _escaped(value) + b")"]) + b" >>"
    kept = _blanked(document, information)[: _end(data)]
    number = _information_number(document)
    return update(document, kept, {number: body}, number)


def _information_number(document: Document) -> Reference:
    named = document.trailer.value(b"Info")
    return named if isinstance(named, Reference) else Reference(_size(document), 0)


def _size(document: Document) -> int:
    size = document.trailer.value(b"Size")
    if not isinstance(size, int) or not 0 < size < 1 << 31:
        raise CarrierError("broken", "the PDF does not say how many objects it has")
    return max(size, max(document.places, default=0) + 1)


def _blanked(document: Document, information: Dictionary) -> bytes:
    """The file with the old label overwritten, if it stands in plain sight."""
    made = document.data
    if information.data is document.data:
        for key, entry in information.items():
            if _OWN in key:
                blank = b" " * (entry.end - entry.start)
                made = made[: entry.start] + blank + made[entry.end :]
    return made


def opened(data: bytes) -> Document:
    """A PDF that may be added to.

    Raises:
        CarrierError: it is encrypted, signed or broken.
    """
    document = _open(data)
    if _is_signed(document):
        raise CarrierError("signed", "a signed PDF: a label would break its signature")
    return document


def size_of(document: Document) -> int:
    """The first number no object has."""
    return _size(document)


def updated(document: Document, changed: dict[Reference, bytes]) -> bytes:
    """The file with objects added or replaced; its information stays what it was."""
    information = document.trailer.value(b"Info")
    kept = document.data[: _end(document.data)]
    return update(
        document, kept, changed, information if isinstance(information, Reference) else None
    )


def update(
    document: Document,
    kept: bytes,
    changed: dict[Reference, bytes],
    information: Reference | None,
) -> bytes:
    """The file with an incremental update: objects by number, and a cross-reference to them.

    The newest section decides whether that is a table or a stream. information: number of ``/Info``, if any.
    """
    pieces = [kept if kept.endswith((b"\n", b"\r")) else kept + b"\n"]
    at = len(pieces[0])
    rows: list[tuple[Reference, int]] = []
    for reference, body in changed.items():
        rows.append((reference, at))
        pieces.append(b"%d %d obj\n%b\nendobj\n" % (*reference, body))
        at += len(pieces[-1])
    size = max(_size(document), *(reference.number + 1 for reference in changed))
    about = b"" if information is None else b" /Info %d %d R" % information
    common = b"/Size %d /Root %b%b /Prev %d%b" % (
        size + document.stream, _root(document), about, document.start, _ids(document),
    )  # fmt: skip
    if document.stream:
        rows.append((Reference(size, 0), at))
        pieces.append(_xref_stream(rows, common))
    else:
        pieces.append(_xref_table(rows, common))
    pieces.append(b"startxref\n%d\n%%%%EOF\n" % at)
    return b"".join(pieces)


def _xref_table(rows: list[tuple[Reference, int]], common: bytes) -> bytes:
    lines = [b"xref\n"]
    for reference, at in sorted(rows):
        lines.append(b"%d 1\n%010d %05d n \n" % (reference.number, at, reference.generation))
    return b"".join([*lines, b"trailer\n<< ", common, b" >>\n"])


def _xref_stream(rows: list[tuple[Reference, int]], common: bytes) -> bytes:
    ordered = sorted(rows)
    body = b"".join(
        b"\x01" + at.to_bytes(8, "big") + reference.generation.to_bytes(2, "big")
        for reference, at in ordered
    )
    index = b" ".join(b"%d 1" % reference.number for reference, _ in ordered)
    number = rows[-1][0].number
    form = b"%d 0 obj\n<< /Type /XRef /W [1 8 2] /Index [%b] /Length %d %b >>\nstream\n%b\nendstream\nendobj\n"
    return form % (
        number, index, len(body), common, body,
    )  # fmt: skip


def _root(document: Document) -> bytes:
    root = document.trailer.value(b"Root")
    if not isinstance(root, Reference):
        raise CarrierError("broken", "the PDF has no catalogue")
    return b"%d %d R" % root


def _ids(document: Document) -> bytes:
    """The file's identifier: the first half is of the file as it was made, the second of this version."""
    found = document.resolve(document.trailer.value(b"ID"))
    if not (isinstance(found, list) and len(found) == 2 and isinstance(found[0], bytes)):
        return b""
    version = hashlib.sha256(document.data).digest()[:16]
    return b" /ID [<%b> <%b>]" % (found[0].hex().encode(), version.hex().encode())


def _escaped(value: bytes) -> bytes:
    return re.sub(rb"([\\()])", rb"\\\1", value)


CARRIER: Final = Carrier(
    "pdf",
    "text",
    "application/pdf",
    (".pdf",),
    _PLACE,
    "TC260-PG-20258A",
    _claims,
    _parse,
    _rewrite,
)
