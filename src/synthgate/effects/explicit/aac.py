"""M4A with other frames of AAC in front of its own, which keep their bytes; its tables are told of them.

Taken is what most have: one track of AAC-LC, mono or stereo, no fragments, nothing else that counts in time.
All else is refused by name, to be labelled where it is played.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from synthgate.effects.carriers import mp4
from synthgate.effects.carriers.mp4_boxes import Box, box, boxes, child
from synthgate.effects.explicit import m4a_tables as tables
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.m4a_tables import FRAME, Cut
from synthgate.effects.explicit.seam import Seam

PRIMING: Final = FRAME
"""Samples a decoder of our front makes before its first: ffmpeg's encoder has one frame of run-up."""
_CUT_MAX: Final = 4 * FRAME
_LOW_COMPLEXITY: Final = 2
_MPEG4_AUDIO: Final = 0x40
_RATES: Final = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
)  # fmt: skip
_SPECTRAL_BAND: Final = b"\x56\xe5\x80"
"""In a configuration: half of the sound is made up by the decoder (HE-AAC)."""
_TRACK: Final = (b"moov", b"trak")
_MEDIA: Final = (*_TRACK, b"mdia")
_TABLE: Final = (*_MEDIA, b"minf", b"stbl")
_TABLES: Final = (b"stsd", b"stts", b"stsz", b"stsc", b"stco", b"co64", b"sgpd", b"sbgp")
_SAMPLE_ENTRY_BYTES: Final = 28
_C2PA_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")

Path = tuple[bytes, ...]


class Form(NamedTuple):
    """Rate in Hz, and channels."""

    rate: int
    channels: int


def form(data: bytes) -> Form:
    """What its frames must be joined with.

    Raises:
        ExplicitError: it is not the AAC we can join.
        CarrierError: it cannot be read.
    """
    _, moov = mp4.movie(data)
    description = _at(data, moov, (*_TABLE, b"stsd"))
    entries = boxes(data, description.body + 8, description.end)
    if [one.kind for one in entries] != [b"mp4a"] or data[
        entries[0].body + 8 : entries[0].body + 10
    ] != b"\0\0":
        raise _unfit("of another kind than AAC")
    inner = boxes(data, entries[0].body + _SAMPLE_ENTRY_BYTES, entries[0].end)
    stream = child(inner, b"esds")
    configuration = _configuration(data[stream.body : stream.end]) if stream else b""
    if len(configuration) < 2 or _SPECTRAL_BAND in configuration:
        raise _unfit("of another kind than AAC-LC")
    bits = int.from_bytes(configuration[:2], "big")
    rate, channels = bits >> 7 & 15, bits >> 3 & 15
    if bits >> 11 != _LOW_COMPLEXITY or bits & 7 or rate >= len(_RATES) or channels not in (1, 2):
        raise _unfit("of another kind than AAC-LC with one or two channels")
    return Form(_RATES[rate], channels)


def frames(coded: bytes, wanted: Form) -> list[bytes]:
    """The frames of an ADTS stream without their heads.

    Raises:
        ExplicitError: they are not of the form that is wanted.
    """
    found: list[bytes] = []
    at = 0
    while at + 7 <= len(coded):
        bits = int.from_bytes(coded[at : at + 7], "big")
        size, head = bits >> 13 & 0x1FFF, 7 if bits >> 40 & 1 else 9
        told = Form(_RATES[min(bits >> 34 & 15, 12)], bits >> 30 & 7)
        if bits >> 44 != 0xFFF or bits >> 38 & 3 != 1 or told != wanted or size <= head:
            break
        found.append(coded[at + head : at + size])
        at += size
    if not found or at != len(coded):
        raise ExplicitError("readback", "the rhythm was encoded in another form than the sound")
    return found


def joined(data: bytes, front: Sequence[bytes]) -> tuple[bytes, Seam]:
    """The sound with these frames in front, and where they meet.

    Raises:
        ExplicitError: something in it counts in time that we cannot move.
        CarrierError: it cannot be read.
    """
    top, moov = mp4.movie(data)
    _refuse_odd(data, top, moov)
    count = len(front)
    cut = _cut(data, moov)
    media, film = _scale(data, moov, (*_MEDIA, b"mdhd")), _scale(data, moov, (b"moov", b"mvhd"))
    if media != form(data).rate:
        raise _unfit("whose clock is not its rate")
    added = count * FRAME - PRIMING + cut.samples if cut.edited else count * FRAME
    more = math.ceil(added * film / media)
    changed = {
        (b"moov", b"mvhd"): tables.lengthened(data, _at(data, moov, (b"moov", b"mvhd")), more),
        (*_TRACK, b"tkhd"): tables.lengthened(data, _at(data, moov, (*_TRACK, b"tkhd")), more),
        (*_MEDIA, b"mdhd"): tables.lengthened(
            data, _at(data, moov, (*_MEDIA, b"mdhd")), count * FRAME
        ),
    }
    if cut.edited:
        edits = _at(data, moov, (*_TRACK, b"edts", b"elst"))
        changed[*_TRACK, b"edts", b"elst"] = tables.edited(data, edits, PRIMING, more)
    for one in _children(data, moov, _TABLE):
        if one.kind in tables.FRONTED:
            changed[*_TABLE, one.kind] = tables.FRONTED[one.kind](data, one, front)
    said = tables.gapless(data, moov, PRIMING, added)
    made = _laid(data if said is None else said, top, moov, changed, b"".join(front))
    start = added if cut.edited else count * FRAME
    return made, Seam(start, FRAME)


def _laid(
    data: bytes, top: list[Box], moov: Box, changed: Mapping[Path, bytes], front: bytes
) -> bytes:
    """The file: our frames in front of the others, and tables that know where all lie."""
    kept = [
        one for one in top
        if not (one.kind == b"uuid" and data[one.body : one.body + 16] == _C2PA_UUID)
    ]  # fmt: skip
    ours = box(b"mdat", front)
    first = next(one for one in kept if one.kind == b"mdat")
    size = len(_rebuilt(data, moov, (b"moov",), changed))
    shifts: list[tuple[Box, int]] = []
    at = own = 0
    for one in kept:
        if one is first:
            own = at + len(ours) - len(front)
            at += len(ours)
        shifts.append((one, at - one.start))
        at += size if one is moov else one.end - one.start
    table = next(one for one in _children(data, moov, _TABLE) if one.kind in (b"stco", b"co64"))
    places = tables.placed(data, table, own, shifts)
    new = _rebuilt(data, moov, (b"moov",), {**changed, (*_TABLE, table.kind): places})
    pieces: list[bytes] = []
    for one in kept:
        pieces += [ours] if one is first else []
        pieces.append(new if one is moov else data[one.start : one.end])
    return b"".join(pieces)


def _rebuilt(data: bytes, one: Box, path: Path, changed: Mapping[Path, bytes]) -> bytes:
    """A box with others put in for those below it."""
    if path in changed:
        return changed[path]
    if not any(key[: len(path)] == path for key in changed):
        return data[one.start : one.end]
    below = boxes(data, one.body, one.end)
    return box(one.kind, *(_rebuilt(data, each, (*path, each.kind), changed) for each in below))


def _refuse_odd(data: bytes, top: list[Box], moov: Box) -> None:
    kinds = [one.kind for one in top]
    within = [one.kind for one in _children(data, moov, (b"moov",))]
    if b"moof" in kinds or b"mvex" in within:
        raise _unfit("in fragments")
    if within.count(b"trak") != 1 or kinds.count(b"meta"):
        raise _unfit("with another track than its sound: chapters or pictures would no longer fit")
    handler = _at(data, moov, (*_MEDIA, b"hdlr"))
    if data[handler.body + 8 : handler.body + 12] != b"soun":
        raise _unfit("without a sound")
    if b"udta" in within:
        user = _at(data, moov, (b"moov", b"udta"))
        if child(boxes(data, user.body, user.end), b"chpl"):
            raise _unfit("with chapters, which would no longer fit")
    if odd := {one.kind for one in _children(data, moov, _TABLE)} - set(_TABLES):
        raise _unfit(f"with a table {min(odd).decode('latin-1')}, which we cannot move")


def _cut(data: bytes, moov: Box) -> Cut:
    """What an edit list takes off the start."""
    if not any(one.kind == b"edts" for one in _children(data, moov, _TRACK)):
        return Cut(edited=False, samples=0)
    cut = tables.cut_off(data, _at(data, moov, (*_TRACK, b"edts", b"elst")))
    if not 0 <= cut.samples <= _CUT_MAX:
        raise _unfit("that was cut or put together by an edit list")
    return cut


def _scale(data: bytes, moov: Box, path: Path) -> int:
    one = _at(data, moov, path)
    at = one.body + (20 if data[one.body] == 1 else 12)
    scale = int.from_bytes(data[at : at + 4], "big")
    if not scale:
        raise _unfit("without a clock")
    return scale


def _at(data: bytes, moov: Box, path: Path) -> Box:
    """The one box at a path, the movie's own kind first."""
    found = [one for one in _children(data, moov, path[:-1]) if one.kind == path[-1]]
    if len(found) != 1:
        raise _unfit(f"with {len(found)} boxes {path[-1].decode('latin-1')} where one belongs")
    return found[0]


def _children(data: bytes, moov: Box, path: Path) -> list[Box]:
    one = moov if len(path) == 1 else _at(data, moov, path)
    return boxes(data, one.body, one.end)


def _configuration(stream: bytes) -> bytes:
    """The decoder's configuration out of an esds box (ISO 14496-1 7.2.6); empty if there is none."""
    at, found = 4, b""
    for tag, skip in ((3, 3), (4, 13), (5, 0)):
        if stream[at : at + 1] != bytes([tag]):
            return b""
        size, at = 0, at + 1
        for _ in range(4):
            byte = stream[at] if at < len(stream) else 0
            size, at = size << 7 | byte & 0x7F, at + 1
            if byte < 0x80:
                break
        if (tag == 3 and stream[at + 2 : at + 3] != b"\0") or (
            tag == 4 and stream[at : at + 1] != bytes([_MPEG4_AUDIO])
        ):
            return b""
        found = stream[at : at + size]
        at += skip
    return found


def _unfit(which: str) -> ExplicitError:
    return ExplicitError("unsupported", f"an M4A {which}: show the label beside it")
