"""RIFF: the chunks of WebP and WAV."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import CarrierError

_CHUNKS_MAX: Final = 65_536
UNKNOWN_SIZES: Final = (0, 0xFFFFFFFF)
"""What a writer that could not seek back leaves in the size fields."""


class Chunk(NamedTuple):
    """``start:end`` with head and padding; ``body:body_end`` without."""

    kind: bytes
    start: int
    body: int
    body_end: int
    end: int


def chunks(data: bytes, form: str) -> tuple[list[Chunk], int]:
    """All chunks of a file, and where the form ends.

    Raises:
        CarrierError: a chunk or the form reaches past the end, or there are too many.
    """
    size = int.from_bytes(data[4:8], "little")
    if size in UNKNOWN_SIZES:
        raise CarrierError("unsupported", f"the {form} does not say its size")
    end = 8 + size
    if end > len(data):
        raise CarrierError("truncated", f"the {form} is {end - len(data)} bytes short")
    found: list[Chunk] = []
    at = 12
    while at < end:
        if at + 8 > end:
            raise CarrierError("broken", f"half a {form} chunk at byte {at}")
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        body_end = at + 8 + length
        if body_end > end:
            raise CarrierError("truncated", f"a {form} chunk at byte {at} reaches past the end")
        found.append(
            Chunk(data[at : at + 4], at, at + 8, body_end, min(body_end + length % 2, end))
        )
        if len(found) > _CHUNKS_MAX:
            raise CarrierError("too_much", f"more than {_CHUNKS_MAX} {form} chunks")
        at = found[-1].end
    return found, end


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk, padded."""
    return kind + len(body).to_bytes(4, "little") + body + bytes(len(body) % 2)


def form(kind: bytes, pieces: Sequence[bytes | memoryview]) -> bytes:
    """A whole file of a form from its chunks.

    Raises:
        CarrierError: more than the size field can say.
    """
    size = len(kind) + sum(map(len, pieces))
    if size > 0xFFFFFFFE:
        raise CarrierError("no_room", "more than 4 GiB")
    return b"".join([b"RIFF", size.to_bytes(4, "little"), kind, *pieces])
