"""Ogg Opus with other packets of Opus in front: any decoder of one takes the other (RFC 6716, RFC 7845).

The old packets keep their bytes; their pages get later numbers and positions. Vorbis cannot be joined so: its
packets are read by tables of their own stream.
"""

from typing import Final

from synthgate.effects.carriers import ogg
from synthgate.effects.carriers.ogg import Page
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.seam import Seam

RATE: Final = 48_000
"""Positions are counted at this rate, whatever went in (RFC 7845 4)."""
_PRE_SKIP: Final = slice(10, 12)
_SETTLES: Final = 3_840
"""80 ms: after so much a decoder knows nothing of what came before (RFC 7845 4.2)."""
_PAGE_PACKETS: Final = 40
_NO_POSITION: Final = (1 << 64) - 1
_LAST: Final = 4
_FRAMES: Final = (480, 960, 1920, 2880, 120, 240, 480, 960, 480, 960)
"""Samples of a frame: SILK by 10, 20, 40, 60 ms, CELT by 2.5, 5, 10, 20, hybrid by 10, 20 (RFC 6716 3.1)."""


def channels(data: bytes) -> int:
    """1 or 2.

    Raises:
        ExplicitError: it is no Opus, or of more.
        CarrierError: it is no whole Ogg.
    """
    _, packets, _, mark = ogg.taken_apart(data)
    head = packets[0]
    if mark != ogg.OPUS:
        raise ExplicitError(
            "unsupported", "a Vorbis sound would lose by another encoding: show the label beside it"
        )
    if len(head) < 19 or head[18] or head[9] not in (1, 2):
        raise ExplicitError("unsupported", "an Opus sound of more than two channels")
    return head[9]


def joined(data: bytes, front: bytes) -> tuple[bytes, Seam]:
    """The sound with the packets of another of as many channels in front, and where they meet.

    Raises:
        ExplicitError: the other has no packets, or the sound's positions make no sense.
        CarrierError: one of them is no whole Ogg.
    """
    pages, packets, count, _ = ogg.taken_apart(data)
    other_pages, other_packets, other_count, _ = ogg.taken_apart(front)
    first = _packets(front, other_pages[other_count:])
    added = sum(map(samples, first))
    if not added or count < 2 or count >= len(pages):
        raise ExplicitError("broken", "an Ogg whose sound is not behind its headers")
    pre_skip = other_packets[0][_PRE_SKIP]
    cut = int.from_bytes(packets[0][_PRE_SKIP], "little")
    if cut > _SETTLES:
        raise ExplicitError("unsupported", "an Opus sound whose beginning was cut away")
    head = pages[0]
    at = head.body + _PRE_SKIP.start
    pieces = [ogg.sealed(data[head.start : at] + pre_skip + data[at + 2 : head.end])]
    pieces.append(data[pages[1].start : pages[count - 1].end])
    laid = _laid(first, data[14:18], pages[count - 1].number + 1)
    shift = added - _begins(data, pages[count:])
    for page in pages[count:]:
        position = int.from_bytes(data[page.start + 6 : page.start + 14], "little")
        if position != _NO_POSITION:
            position += shift
        raw = data[page.start : page.end]
        number = (page.number + len(laid)).to_bytes(4, "little")
        moved = raw[:6] + position.to_bytes(8, "little") + raw[14:18] + number + bytes(4) + raw[26:]
        laid.append(ogg.sealed(moved))
    start = added - int.from_bytes(pre_skip, "little") + cut
    return b"".join([*pieces, *laid]), Seam(start, _SETTLES)


def samples(packet: bytes) -> int:
    """How many samples a packet makes, at 48 kHz; 0 if it says none."""
    if not packet:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        each = _FRAMES[config & 3]
    elif config < 16:
        each = _FRAMES[8 + (config & 1)]
    else:
        each = _FRAMES[4 + (config & 3)]
    frames = (1, 2, 2, packet[1] & 63 if len(packet) > 1 else 0)[code]
    return each * frames


def _packets(data: bytes, pages: list[Page]) -> list[bytes]:
    found: list[bytes] = []
    part: list[bytes] = []
    for page in pages:
        at = page.body
        for length in page.lacing:
            part.append(data[at : at + length])
            at += length
            if length < 255:
                found.append(b"".join(part))
                part = []
    return found


def _begins(data: bytes, pages: list[Page]) -> int:
    """Position of the first sample: not 0 in what was taken out of a running broadcast (RFC 7845 4)."""
    for count, page in enumerate(pages, 1):
        position = int.from_bytes(data[page.start + 6 : page.start + 14], "little")
        if position != _NO_POSITION:
            made = sum(map(samples, _packets(data, pages[:count])))
            if position < made and not page.flags & _LAST:
                raise ExplicitError("broken", "an Ogg whose positions make no sense")
            return max(0, position - made)
    raise ExplicitError("broken", "an Ogg without positions")


def _laid(packets: list[bytes], serial: bytes, number: int) -> list[bytes]:
    """Packets on pages of their own."""
    found: list[bytes] = []
    position = 0
    for start in range(0, len(packets), _PAGE_PACKETS):
        part = packets[start : start + _PAGE_PACKETS]
        position += sum(map(samples, part))
        lacing: list[int] = []
        for packet in part:
            lacing += [255] * (len(packet) // 255) + [len(packet) % 255]
        if len(lacing) > 255:
            raise ExplicitError("broken", "packets too large to be put in front")
        head = b"OggS\x00\x00" + position.to_bytes(8, "little") + serial
        head += (number + len(found)).to_bytes(4, "little") + bytes(4)
        found.append(ogg.sealed(head + bytes([len(lacing)]) + bytes(lacing) + b"".join(part)))
    return found
