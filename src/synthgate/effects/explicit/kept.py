"""Metadata of a picture that is drawn on: taken off before it is decoded, laid over again, byte for byte.

The decoder sees pixels alone, for some of them take seconds over a thousand segments. A picture that was turned
upright is said to be. What speaks of pixels that are no more (a C2PA manifest, further pictures of an MPF file)
is left behind.
"""

from typing import Final, NamedTuple

from synthgate.effects.carriers import exif, gif, jpeg, png, riff, webp

_APP0, _APP1, _APP11, _APP14, _APP15, _COMMENT = 0xE0, 0xE1, 0xEB, 0xEE, 0xEF, 0xFE
_PNG_KEPT: Final = (
    b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"pHYs", b"tIME",
)  # fmt: skip
_PNG_LOST: Final = b"caBX"
_WEBP_FLAGS: Final = {b"ICCP": 0x20, b"EXIF": 0x08, b"XMP ": 0x04}


class Bare(NamedTuple):
    """A picture without metadata, and how it was turned (EXIF orientation, 1 to 8)."""

    data: bytes
    orientation: int


def bare(kind: str, data: bytes) -> Bare:
    """The picture without metadata. kind: jpeg, png, webp or gif.

    Raises:
        CarrierError: no whole picture of that kind.
    """
    return {"jpeg": _bare_jpeg, "png": _bare_png, "webp": _bare_webp, "gif": _bare_gif}[kind](data)


def kept(kind: str, before: bytes, made: bytes) -> bytes:
    """``made``, drawn upright, with the metadata of ``before``. Raises as ``bare``."""
    return {"jpeg": _jpeg, "png": _png, "webp": _webp, "gif": _gif}[kind](before, made)


def _is_metadata(marker: int) -> bool:
    """Application segments and comments, but for JFIF's and Adobe's heads, which say how to decode."""
    return (_APP1 <= marker <= _APP15 and marker != _APP14) or marker == _COMMENT


def _bare_jpeg(data: bytes) -> Bare:
    segments, end = jpeg.taken_apart(data)
    pieces, orientation = [data[:2]], 1
    for segment in segments:
        if not _is_metadata(segment.marker):
            pieces.append(data[segment.start : segment.end])
        elif segment.marker == _APP1 and data.startswith(exif.HEAD, segment.body):
            orientation = exif.orientation(data[segment.body : segment.end])
    return Bare(b"".join([*pieces, data[segments[-1].end : end]]), orientation)


def _bare_png(data: bytes) -> Bare:
    pieces, orientation = [png.SIGNATURE], 1
    for chunk in png.taken_apart(data)[0]:
        if chunk.kind == b"eXIf":
            orientation = exif.orientation(data[chunk.body : chunk.end - 4])
        elif chunk.kind not in (*_PNG_KEPT, _PNG_LOST):
            pieces.append(data[chunk.start : chunk.end])
    return Bare(b"".join(pieces), orientation)


def _bare_webp(data: bytes) -> Bare:
    pieces, orientation = [], 1
    for chunk in webp.taken_apart(data)[0]:
        body = data[chunk.body : chunk.body_end]
        if chunk.kind == b"VP8X":
            flags = bytes([body[0] & ~sum(_WEBP_FLAGS.values())])
            pieces.append(riff.chunk(b"VP8X", flags + body[1:]))
        elif chunk.kind == b"EXIF":
            orientation = exif.orientation(body)
        elif chunk.kind not in (*_WEBP_FLAGS, b"C2PA"):
            pieces.append(data[chunk.start : chunk.end])
    return Bare(riff.form(b"WEBP", pieces), orientation)


def _bare_gif(data: bytes) -> Bare:
    blocks, end = gif.taken_apart(data)
    kept = [data[one.start : one.end] for one in blocks if one.kind not in ("xmp", "comment")]
    return Bare(b"".join([data[: blocks[0].start], *kept, data[end - 1 : end]]), 1)


def _gif(before: bytes, made: bytes) -> bytes:
    pieces = [
        before[block.start : block.end]
        for block in gif.taken_apart(before)[0]
        if block.kind in ("xmp", "comment")
    ]
    at = next(block.start for block in gif.taken_apart(made)[0] if block.kind == "picture")
    return b"".join([b"GIF89a", made[6:at], *pieces, made[at:]])


def _jpeg(before: bytes, made: bytes) -> bytes:
    heads, pieces = [], []
    for segment in jpeg.taken_apart(before)[0]:
        whole, body = before[segment.start : segment.end], before[segment.body : segment.end]
        if segment.marker == _APP0:
            heads.append(whole)
        elif segment.marker == _APP1 and body.startswith(exif.HEAD):
            pieces += [before[segment.start : segment.body], exif.upright(body)]
        elif (
            _is_metadata(segment.marker)
            and segment.marker != _APP11
            and not body.startswith(b"MPF\x00")
        ):
            pieces.append(whole)
    own = jpeg.taken_apart(made)[0]
    rest = [made[one.start : one.end] for one in own if one.marker != _APP0]
    if not heads:
        heads = [made[one.start : one.end] for one in own if one.marker == _APP0]
    return b"".join([made[:2], *heads, *pieces, *rest, made[own[-1].end :]])


def _png(before: bytes, made: bytes) -> bytes:
    pieces = []
    for chunk in png.taken_apart(before)[0]:
        if chunk.kind == b"eXIf":
            pieces.append(
                png.build_chunk(b"eXIf", exif.upright(before[chunk.body : chunk.end - 4]))
            )
        elif chunk.kind in _PNG_KEPT:
            pieces.append(before[chunk.start : chunk.end])
    own = [one for one in png.taken_apart(made)[0] if one.kind not in _PNG_KEPT]
    rest = [made[one.start : one.end] for one in own]
    return b"".join([png.SIGNATURE, rest[0], *pieces, *rest[1:]])


def _webp(before: bytes, made: bytes) -> bytes:
    old = {one.kind: before[one.body : one.body_end] for one in webp.taken_apart(before)[0]}
    if b"EXIF" in old:
        old[b"EXIF"] = exif.upright(old[b"EXIF"])
    if not set(_WEBP_FLAGS) & set(old):
        return made
    own = webp.taken_apart(made)[0]
    first, rest = own[0], own[1:] if own[0].kind == b"VP8X" else own
    head = bytearray(
        made[first.body : first.body_end]
        if first.kind == b"VP8X"
        else webp.extended_head(first, made)[8:]
    )
    head[0] &= ~sum(_WEBP_FLAGS.values())
    head[0] |= sum(flag for kind, flag in _WEBP_FLAGS.items() if kind in old)
    pieces = [riff.chunk(b"VP8X", bytes(head))]
    pieces += [riff.chunk(b"ICCP", old[b"ICCP"])] if b"ICCP" in old else []
    pieces += [made[one.start : one.end] for one in rest if one.kind not in _WEBP_FLAGS]
    pieces += [riff.chunk(kind, old[kind]) for kind in (b"EXIF", b"XMP ") if kind in old]
    return riff.form(b"WEBP", pieces)
