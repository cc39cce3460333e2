"""MP3: the label is a user text frame of the ID3v2 tag at the start; the sound behind it is not touched."""

from typing import Final, NamedTuple

from synthgate.effects.carriers import id3
from synthgate.effects.carriers.carrier import KEY, Carrier, CarrierError, Parsed

_PLACE: Final = "ID3v2 TXXX AIGC"
_TAGS_MAX: Final = 8
_JUNK_BYTES_MAX: Final = 64 * 1024
_TAIL_BYTES: Final = 64 * 1024
_ID3V1_BYTES: Final = 128
_KBITS: Final = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Layer III bit rates: MPEG 1; MPEG 2 and 2.5."""
_RATES: Final = (44_100, 48_000, 32_000)


class Frame(NamedTuple):
    """What a frame's head says. Channels: 1 or 2; rate in Hz; size in bytes."""

    version: int
    rate: int
    channels: int
    kbits: int
    size: int


def frame(head: bytes) -> Frame:
    """The Layer III frame these four bytes begin; of size 0 if they begin none or its rate is free."""
    none = Frame(0, 0, 0, 0, 0)
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] >> 3 & 3 == 1:
        return none
    version, rate, kbits = head[1] >> 3 & 3, head[2] >> 2 & 3, head[2] >> 4
    if rate == 3 or kbits in (0, 15):
        return none
    hertz = _RATES[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    factor = 144 if version == 3 else 72
    found = _KBITS[0 if version == 3 else 1][kbits]
    size = factor * found * 1000 // hertz + (head[2] >> 1 & 1)
    return Frame(version, hertz, 1 if head[3] >> 6 == 3 else 2, found, size)


def frame_bytes(head: bytes) -> int:
    """Length of the frame these four bytes begin; 0 if they begin none."""
    return frame(head).size


def count(data: bytes) -> int:
    """How many frames follow one another from the first byte on."""
    at, found = 0, 0
    while length := frame_bytes(data[at : at + 4]):
        at, found = at + length, found + 1
    return found


def sound(data: bytes) -> int:
    """Where the first frame begins, behind all tags and a little padding.

    Raises:
        CarrierError: no two frames follow one another there.
    """
    at, count = 0, 0
    while length := id3.size(data, at):
        at, count = at + length, count + 1
        if at > len(data):
            raise CarrierError("truncated", "the ID3v2 tag reaches past the end")
        if count > _TAGS_MAX:
            raise CarrierError("too_much", f"more than {_TAGS_MAX} ID3v2 tags")
    start = at
    while at + 4 <= min(len(data), start + _JUNK_BYTES_MAX):
        length = frame_bytes(data[at : at + 4])
        if length and (
            at + length == len(data) or frame_bytes(data[at + length : at + length + 4])
        ):
            return at
        at = data.find(b"\xff", at + 1)
        if at < 0:
            break
    raise CarrierError("broken", "no MPEG Layer III frames behind the tags")


def _claims(head: bytes) -> bool:
    if id3.size(head):
        return not head.startswith(b"fLaC", id3.size(head))
    return frame_bytes(head[:4]) > 0


def _parse(data: bytes) -> Parsed:
    parsed = Parsed([], [])
    at = 0
    sound(data)
    while length := id3.size(data, at):
        found = id3.read(data[at : at + length], "ID3v2")
        parsed.places.extend(one._replace(proper=not at) for one in found)
        at += length
    _refuse_tail(data)
    return parsed


def _refuse_tail(data: bytes) -> None:
    """Other tags stand at the end, where the guide does not look for a label.

    Raises:
        CarrierError: one of them names it.
    """
    tail = data[-_TAIL_BYTES:]
    if KEY.encode() in tail and (b"APETAGEX" in tail or tail[-_ID3V1_BYTES:][:3] == b"TAG"):
        raise CarrierError("unsupported", "the label's name stands in a tag at the end")


def _rewrite(data: bytes, value: bytes) -> bytes:
    sound(data)
    _refuse_tail(data)
    pieces = [id3.write(data[: id3.size(data)], value)]
    at = id3.size(data)
    while length := id3.size(data, at):
        further = data[at : at + length]
        pieces.append(id3.write(further, None) if id3.read(further, "") else further)
        at += length
    return b"".join([*pieces, memoryview(data)[at:]])


CARRIER: Final = Carrier(
    "mp3", "audio", "audio/mpeg", (".mp3",), _PLACE, "TC260-PG-202510A", _claims, _parse, _rewrite
)
