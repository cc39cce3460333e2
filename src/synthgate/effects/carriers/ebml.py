"""EBML elements, as Matroska and WebM are made of."""

from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import CarrierError

ELEMENTS_MAX: Final = 100_000
UNKNOWN: Final = -1
"""Size of an element that lasts until something of its own level or above begins."""


class Element(NamedTuple):
    """``start:end`` with head, ``body:end`` without. ``unknown``: it did not say its size."""

    kind: int
    start: int
    body: int
    end: int
    unknown: bool = False


def head(data: bytes, at: int) -> tuple[int, int, int]:
    """Id, size (or ``UNKNOWN``) and start of the body of the element at a position.

    Raises:
        CarrierError: no element, or only half of one.
    """
    kind, at = _number(data, at, 4, keep_marker=True)
    size, body = _number(data, at, 8, keep_marker=False)
    return kind, size, body


def _number(data: bytes, at: int, width_max: int, *, keep_marker: bool) -> tuple[int, int]:
    if at >= len(data):
        raise CarrierError("truncated", "half an EBML element at the end")
    first = data[at]
    width = 9 - first.bit_length()
    if width > width_max:
        raise CarrierError("broken", f"no EBML element at byte {at}")
    if at + width > len(data):
        raise CarrierError("truncated", "half an EBML element at the end")
    number = int.from_bytes(data[at : at + width], "big")
    if not keep_marker:
        number &= (1 << 7 * width) - 1
        if number == (1 << 7 * width) - 1:
            number = UNKNOWN
    return number, at + width


def elements(data: bytes, start: int, end: int) -> list[Element]:
    """The elements that fill a range, each of a known size.

    Raises:
        CarrierError: one reaches past the end or does not say its size, or there are too many.
    """
    found: list[Element] = []
    at = start
    while at < end:
        kind, size, body = head(data, at)
        if size == UNKNOWN:
            raise CarrierError("broken", f"an EBML element of unknown size at byte {at}")
        if body + size > end:
            raise CarrierError("truncated", f"the EBML element at byte {at} reaches past the end")
        found.append(Element(kind, at, body, body + size))
        if len(found) > ELEMENTS_MAX:
            raise CarrierError("too_much", f"more than {ELEMENTS_MAX} EBML elements")
        at = body + size
    return found


def element(kind: int, *parts: bytes) -> bytes:
    """One element, its size as short as can be."""
    size = sum(map(len, parts))
    width = next(width for width in range(1, 9) if size < (1 << 7 * width) - 1)
    return b"".join([identifier(kind), sized(size, width), *parts])


def sized(size: int, width: int) -> bytes:
    """A size field of a given width.

    Raises:
        CarrierError: it does not fit.
    """
    if size >= (1 << 7 * width) - 1:
        raise CarrierError("no_room", "an EBML size field is too short")
    return (size | 1 << 7 * width).to_bytes(width, "big")


def identifier(kind: int) -> bytes:
    """An id as it is written."""
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big")


def void(length: int) -> bytes:
    """A Void element that takes exactly so many bytes (at least 2)."""
    if length < 2:
        raise CarrierError("no_room", "one byte is too few for a Void element")
    width = 1 if length - 2 < 126 else 8
    return b"\xec" + sized(length - 1 - width, width) + bytes(length - 1 - width)
