"""Ogg with Opus or Vorbis: the label is a comment of the second packet. Sound packets keep their bytes.

The comment packet is laid into pages anew; if their number changes, later pages get new numbers and checksums.
"""

import zlib
from typing import Final, NamedTuple

from synthgate.effects.carriers import vorbis_comment
from synthgate.effects.carriers.carrier import Carrier, CarrierError, Parsed, Place

_PLACE: Final = "comment AIGC"
_PAGES_MAX: Final = 200_000
_HEADERS_BYTES_MAX: Final = 16 << 20
_HEAD_BYTES: Final = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
OPUS: Final = b"OpusTags"
_CODECS: Final = ((b"OpusHead", OPUS, 2), (b"\x01vorbis", b"\x03vorbis", 3))
"""First bytes of the first and of the comment packet; how many packets are headers."""


class Page(NamedTuple):
    """One page: its bytes ``start:end``, what it carries from ``body`` on, in pieces of ``lacing``."""

    start: int
    flags: int
    number: int
    lacing: bytes
    body: int
    end: int


def checksum(page: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial with all bits the other way round and no inversion."""
    turned = zlib.crc32(page.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(turned.to_bytes(4, "little").translate(_REVERSED), "big")


def _claims(head: bytes) -> bool:
    return head.startswith(b"OggS")


def _pages(data: bytes) -> list[Page]:
    found: list[Page] = []
    at = 0
    serial = data[14:18]
    while at < len(data):
        if data[at : at + 5] != b"OggS\x00":
            raise CarrierError("broken", f"no Ogg page at byte {at}")
        body = at + _HEAD_BYTES + (data[at + 26] if at + 26 < len(data) else len(data))
        lacing = data[at + _HEAD_BYTES : body]
        end = body + sum(lacing)
        if end > len(data):
            raise CarrierError("truncated", f"the Ogg page at byte {at} reaches past the end")
        if data[at + 14 : at + 18] != serial or (found and data[at + 5] & _FIRST):
            raise CarrierError("unsupported", "an Ogg of several streams")
        number = int.from_bytes(data[at + 18 : at + 22], "little")
        found.append(Page(at, data[at + 5], number, lacing, body, end))
        if len(found) > _PAGES_MAX:
            raise CarrierError("too_much", f"more than {_PAGES_MAX} Ogg pages")
        at = end
    if not found or not found[-1].flags & _LAST:
        raise CarrierError("truncated", "the Ogg has no last page")
    return found


def taken_apart(data: bytes) -> tuple[list[Page], list[bytes], int, bytes]:
    """All pages; the header packets; how many pages they take; the mark of a comment packet.

    Raises:
        CarrierError: no whole Ogg of one stream of Opus or Vorbis.
    """
    pages = _pages(data)
    first = data[pages[0].body : pages[0].end]
    codec = next((row for row in _CODECS if first.startswith(row[0])), None)
    if codec is None:
        raise CarrierError("unsupported", "an Ogg of neither Opus nor Vorbis")
    _, mark, count = codec
    packets: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for number, page in enumerate(pages, 1):
        if checksum(_blank(data, page)) != _stored(data, page):
            raise CarrierError("broken", f"a wrong checksum at byte {page.start}")
        at = page.body
        for length in page.lacing:
            part.append(data[at : at + length])
            at, size = at + length, size + length
            if size > _HEADERS_BYTES_MAX:
                raise CarrierError("too_much", "Ogg headers of more than 16 MiB")
            if length < 255:
                packets.append(b"".join(part))
                part = []
        if len(packets) >= count:
            if len(packets) > count or part:
                raise CarrierError("broken", "sound on a page of the Ogg headers")
            if not packets[1].startswith(mark):
                break
            return pages, packets, number, mark
    raise CarrierError("broken", "the Ogg has no comment packet")


def _blank(data: bytes, page: Page) -> bytes:
    return data[page.start : page.start + 22] + bytes(4) + data[page.start + 26 : page.end]


def _stored(data: bytes, page: Page) -> int:
    return int.from_bytes(data[page.start + 22 : page.start + 26], "little")


def _places(packets: list[bytes], mark: bytes) -> list[Place]:
    return vorbis_comment.read(packets[1][len(mark) :], "comment")


def _parse(data: bytes) -> Parsed:
    _, packets, _, mark = taken_apart(data)
    return Parsed(_places(packets, mark), [])


def _rewrite(data: bytes, value: bytes) -> bytes:
    pages, packets, count, mark = taken_apart(data)
    comment = mark + vorbis_comment.write(packets[1][len(mark) :], value)
    first = pages[0]
    if sum(byte < 255 for byte in first.lacing) != 1:
        raise CarrierError("broken", "the first Ogg page holds more than the first packet")
    if count >= len(pages):
        raise CarrierError("truncated", "the Ogg ends behind its headers")
    laid = _laid([comment, *packets[2:]], data[14:18], first.number + 1)
    pieces = [data[first.start : first.end], *laid]
    shift = first.number + 1 + len(laid) - pages[count].number
    if not shift:
        return b"".join([*pieces, data[pages[count].start :]])
    for page in pages[count:]:
        number = (page.number + shift).to_bytes(4, "little")
        head = data[page.start : page.start + 18] + number
        pieces.append(sealed(head + bytes(4) + data[page.start + 26 : page.end]))
    return b"".join(pieces)


def _laid(packets: list[bytes], serial: bytes, number: int) -> list[bytes]:
    """Header packets on pages of their own: position 0, the last packet ends the last page."""
    lacing: list[int] = []
    for packet in packets:
        lacing += [255] * (len(packet) // 255) + [len(packet) % 255]
    body = b"".join(packets)
    found: list[bytes] = []
    at = 0
    for start in range(0, len(lacing), 255):
        part = lacing[start : start + 255]
        ends = any(length < 255 for length in part)
        flags = _CONTINUED if start and lacing[start - 1] == 255 else 0
        position = bytes(8) if ends else b"\xff" * 8
        head = b"OggS\x00" + bytes([flags]) + position + serial
        head += (number + len(found)).to_bytes(4, "little") + bytes(4)
        found.append(sealed(head + bytes([len(part)]) + bytes(part) + body[at : at + sum(part)]))
        at += sum(part)
    return found


def sealed(page: bytes) -> bytes:
    """The page with its checksum, whatever stood in its place."""
    blank = page[:22] + bytes(4) + page[26:]
    return page[:22] + checksum(blank).to_bytes(4, "little") + page[26:]


CARRIER: Final = Carrier(
    "ogg", "audio", "audio/ogg", (".opus", ".ogg", ".oga"), _PLACE, "TC260-PG-202510A",
    _claims, _parse, _rewrite,
)  # fmt: skip
