"""FLAC: the label is a Vorbis comment; the sound behind the metadata blocks is not touched."""

from typing import Final, NamedTuple

from synthgate.effects.carriers import id3, vorbis_comment
from synthgate.effects.carriers.carrier import Carrier, CarrierError, Parsed

_PLACE: Final = "VORBIS_COMMENT AIGC"
_MAGIC: Final = b"fLaC"
_BLOCKS_MAX: Final = 1_024
_STREAMINFO, _SEEKTABLE, _COMMENT = 0, 3, 4
_LAST: Final = 0x80
_BLOCK_BYTES_MAX: Final = (1 << 24) - 1
_VENDOR: Final = b"synthgate"


class Block(NamedTuple):
    """One metadata block."""

    kind: int
    body: bytes


def _claims(head: bytes) -> bool:
    return head.startswith(_MAGIC, id3.size(head))


def taken_apart(data: bytes) -> tuple[list[Block], int, int]:
    """Metadata blocks, where the magic stands, and where the frames begin.

    Raises:
        CarrierError: no whole FLAC.
    """
    first = id3.size(data)
    if data[first : first + 4] != _MAGIC:
        raise CarrierError("broken", "no FLAC stream behind the tag")
    at = first + 4
    found: list[Block] = []
    last = 0
    while not last:
        if at + 4 > len(data):
            raise CarrierError("truncated", "the FLAC ends among its metadata")
        last, kind = data[at] & _LAST, data[at] & ~_LAST
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if end > len(data):
            raise CarrierError("truncated", "a FLAC metadata block reaches past the end")
        found.append(Block(kind, data[at + 4 : end]))
        if len(found) > _BLOCKS_MAX:
            raise CarrierError("too_much", f"more than {_BLOCKS_MAX} FLAC metadata blocks")
        at = end
    if found[0].kind != _STREAMINFO:
        raise CarrierError("broken", "a FLAC that does not begin with its stream information")
    if data[at : at + 1] != b"\xff":
        raise CarrierError("truncated", "a FLAC without sound")
    return found, first, at


def _parse(data: bytes) -> Parsed:
    blocks, first, _ = taken_apart(data)
    parsed = Parsed([], [])
    if first:
        found = id3.read(data[:first], "ID3v2 in front of the FLAC")
        parsed.places.extend(one._replace(proper=False) for one in found)
    for block in blocks:
        if block.kind == _COMMENT:
            parsed.places.extend(vorbis_comment.read(block.body, "VORBIS_COMMENT"))
    return parsed


def _rewrite(data: bytes, value: bytes) -> bytes:
    blocks, first, sound = taken_apart(data)
    if sum(block.kind == _COMMENT for block in blocks) > 1:
        raise CarrierError("broken", "a FLAC with two comment blocks")
    if not any(block.kind == _COMMENT for block in blocks):
        blocks.insert(1, Block(_COMMENT, vorbis_comment.empty(_VENDOR)))
    tag = id3.write(data[:first], None) if first and id3.read(data[:first], "") else data[:first]
    pieces = [tag, _MAGIC]
    for number, block in enumerate(blocks, 1):
        body = vorbis_comment.write(block.body, value) if block.kind == _COMMENT else block.body
        if len(body) > _BLOCK_BYTES_MAX:
            raise CarrierError("no_room", "FLAC comments of more than 16 MiB")
        last = _LAST if number == len(blocks) else 0
        pieces += [bytes([last | block.kind]) + len(body).to_bytes(3, "big"), body]
    return b"".join([*pieces, data[sound:]])


def grafted(before: bytes, made: bytes) -> bytes:
    """The sound of ``made`` with the metadata of ``before``; a table of seek points goes, it names places."""
    old, first, _ = taken_apart(before)
    new, _, sound = taken_apart(made)
    kept = [new[0], *(block for block in old[1:] if block.kind != _SEEKTABLE)]
    pieces = [before[:first], _MAGIC]
    for number, block in enumerate(kept, 1):
        last = _LAST if number == len(kept) else 0
        pieces += [bytes([last | block.kind]) + len(block.body).to_bytes(3, "big"), block.body]
    return b"".join([*pieces, made[sound:]])


CARRIER: Final = Carrier(
    "flac", "audio", "audio/flac", (".flac",), _PLACE, "TC260-PG-202510A", _claims, _parse, _rewrite
)
