"""PNG and APNG: the label is a property of the XMP packet in an uncompressed iTXt chunk."""

import zlib
from typing import Final, NamedTuple

from synthgate.effects.carriers import exif, xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    VALUE_BYTES_MAX,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
    trailing,
)  # fmt: skip

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_XMP_KEYWORD: Final = b"XML:com.adobe.xmp"
_RAW_PROFILE: Final = b"Raw profile type "
_CHUNKS_MAX: Final = 262_144
_TEXTS_MAX: Final = 1_024
_TEXT_BYTES_MAX: Final = 16 << 20
_TEXT_TYPES: Final = (b"tEXt", b"zTXt", b"iTXt")
_GENERATOR_KEYWORDS: Final = (b"parameters", b"prompt", b"workflow", b"Dream", b"sd-metadata")
_PLACE: Final = "iTXt XMP"


class Chunk(NamedTuple):
    """``start:end`` with length, type and checksum; the body ends four bytes before the end."""

    kind: bytes
    start: int
    body: int
    end: int


def _claims(head: bytes) -> bool:
    return head.startswith(SIGNATURE)


def taken_apart(data: bytes) -> tuple[list[Chunk], int]:
    """All chunks, and where IEND ends.

    Raises:
        CarrierError: no whole PNG.
    """
    found: list[Chunk] = []
    at, size = len(SIGNATURE), len(data)
    while at + 12 <= size:
        kind = data[at + 4 : at + 8]
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if not kind.isalpha():
            raise CarrierError("broken", f"no PNG chunk at byte {at}")
        if end > size:
            break
        if not found and kind != b"IHDR":
            raise CarrierError("broken", "a PNG that does not begin with IHDR")
        found.append(Chunk(kind, at, at + 8, end))
        if len(found) > _CHUNKS_MAX:
            raise CarrierError("too_much", f"more than {_CHUNKS_MAX} PNG chunks")
        if kind == b"IEND":
            if not any(chunk.kind == b"IDAT" for chunk in found):
                raise CarrierError("broken", "a PNG without a picture")
            return found, end
        at = end
    raise CarrierError("truncated", "the PNG has no IEND chunk")


def _texts(chunks: list[Chunk], data: bytes) -> list[Chunk]:
    """Chunks that may hold a label, their checksums verified."""
    found = [chunk for chunk in chunks if chunk.kind in (*_TEXT_TYPES, b"eXIf")]
    if len(found) > _TEXTS_MAX or sum(c.end - c.start for c in found) > _TEXT_BYTES_MAX:
        raise CarrierError("too_much", "more PNG text than a picture needs")
    for chunk in found:
        checksum = int.from_bytes(data[chunk.end - 4 : chunk.end], "big")
        if zlib.crc32(data[chunk.start + 4 : chunk.end - 4]) != checksum:
            raise CarrierError("broken", f"a wrong checksum at byte {chunk.start}")
    if sum(_is_xmp(chunk, data) or _is_profile(chunk, data) for chunk in found) > xmp.PACKETS_MAX:
        raise CarrierError("too_much", f"more than {xmp.PACKETS_MAX} XMP packets")
    return found


def _parse(data: bytes) -> Parsed:
    chunks, end = taken_apart(data)
    parsed = Parsed([], [])
    for chunk in _texts(chunks, data):
        parsed.places.extend(_labels(chunk, data))
        keyword = _keyword(chunk, data)
        if keyword in _GENERATOR_KEYWORDS:
            parsed.notes.append(f"a generator's metadata: {keyword.decode()}")
        if any(trace in data[chunk.body : chunk.end] for trace in xmp.TRACES):
            parsed.notes.append("XMP says trained algorithmic media")
    if any(chunk.kind == b"caBX" for chunk in chunks):
        parsed.notes.append("C2PA manifest")
    trailing(data, end, parsed)
    return parsed


def _labels(chunk: Chunk, data: bytes) -> list[Place]:
    body = data[chunk.body : chunk.end - 4]
    if chunk.kind == b"eXIf":
        return exif.read(body, "eXIf")
    keyword = _keyword(chunk, data)
    where = f"{chunk.kind.decode()} {keyword.decode('latin-1')}"
    if _is_xmp(chunk, data):
        return xmp.read(_text(chunk.kind, body), _PLACE)
    if KEY.encode() in keyword:
        return [place(where, _text(chunk.kind, body))]
    if keyword.startswith(_RAW_PROFILE):
        profile = _profile(_text(chunk.kind, body))
        return xmp.read(profile, where, proper=False) if b"<" in profile[:64] else []
    text = _text(chunk.kind, body) if chunk.kind != b"zTXt" else b""
    return [place(where, text, proper=False)] if text.startswith(b'{"AIGC"') else []


def _keyword(chunk: Chunk, data: bytes) -> bytes:
    if chunk.kind not in _TEXT_TYPES:
        return b""
    end = data.find(b"\x00", chunk.body, min(chunk.end, chunk.body + 80))
    if end < 0:
        raise CarrierError("broken", f"a PNG text without a keyword at byte {chunk.start}")
    return data[chunk.body : end]


def _is_xmp(chunk: Chunk, data: bytes) -> bool:
    return chunk.kind == b"iTXt" and data.startswith(_XMP_KEYWORD + b"\x00", chunk.body)


def _is_profile(chunk: Chunk, data: bytes) -> bool:
    return chunk.kind in _TEXT_TYPES and data.startswith(_RAW_PROFILE, chunk.body)


def _text(kind: bytes, body: bytes) -> bytes:
    """The text of a chunk, inflated within bounds."""
    keyword, _, rest = body.partition(b"\x00")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _inflate(rest[1:], keyword)
    compressed, rest = rest[:1] == b"\x01", rest[2:]
    _, _, rest = rest.partition(b"\x00")
    _, _, rest = rest.partition(b"\x00")
    return _inflate(rest, keyword) if compressed else rest


def _inflate(data: bytes, keyword: bytes) -> bytes:
    inflater = zlib.decompressobj()
    limit = VALUE_BYTES_MAX if KEY.encode() in keyword else xmp.PACKET_BYTES_MAX
    try:
        text = inflater.decompress(data, limit)
    except zlib.error as error:
        raise CarrierError("broken", f"a compressed PNG text: {error}") from None
    if not inflater.eof:
        raise CarrierError("too_much", f"a PNG text that inflates to more than {limit} bytes")
    return text


def _profile(text: bytes) -> bytes:
    """ImageMagick's way to keep a block in text: a name, a length, hexadecimal digits."""
    try:
        return bytes.fromhex(b"".join(text.split()[2:]).decode("ascii"))
    except ValueError:
        raise CarrierError("broken", "a raw profile that is not hexadecimal") from None


def _rewrite(data: bytes, value: bytes) -> bytes:
    chunks, end = taken_apart(data)
    texts = _texts(chunks, data)
    packets = [chunk for chunk in texts if _is_xmp(chunk, data)]
    head = chunks[0]
    packet = _text(b"iTXt", data[packets[0].body : packets[0].end - 4]) if packets else None
    pieces = [data[: head.end], _xmp_chunk(xmp.write(packet, value))]
    kept = head.end
    for chunk in texts:
        if chunk in packets[:1]:
            new = b""
        elif not _labels(chunk, data):
            continue
        elif chunk.kind == b"eXIf":
            new = build_chunk(b"eXIf", exif.blank(data[chunk.body : chunk.end - 4]))
        elif chunk in packets:
            new = _xmp_chunk(xmp.write(_text(b"iTXt", data[chunk.body : chunk.end - 4]), None))
        else:
            new = b""
        pieces += [data[kept : chunk.start], new]
        kept = chunk.end
    return b"".join([*pieces, data[kept:end]])


def _xmp_chunk(packet: bytes) -> bytes:
    return build_chunk(b"iTXt", _XMP_KEYWORD + b"\x00\x00\x00\x00\x00" + packet)


def build_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk with its checksum."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


CARRIER: Final = Carrier(
    "png",
    "image",
    "image/png",
    (".png", ".apng"),
    _PLACE,
    "TC260-PG-20259A",
    _claims,
    _parse,
    _rewrite,
)
