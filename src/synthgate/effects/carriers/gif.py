"""GIF: the label is a property of the packet in the application extension ``XMP DataXMP``."""

from typing import Final, NamedTuple

from synthgate.effects.carriers import xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    Carrier,
    CarrierError,
    Parsed,
    place,
    trailing,
)  # fmt: skip

_PLACE: Final = "XMP application extension"
_HEAD: Final = b"\x21\xff\x0bXMP DataXMP"
_MAGIC: Final = b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
"""Leads a reader that takes the packet for sub-blocks to its end, wherever it stands in the packet."""
_BLOCKS_MAX: Final = 200_000
_SUB_BLOCKS_MAX: Final = 2_000_000
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_APPLICATION, _COMMENT = 0xFF, 0xFE


class Block(NamedTuple):
    """kind: xmp, comment, application or picture (everything that belongs to drawing)."""

    kind: str
    start: int
    end: int


def _claims(head: bytes) -> bool:
    return head[:6] in (b"GIF87a", b"GIF89a")


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def taken_apart(data: bytes) -> tuple[list[Block], int]:
    """All blocks behind the global colour table, and where the trailer ends.

    Raises:
        CarrierError: no whole GIF.
    """
    found: list[Block] = []
    left = _SUB_BLOCKS_MAX
    try:
        at = 13 + _table(data[10])
        while data[at] != _TRAILER:
            if data[at] == _EXTENSION:
                kind, body = _extension(data, at), at + 2
            elif data[at] == _IMAGE:
                kind, body = "picture", at + 10 + _table(data[at + 9]) + 1
            else:
                raise CarrierError("broken", f"no GIF block at byte {at}")
            end, left = _sub_blocks(data, body, left)
            found.append(Block(kind, at, end))
            if len(found) > _BLOCKS_MAX:
                raise CarrierError("too_much", f"more than {_BLOCKS_MAX} GIF blocks")
            at = end
    except IndexError:
        raise CarrierError("truncated", "the GIF has no trailer") from None
    if not any(data[block.start] == _IMAGE for block in found):
        raise CarrierError("broken", "a GIF without a picture")
    if sum(block.kind == "xmp" for block in found) > xmp.PACKETS_MAX:
        raise CarrierError("too_much", f"more than {xmp.PACKETS_MAX} XMP packets")
    return found, at + 1


def _extension(data: bytes, at: int) -> str:
    if data.startswith(_HEAD, at):
        return "xmp"
    return {_APPLICATION: "application", _COMMENT: "comment"}.get(data[at + 1], "picture")


def _sub_blocks(data: bytes, at: int, left: int) -> tuple[int, int]:
    while data[at]:
        at += data[at] + 1
        left -= 1
        if not left:
            raise CarrierError("too_much", f"more than {_SUB_BLOCKS_MAX} GIF sub-blocks")
    return at + 1, left


def _packet(block: Block, data: bytes) -> bytes:
    body = data[block.start + len(_HEAD) : block.end]
    if not body.endswith(_MAGIC):
        raise CarrierError("broken", "a GIF XMP packet without its trailer")
    return body[: -len(_MAGIC)]


def _comment(block: Block, data: bytes) -> bytes:
    pieces, at = [], block.start + 2
    while data[at]:
        pieces.append(data[at + 1 : at + 1 + data[at]])
        at += data[at] + 1
    return b"".join(pieces)


def _parse(data: bytes) -> Parsed:
    blocks, end = taken_apart(data)
    parsed = Parsed([], [])
    for block in blocks:
        if block.kind == "xmp":
            packet = _packet(block, data)
            parsed.places.extend(xmp.read(packet, _PLACE))
            if any(trace in packet for trace in xmp.TRACES):
                parsed.notes.append("XMP says trained algorithmic media")
        elif block.kind == "comment" and KEY.encode() in _comment(block, data):
            parsed.places.append(place("comment", _comment(block, data), proper=False))
        elif block.kind == "application" and b"C2PA" in data[block.start : block.start + 16]:
            parsed.notes.append("C2PA manifest")
    trailing(data, end, parsed)
    return parsed


def _rewrite(data: bytes, value: bytes) -> bytes:
    blocks, end = taken_apart(data)
    packets = [block for block in blocks if block.kind == "xmp"]
    old = _packet(packets[0], data) if packets else None
    new = _HEAD + xmp.write(old, value) + _MAGIC
    target = packets[0] if packets else _first_picture(blocks)
    head = 13 + _table(data[10])
    pieces = [b"GIF89a", data[6:head]]
    for block in blocks:
        whole = data[block.start : block.end]
        if block is target:
            pieces.append(new)
        if block.kind == "xmp" and xmp.mentions(whole):
            if block is not target:
                pieces.append(_HEAD + xmp.write(_packet(block, data), None) + _MAGIC)
        elif block.kind == "xmp" and block is target:
            continue
        elif not (block.kind == "comment" and KEY.encode() in _comment(block, data)):
            pieces.append(whole)
    return b"".join([*pieces, data[end - 1 : end]])


def _first_picture(blocks: list[Block]) -> Block:
    return next(block for block in blocks if block.kind == "picture")


CARRIER: Final = Carrier(
    "gif", "image", "image/gif", (".gif",), _PLACE, "TC260-PG-20259A", _claims, _parse, _rewrite
)
