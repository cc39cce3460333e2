"""EXIF: the user comment, the second place the image guide allows (wrapped JSON in tag 0x9286).

Only found and blanked, never written: a label goes into XMP. Blanking overwrites the comment's bytes where they
stand, so no offset of the block moves.
"""

import struct
from collections.abc import Iterator
from typing import Final

from synthgate.effects.carriers import xmp
from synthgate.effects.carriers.carrier import KEY, VALUE_BYTES_MAX, CarrierError, Place, place

HEAD: Final = b"Exif\x00\x00"
_EXIF_IFD: Final = 0x8769
_USER_COMMENT: Final = 0x9286
_XMP: Final = 0x02BC
_ORIENTATION: Final = 0x0112
_ENTRIES_MAX: Final = 1_000
_BYTE_TYPES: Final = (1, 2, 7)
_SHORT: Final = 3
_CODE_CHARS: Final = 8


def read(block: bytes, where: str) -> list[Place]:
    """Labels in an EXIF block, with or without its ``Exif`` head.

    Raises:
        CarrierError: the block's directories cannot be walked, and the label's name is in it.
    """
    if not xmp.mentions(block):
        return []
    found = []
    for tag, start, end in _values(block):
        if tag == _XMP:
            found += xmp.read(block[start:end], f"{where} XMP tag", proper=False)
        elif tag == _USER_COMMENT and (text := _comment(block[start:end], block)) is not None:
            found.append(place(f"{where} UserComment", text))
    return found


def blank(block: bytes) -> bytes:
    """The block with every label in it overwritten.

    Raises:
        CarrierError: as ``read``; or a label stands where it cannot be blanked.
    """
    if not read(block, ""):
        return block
    made = bytearray(block)
    for tag, start, end in _values(block):
        if tag == _USER_COMMENT and _comment(block[start:end], block) is not None:
            made[start:end] = bytes(end - start)
    if read(bytes(made), ""):
        raise CarrierError("unsupported", "a label in an XMP tag of the EXIF block")
    return bytes(made)


def orientation(block: bytes) -> int:
    """How the picture is to be turned (1 to 8); 1 if the block does not say."""
    for tag, start, end in _values(block):
        if tag == _ORIENTATION:
            found = int.from_bytes(block[start:end], "little" if _is_little(block) else "big")
            return found if 1 <= found <= 8 else 1
    return 1


def upright(block: bytes) -> bytes:
    """The block saying that the picture stands as it is seen (orientation 1)."""
    made = bytearray(block)
    for tag, start, end in _values(block):
        if tag == _ORIENTATION and end - start == 2:
            made[start:end] = (1).to_bytes(2, "little" if _is_little(block) else "big")
    return bytes(made)


def _is_little(block: bytes) -> bool:
    return block.removeprefix(HEAD).startswith(b"II")


def _comment(value: bytes, block: bytes) -> str | None:
    code, rest = value[:_CODE_CHARS], value[_CODE_CHARS:]
    if code == b"UNICODE\x00":
        text = rest.decode("utf-16-be" if b"MM\x00*" in block[:10] else "utf-16-le", "replace")
    else:
        text = (value if KEY.encode() in code else rest).decode("utf-8", "replace")
    if KEY not in text or len(value) > VALUE_BYTES_MAX:
        return None
    return text.strip("\x00 ")


def _values(block: bytes) -> Iterator[tuple[int, int, int]]:
    """Tag, start and end of the values that may hold a label."""
    base = len(HEAD) if block.startswith(HEAD) else 0
    order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(block[base : base + 4])
    if order is None:
        raise CarrierError("broken", "an EXIF block without a TIFF head")
    try:
        (first,) = struct.unpack_from(order + "I", block, base + 4)
        directories = [first]
        while directories:
            at = base + directories.pop()
            (count,) = struct.unpack_from(order + "H", block, at)
            if count > _ENTRIES_MAX:
                raise CarrierError("too_much", "an EXIF directory of too many entries")
            for entry in range(at + 2, at + 2 + 12 * count, 12):
                tag, kind, size, offset = struct.unpack_from(order + "HHII", block, entry)
                if tag == _EXIF_IFD and at == base + first:
                    directories.append(offset)
                if tag == _ORIENTATION and kind == _SHORT and size == 1:
                    yield tag, entry + 8, entry + 10
                if tag in (_USER_COMMENT, _XMP) and kind in _BYTE_TYPES:
                    start = entry + 8 if size <= 4 else base + offset
                    if start + size > len(block):
                        raise CarrierError("broken", "an EXIF value outside its block")
                    yield tag, start, start + size
    except struct.error:
        raise CarrierError("broken", "an EXIF directory outside its block") from None
