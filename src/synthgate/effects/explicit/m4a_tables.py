"""Tables of an M4A when frames come in front: how many, large, long, where (ISO 14496-12 8.6 to 8.9)."""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from synthgate.effects.carriers import mp4
from synthgate.effects.carriers.mp4_boxes import Box, box, boxes, child
from synthgate.effects.explicit.errors import ExplicitError

FRAME: Final = 1024
"""Samples of a frame of AAC-LC."""
_ONCE: Final = 0x0001_0000
_UNKNOWN: Final = (0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF)
_GAPLESS: Final = b"iTunSMPB"


class Cut(NamedTuple):
    """What an edit list takes off the start, in samples; edited: whether there is one."""

    edited: bool
    samples: int


def lengthened(data: bytes, one: Box, more: int) -> bytes:
    """A head of movie, track or medium (mvhd, tkhd, mdhd) that lasts longer by so many units of its clock."""
    wide = data[one.body] == 1
    at = one.body + (16 if wide else 8) + (4 if one.kind != b"tkhd" else 8) + 4
    size = 8 if wide else 4
    lasts = int.from_bytes(data[at : at + size], "big")
    if lasts in _UNKNOWN[wide:]:
        return data[one.start : one.end]
    return data[one.start : at] + _number(lasts + more, size) + data[at + size : one.end]


def cut_off(data: bytes, edits: Box) -> Cut:
    """What the one edit of a list takes off the start; -1 if it is more than one, or an odd one."""
    wide = data[edits.body] == 1
    row = struct.Struct(">QqI" if wide else ">IiI")
    if (
        data[edits.body + 4 : edits.end].startswith(b"\0\0\0\1")
        and edits.end - edits.body == 8 + row.size
    ):
        _, time, rate = row.unpack_from(data, edits.body + 8)
        if rate == _ONCE:
            return Cut(edited=True, samples=time)
    return Cut(edited=True, samples=-1)


def edited(data: bytes, edits: Box, cut: int, more: int) -> bytes:
    """The list whose one edit takes off so much and lasts longer by so many units of the movie's clock."""
    size = 8 if data[edits.body] == 1 else 4
    at = edits.body + 8
    lasts = int.from_bytes(data[at : at + size], "big")
    new = _number(lasts + more if lasts else 0, size) + _number(cut, size)
    return data[edits.start : at] + new + data[at + 2 * size : edits.end]


def gapless(data: bytes, moov: Box, cut: int, more: int) -> bytes | None:
    """The file whose iTunSMPB (players' note of run-up and length) is right; None if it has none.

    Raises:
        ExplicitError: it says what nobody understands.
    """
    for outer in boxes(data, moov.body, moov.end):
        for one in boxes(data, outer.body, outer.end) if outer.kind == b"udta" else ():
            if one.kind != b"meta":
                continue
            for name, item in mp4.items_of(data, mp4.meta_of(data, one)):
                value = (
                    child(boxes(data, item.body, item.end), b"data") if name == _GAPLESS else None
                )
                if value is not None:
                    at = value.body + 8
                    said = data[at : value.end].split(b" ")
                    try:
                        said[2] = b"%08X" % cut
                        said[4] = b"%016X" % (int(said[4], 16) + more)
                    except (IndexError, ValueError):
                        said = []
                    made = b" ".join(said)
                    if len(made) != value.end - at:
                        raise ExplicitError("unsupported", "an M4A whose note of its length is odd")
                    return data[:at] + made + data[value.end :]
    return None


def placed(data: bytes, table: Box, own: int, shifts: Sequence[tuple[Box, int]]) -> bytes:
    """Where chunks lie (stco, co64): ours first, the others where their boxes went.

    Raises:
        ExplicitError: one lies in no box, or further than the table can say.
    """
    size = 4 if table.kind == b"stco" else 8
    moved = [own]
    for place in _numbers(data, table, table.body + 8, size, _count(data, table, 4)):
        shift = next(
            (by for one, by in shifts if one.body <= place < one.end and one.kind == b"mdat"), None
        )
        if shift is None:
            raise ExplicitError("broken", "an M4A with samples outside of its boxes")
        moved.append(place + shift)
    return _table(
        table.kind,
        data[table.body : table.body + 4],
        b"".join(_number(at, size) for at in moved),
        len(moved),
    )


def _places(data: bytes, table: Box, front: Sequence[bytes]) -> bytes:
    """As long as it will be; ``placed`` fills it in."""
    size = 4 if table.kind == b"stco" else 8
    count = _count(data, table, 4)
    body = data[table.body + 8 : table.body + 8 + count * size]
    return _table(table.kind, data[table.body : table.body + 4], bytes(size) + body, count + 1)


def _times(data: bytes, table: Box, front: Sequence[bytes]) -> bytes:
    count = _count(data, table, 4)
    rows = _numbers(data, table, table.body + 8, 4, 2 * count)
    if any(lasts != FRAME for lasts in rows[1:-2:2]):
        raise ExplicitError("unsupported", "an M4A with frames of several lengths")
    first = struct.pack(">II", len(front), FRAME)
    return _table(
        b"stts",
        data[table.body : table.body + 4],
        first + struct.pack(f">{len(rows)}I", *rows),
        count + 1,
    )


def _sizes(data: bytes, table: Box, front: Sequence[bytes]) -> bytes:
    each, count = _count(data, table, 4), _count(data, table, 8)
    if each and count > (table.end - table.start) * FRAME:
        raise ExplicitError("broken", "an M4A that counts more frames than it has")
    rows = (each,) * count if each else _numbers(data, table, table.body + 12, 4, count)
    new = struct.pack(f">{len(front) + count}I", *map(len, front), *rows)
    head = data[table.body : table.body + 4] + bytes(4) + (len(front) + count).to_bytes(4, "big")
    return box(b"stsz", head, new)


def _chunks(data: bytes, table: Box, front: Sequence[bytes]) -> bytes:
    """Ours are one chunk; the others count on from there."""
    count = _count(data, table, 4)
    rows = list(_numbers(data, table, table.body + 8, 4, 3 * count))
    rows[::3] = [number + 1 for number in rows[::3]]
    try:
        body = struct.pack(f">{3 + len(rows)}I", 1, len(front), 1, *rows)
    except struct.error:
        raise ExplicitError("broken", "an M4A of too many chunks") from None
    return _table(b"stsc", data[table.body : table.body + 4], body, count + 1)


def _groups(data: bytes, table: Box, front: Sequence[bytes]) -> bytes:
    """Our frames are of the group the first of the others is."""
    at = table.body + (12 if data[table.body] == 1 else 8)
    count = int.from_bytes(data[at : at + 4], "big")
    rows = data[at + 4 : table.end]
    if data[table.body] > 1 or len(rows) != 8 * count or not count:
        raise ExplicitError("unsupported", "an M4A whose groups of frames are odd")
    first = len(front).to_bytes(4, "big") + rows[4:8]
    return box(b"sbgp", data[table.body : at], (count + 1).to_bytes(4, "big"), first, rows)


FRONTED: Final[Mapping[bytes, Callable[[bytes, Box, Sequence[bytes]], bytes]]] = {
    b"stts": _times, b"stsz": _sizes, b"stsc": _chunks, b"sbgp": _groups, b"stco": _places, b"co64": _places,
}  # fmt: skip
"""How each table is made anew with our frames in front."""


def _count(data: bytes, table: Box, at: int) -> int:
    return int.from_bytes(data[table.body + at : table.body + at + 4], "big")


def _numbers(data: bytes, table: Box, at: int, size: int, count: int) -> tuple[int, ...]:
    if at + size * count > table.end:
        raise ExplicitError("broken", "an M4A with a table longer than its box")
    return struct.unpack_from(f">{count}{'I' if size == 4 else 'Q'}", data, at)


def _table(kind: bytes, head: bytes, rows: bytes, count: int) -> bytes:
    return box(kind, head, count.to_bytes(4, "big"), rows)


def _number(value: int, size: int) -> bytes:
    if not 0 <= value < 1 << 8 * size:
        raise ExplicitError("unsupported", "an M4A longer than its tables can say")
    return value.to_bytes(size, "big")
