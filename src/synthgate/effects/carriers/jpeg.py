"""JPEG: the label is a property of the XMP packet in an APP1 segment."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from synthgate.effects.carriers import exif, xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
    trailing,
)  # fmt: skip

XMP_HEAD: Final = b"http://ns.adobe.com/xap/1.0/\x00"
_EXTENDED_HEAD: Final = b"http://ns.adobe.com/xmp/extension/\x00"
_SEGMENTS_MAX: Final = 2_048
_ALL_SEGMENTS_MAX: Final = 20_000
_FILL_MAX: Final = 4_096
_METADATA_BYTES_MAX: Final = 32 << 20
_SEGMENT_BYTES_MAX: Final = 65_533
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP11, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEB, 0xFE
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset([0x01, *range(0xD0, 0xD8)])
_SCAN_END: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")
"""A pattern that begins with one plain byte is searched at the speed of memory."""
_PLACE: Final = "APP1 XMP"


class Segment(NamedTuple):
    """``start:end`` holds marker, length and body; the body begins at ``body``."""

    marker: int
    start: int
    body: int
    end: int


def _claims(head: bytes) -> bool:
    return head.startswith(b"\xff\xd8\xff")


def taken_apart(data: bytes) -> tuple[list[Segment], int]:
    """Segments in front of the first scan, and where the picture ends.

    Raises:
        CarrierError: no whole JPEG.
    """
    found: list[Segment] = []
    for segment in _walk(data):
        if segment.marker == _EOI:
            return found, segment.end
        found.append(segment)
    raise CarrierError("truncated", "the JPEG has no end-of-image marker")


def _walk(data: bytes) -> Iterator[Segment]:
    at, count, size, framed, scans = 2, 0, 0, False, 0
    while at + 2 <= len(data):
        segment = _segment_at(data, at)
        if segment.marker == _EOI:
            if not (framed and scans):
                raise CarrierError("broken", "the JPEG ends before a picture")
            yield segment
            return
        framed = framed or segment.marker in _FRAMES
        count, size, at = count + 1, size + segment.end - segment.start, segment.end
        most = _ALL_SEGMENTS_MAX if scans else _SEGMENTS_MAX
        if count > most or (size > _METADATA_BYTES_MAX and not scans):
            raise CarrierError("too_much", "more JPEG segments than a picture needs")
        if segment.marker == _SOS:
            scans += 1
            match = _SCAN_END.search(data, at)
            if match is None or not framed:
                return
            at = match.start()
        elif not scans:
            yield segment


def _segment_at(data: bytes, start: int) -> Segment:
    at = start
    while data[at + 1 : at + 2] == b"\xff" and at - start <= _FILL_MAX:
        at += 1
    if data[at] != 0xFF or at - start > _FILL_MAX:
        raise CarrierError("broken", f"no JPEG marker at byte {start}")
    if at + 2 > len(data):
        raise CarrierError("truncated", "the JPEG ends in a marker")
    marker = data[at + 1]
    if marker == _EOI:
        return Segment(marker, start, at + 2, at + 2)
    if marker in _ALONE or marker in (0x00, _SOI):
        raise CarrierError("broken", f"a stray JPEG marker {marker:#x} at byte {at}")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    end = at + 2 + length
    if length < 2 or end > len(data):
        raise CarrierError("truncated", f"a JPEG segment at byte {at} reaches past the end")
    return Segment(marker, start, at + 4, end)


def _parse(data: bytes) -> Parsed:
    segments, end = taken_apart(data)
    parsed = Parsed([], [])
    if sum(_kind(segment, data) == "xmp" for segment in segments) > xmp.PACKETS_MAX:
        raise CarrierError("too_much", f"more than {xmp.PACKETS_MAX} XMP packets")
    for segment in segments:
        body = data[segment.body : segment.end]
        parsed.places.extend(_labels(segment.marker, body))
        if segment.marker == _APP11 and b"jumb" in body[:64]:
            parsed.notes.append("C2PA manifest")
        if _kind(segment, data) == "xmp" and any(trace in body for trace in xmp.TRACES):
            parsed.notes.append("XMP says trained algorithmic media")
    parsed.places.extend(_extended(segments, data))
    if not _is_multi(segments, data):
        trailing(data, end, parsed)
    elif end < len(data):
        parsed.notes.append("further pictures behind the first (MPF)")
    return Parsed(parsed.places, list(dict.fromkeys(parsed.notes)))


def _labels(marker: int, body: bytes) -> list[Place]:
    if marker == _APP1 and body.startswith(XMP_HEAD):
        return xmp.read(body[len(XMP_HEAD) :], _PLACE)
    if marker == _APP1 and body.startswith(exif.HEAD):
        return exif.read(body, "APP1 EXIF")
    if marker == _APP1 and body.startswith(_EXTENDED_HEAD):
        return []
    if marker == _COM and KEY.encode() in body:
        return [place("COM comment", body.rstrip(b"\x00"), proper=False)]
    return []


def _extended(segments: list[Segment], data: bytes) -> list[Place]:
    """Labels in an XMP packet that is continued over several segments."""
    parts: dict[bytes, list[tuple[int, bytes]]] = {}
    head = len(_EXTENDED_HEAD)
    for segment in segments:
        body = data[segment.body : segment.end]
        if segment.marker == _APP1 and body.startswith(_EXTENDED_HEAD):
            offset = int.from_bytes(body[head + 36 : head + 40], "big")
            parts.setdefault(body[head : head + 32], []).append((offset, body[head + 40 :]))
    found: list[Place] = []
    for pieces in parts.values():
        packet = b"".join(piece for _, piece in sorted(pieces))
        if xmp.NAMESPACE.encode() in packet:
            found += xmp.read(packet, "extended XMP", proper=False)
    return found


def _is_multi(segments: list[Segment], data: bytes) -> bool:
    return any(
        one.marker == _APP2 and data[one.body : one.body + 4] == b"MPF\x00" for one in segments
    )


def _rewrite(data: bytes, value: bytes) -> bytes:
    segments, end = taken_apart(data)
    if _extended(segments, data):
        raise CarrierError("unsupported", "the label stands in an extended XMP packet")
    if end < len(data) and _is_multi(segments, data):
        raise CarrierError("unsupported", "a JPEG of several pictures (MPF): offsets would break")
    kinds = [_kind(segment, data) for segment in segments]
    heads = next((at for at, kind in enumerate(kinds) if kind not in ("app0", "exif")), len(kinds))
    target = kinds.index("xmp") if "xmp" in kinds else None
    pieces = [data[:2]]
    for at, (kind, segment) in enumerate(zip(kinds, segments, strict=True)):
        body = data[segment.body : segment.end]
        if at == heads and target is None:
            pieces.append(_segment(xmp.write(None, value)))
        if at == target:
            pieces.append(_segment(xmp.write(body[len(XMP_HEAD) :], value)))
        elif kind == "xmp" and xmp.mentions(body):
            pieces.append(_segment(xmp.write(body[len(XMP_HEAD) :], None)))
        elif kind == "exif":
            pieces += [data[segment.start : segment.body], exif.blank(body)]
        elif kind != "comment of ours":
            pieces.append(data[segment.start : segment.end])
    if heads == len(kinds) and target is None:
        pieces.append(_segment(xmp.write(None, value)))
    pieces.append(data[segments[-1].end if segments else 2 : end])
    return b"".join(pieces)


def _kind(segment: Segment, data: bytes) -> str:
    if segment.marker == _APP0:
        return "app0"
    if segment.marker == _APP1 and data.startswith(exif.HEAD, segment.body):
        return "exif"
    if segment.marker == _APP1 and data.startswith(XMP_HEAD, segment.body):
        return "xmp"
    if segment.marker == _COM and data.find(KEY.encode(), segment.body, segment.end) >= 0:
        return "comment of ours"
    return "other"


def _segment(packet: bytes) -> bytes:
    body = XMP_HEAD + packet
    if len(body) > _SEGMENT_BYTES_MAX:
        raise CarrierError("no_room", "the XMP packet is too long for one segment with the label")
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


CARRIER: Final = Carrier(
    "jpeg",
    "image",
    "image/jpeg",
    (".jpg", ".jpeg"),
    _PLACE,
    "TC260-PG-20259A",
    _claims,
    _parse,
    _rewrite,
)
