"""Vorbis comments, as FLAC and Ogg hold them: the label is the comment ``AIGC=``."""

from typing import Final

from synthgate.effects.carriers.carrier import KEY, CarrierError, Place, place

_COMMENTS_MAX: Final = 20_000
_OWN: Final = KEY.encode() + b"="


def read(block: bytes, where: str) -> list[Place]:
    """Labels among the comments.

    Raises:
        CarrierError: the block cannot be taken apart.
    """
    _, comments, _ = _taken_apart(block)
    return [
        place(f"{where} AIGC", comment[len(_OWN) :]) for comment in comments if _is_own(comment)
    ]


def write(block: bytes, value: bytes) -> bytes:
    """The block with this label alone; what follows the comments (Vorbis' framing bit) is kept.

    Raises:
        CarrierError: as ``read``.
    """
    vendor, comments, rest = _taken_apart(block)
    kept = [comment for comment in comments if not _is_own(comment)]
    kept.append(_OWN + value)
    pieces = [_counted(vendor), len(kept).to_bytes(4, "little"), *map(_counted, kept), rest]
    return b"".join(pieces)


def empty(vendor: bytes) -> bytes:
    """A block without comments."""
    return _counted(vendor) + bytes(4)


def _is_own(comment: bytes) -> bool:
    return comment[: len(_OWN)].upper() == _OWN


def _counted(text: bytes) -> bytes:
    return len(text).to_bytes(4, "little") + text


def _taken_apart(block: bytes) -> tuple[bytes, list[bytes], bytes]:
    vendor, at = _take(block, 0)
    if at + 4 > len(block):
        raise CarrierError("broken", "Vorbis comments that end before their count")
    count = int.from_bytes(block[at : at + 4], "little")
    if count > _COMMENTS_MAX:
        raise CarrierError("too_much", f"more than {_COMMENTS_MAX} Vorbis comments")
    at += 4
    comments = []
    for _ in range(count):
        comment, at = _take(block, at)
        comments.append(comment)
    return vendor, comments, block[at:]


def _take(block: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + int.from_bytes(block[at : at + 4], "little")
    if at + 4 > len(block) or end > len(block):
        raise CarrierError("broken", "a Vorbis comment that reaches past its block")
    return block[at + 4 : end], end
