"""WebP: the label is a property of the packet in the ``XMP `` chunk, announced in VP8X."""

from typing import Final

from synthgate.effects.carriers import exif, riff, xmp
from synthgate.effects.carriers.carrier import Carrier, CarrierError, Parsed, trailing

_PLACE: Final = "XMP chunk"
_XMP_FLAG: Final = 0x04
_ALPHA_FLAG: Final = 0x10
_VP8_START: Final = b"\x9d\x01\x2a"
_VP8L_START: Final = 0x2F


def _claims(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def taken_apart(data: bytes) -> tuple[list[riff.Chunk], int]:
    """All chunks, and where the file ends.

    Raises:
        CarrierError: no whole WebP.
    """
    found, end = riff.chunks(data, "WebP")
    kinds = [chunk.kind for chunk in found]
    if not kinds or kinds[0] not in (b"VP8X", b"VP8 ", b"VP8L"):
        raise CarrierError("broken", "a WebP without a picture")
    if kinds[0] == b"VP8X" and not {b"VP8 ", b"VP8L", b"ANMF"} & set(kinds):
        raise CarrierError("truncated", "a WebP that ends before its picture")
    if kinds.count(b"XMP ") > xmp.PACKETS_MAX:
        raise CarrierError("too_much", f"more than {xmp.PACKETS_MAX} XMP packets")
    return found, end


def _parse(data: bytes) -> Parsed:
    chunks, end = taken_apart(data)
    parsed = Parsed([], [])
    for chunk in chunks:
        body = data[chunk.body : chunk.body_end] if chunk.kind in (b"XMP ", b"EXIF") else b""
        if chunk.kind == b"XMP ":
            announced = bool(data[20] & _XMP_FLAG) and chunks[0].kind == b"VP8X"
            where = _PLACE if announced else f"{_PLACE} that VP8X does not announce"
            parsed.places.extend(xmp.read(body, where, proper=announced))
            if any(trace in body for trace in xmp.TRACES):
                parsed.notes.append("XMP says trained algorithmic media")
        elif chunk.kind == b"EXIF":
            parsed.places.extend(exif.read(body, "EXIF chunk"))
        elif chunk.kind == b"C2PA":
            parsed.notes.append("C2PA manifest")
    trailing(data, end, parsed)
    return parsed


def _rewrite(data: bytes, value: bytes) -> bytes:
    chunks, _ = taken_apart(data)
    packets = [chunk for chunk in chunks if chunk.kind == b"XMP "]
    old = data[packets[0].body : packets[0].body_end] if packets else None
    new = riff.chunk(b"XMP ", xmp.write(old, value))
    pieces = []
    first = chunks[0]
    if first.kind == b"VP8X":
        body = data[first.body : first.body_end]
        pieces.append(riff.chunk(b"VP8X", bytes([body[0] | _XMP_FLAG]) + body[1:]))
    else:
        pieces += [extended_head(first, data), data[first.start : first.end]]
    for chunk in chunks[1:]:
        body = data[chunk.body : chunk.body_end]
        if chunk in packets[:1]:
            pieces.append(new)
        elif chunk.kind == b"XMP " and xmp.mentions(body):
            pieces.append(riff.chunk(b"XMP ", xmp.write(body, None)))
        elif chunk.kind == b"EXIF":
            pieces.append(riff.chunk(b"EXIF", exif.blank(body)))
        else:
            pieces.append(data[chunk.start : chunk.end])
    if not packets:
        pieces.append(new)
    return riff.form(b"WEBP", pieces)


def extended_head(first: riff.Chunk, data: bytes) -> bytes:
    """The VP8X chunk a simple file lacks: its size in pixels and whether it has alpha."""
    body = data[first.body : first.body + 10]
    if first.kind == b"VP8 ":
        if body[3:6] != _VP8_START:
            raise CarrierError("broken", "a WebP whose picture has no key frame")
        width = int.from_bytes(body[6:8], "little") & 0x3FFF
        height = int.from_bytes(body[8:10], "little") & 0x3FFF
        flags = _XMP_FLAG
    else:
        if body[0] != _VP8L_START:
            raise CarrierError("broken", "a WebP whose picture has no lossless head")
        bits = int.from_bytes(body[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        flags = _XMP_FLAG | (_ALPHA_FLAG if bits >> 28 & 1 else 0)
    if not (width and height):
        raise CarrierError("broken", "a WebP of no size")
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff.chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sizes)


CARRIER: Final = Carrier(
    "webp", "image", "image/webp", (".webp",), _PLACE, "TC260-PG-20259A", _claims, _parse, _rewrite
)
