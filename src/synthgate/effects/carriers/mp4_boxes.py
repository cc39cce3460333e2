"""Boxes of ISO base media files (MP4, M4A, MOV): walking them, building them, moving what points at samples."""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import CarrierError

BOXES_MAX: Final = 2_000
"""In one box; a file of fragments has more at its top."""
TOP_BOXES_MAX: Final = 200_000
_WITHIN_MAX: Final = 200_000
_DEPTH_MAX: Final = 8
_TFHD_BASE: Final = 0x000001


class Box(NamedTuple):
    """``start:end`` with head, ``body:end`` without."""

    kind: bytes
    start: int
    body: int
    end: int


def boxes(data: bytes, start: int, end: int, most: int = BOXES_MAX) -> list[Box]:
    """The boxes that fill a range.

    Raises:
        CarrierError: one of them reaches past the end, or there are too many.
    """
    found: list[Box] = []
    at = start
    while at < end:
        if end - at < 8:
            if found and not any(data[at:end]):
                break  # QuickTime ends some lists with a zero
            raise CarrierError("truncated", f"half a box at byte {at}")
        size, kind, body = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, body = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        elif size == 0 and most == TOP_BOXES_MAX:
            size = (
                end - at
            )  # to the end of the file; within a box it would swallow what comes to follow
        if size < body - at or at + size > end:
            raise CarrierError(
                "truncated", f"the box {_name(kind)} at byte {at} reaches past the end"
            )
        found.append(Box(kind, at, body, at + size))
        if len(found) > most:
            raise CarrierError("too_much", f"more than {most} boxes in one")
        at += size
    return found


def box(kind: bytes, *body: bytes) -> bytes:
    """One box."""
    size = 8 + sum(map(len, body))
    if size > 0xFFFFFFFF:
        raise CarrierError("no_room", f"the box {_name(kind)} would be larger than 4 GiB")
    return b"".join([size.to_bytes(4, "big"), kind, *body])


def child(found: list[Box], kind: bytes) -> Box | None:
    """The first box of a kind."""
    return next((one for one in found if one.kind == kind), None)


def moved(data: bytes, moov: Box, old: bytes, delta: int) -> bytes:
    """A new moov (``old`` is its bytes) whose sample positions behind the place of the change are shifted.

    Raises:
        CarrierError: positions do not fit, or are of a kind that cannot be moved.
    """
    made = bytearray(old)
    for count, one in enumerate(_within(old, 8, len(old), 0)):
        if count > _WITHIN_MAX:
            raise CarrierError("too_much", f"more than {_WITHIN_MAX} boxes in the moov")
        if one.kind in (b"stco", b"co64"):
            _shift_table(made, one, "I" if one.kind == b"stco" else "Q", moov.start, delta)
        elif one.kind == b"saio":
            raise CarrierError("encrypted", "an encrypted track (saio)")
        elif one.kind == b"cmov":
            raise CarrierError("unsupported", "a compressed moov")
    return bytes(made)


def _within(data: bytes, start: int, end: int, depth: int) -> Iterator[Box]:
    if depth > _DEPTH_MAX:
        raise CarrierError("too_much", "boxes nested too deep")
    for one in boxes(data, start, end):
        yield one
        if one.kind in (b"trak", b"mdia", b"minf", b"stbl", b"traf"):
            yield from _within(data, one.body, one.end, depth + 1)


def _shift_table(made: bytearray, table: Box, code: str, behind: int, delta: int) -> None:
    width = struct.calcsize(code)
    count = int.from_bytes(made[table.body + 4 : table.body + 8], "big")
    if table.body + 8 + count * width > table.end:
        raise CarrierError("broken", "a table of sample positions longer than its box")
    form = f">{count}{code}"
    positions = struct.unpack_from(form, made, table.body + 8)
    try:
        struct.pack_into(
            form, made, table.body + 8, *(p + delta if p > behind else p for p in positions)
        )
    except struct.error:
        raise CarrierError("no_room", "sample positions beyond 4 GiB") from None


def moved_fragment(data: bytes, one: Box, behind: int, delta: int) -> bytes:
    """A fragment head (moof) or index (mfra, sidx) whose absolute positions are shifted."""
    made = bytearray(data[one.start : one.end])
    head = one.body - one.start
    if one.kind == b"moof":
        for inner in _within(bytes(made), head, len(made), 0):
            flags = int.from_bytes(made[inner.body + 1 : inner.body + 4], "big")
            if inner.kind == b"tfhd" and flags & _TFHD_BASE:
                _shift_one(made, inner.body + 8, 8, behind, delta)
    elif one.kind == b"mfra":
        for inner in boxes(bytes(made), head, len(made)):
            if inner.kind == b"tfra":
                _shift_random_access(made, inner, behind, delta)
    return bytes(made)


def _shift_random_access(made: bytearray, table: Box, behind: int, delta: int) -> None:
    wide = made[table.body] == 1
    lengths = made[table.body + 11]
    tail = sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    width = 8 if wide else 4
    count = int.from_bytes(made[table.body + 12 : table.body + 16], "big")
    step = 2 * width + tail
    if table.body + 16 + count * step > table.end:
        raise CarrierError("broken", "a random access table longer than its box")
    for entry in range(count):
        _shift_one(made, table.body + 16 + entry * step + width, width, behind, delta)


def _shift_one(made: bytearray, at: int, width: int, behind: int, delta: int) -> None:
    position = int.from_bytes(made[at : at + width], "big")
    if position > behind:
        try:
            made[at : at + width] = (position + delta).to_bytes(width, "big")
        except OverflowError:
            raise CarrierError("no_room", "fragment positions beyond 4 GiB") from None


def _name(kind: bytes) -> str:
    return kind.decode("latin-1") if kind.isalnum() else kind.hex()
