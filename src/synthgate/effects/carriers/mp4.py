"""MP4, M4A and MOV: the label is the key ``AIGC`` of ``moov.udta.meta`` (handler mdta), its value in ``ilst``.

The iTunes list (handler mdir) that may stand beside it is another box and stays; so do all samples. If the
movie box stands in front of them, the tables that point at them are shifted.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

from synthgate.effects.carriers import xmp
from synthgate.effects.carriers.carrier import (
    KEY,
    VALUE_BYTES_MAX,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
)  # fmt: skip
from synthgate.effects.carriers.mp4_boxes import (
    TOP_BOXES_MAX,
    Box,
    box,
    boxes,
    child,
    moved,
    moved_fragment,
)  # fmt: skip

_PLACE: Final = "moov.udta.meta key AIGC"
_OWN: Final = KEY.encode()
_MOOV_BYTES_MAX: Final = 64 << 20
_TRACKS_MAX: Final = 256
_XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_C2PA_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_UTF8: Final = 1
_MDTA: Final = b"mdta"
_MOVIE_BRANDS: Final = (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip", b"pnot")
_PICTURE_BRANDS: Final = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis")
_HANDLER: Final = box(b"hdlr", bytes(8) + _MDTA + bytes(13))


class Keyed(NamedTuple):
    """A meta box taken apart: where its children begin, its handler, its keys and items."""

    first: int
    handler: bytes
    keys: list[bytes]
    children: list[Box]


def _claims(head: bytes) -> bool:
    return head[4:8] in _MOVIE_BRANDS and head[8:12] not in _PICTURE_BRANDS


def _claims_m4a(head: bytes) -> bool:
    return head[4:12] in (b"ftypM4A ", b"ftypM4B ")


def _claims_mov(head: bytes) -> bool:
    return _claims(head) and (head[4:8] != b"ftyp" or head[8:12] == b"qt  ")


def movie(data: bytes) -> tuple[list[Box], Box]:
    """The boxes of a file, and the one that describes it.

    Raises:
        CarrierError: none, more than one, too large, or no samples.
    """
    top = boxes(data, 0, len(data), TOP_BOXES_MAX)
    movies = [one for one in top if one.kind == b"moov"]
    if len(movies) != 1:
        raise CarrierError("broken", f"{len(movies)} moov boxes where one belongs")
    if movies[0].end - movies[0].start > _MOOV_BYTES_MAX:
        raise CarrierError("too_much", f"a moov of more than {_MOOV_BYTES_MAX} bytes")
    tracks = boxes(data, movies[0].body, movies[0].end)
    if sum(one.kind == b"trak" for one in tracks) > _TRACKS_MAX:
        raise CarrierError("too_much", f"more than {_TRACKS_MAX} tracks")
    if not any(one.kind in (b"mdat", b"moof") for one in top):
        raise CarrierError("truncated", "a movie without samples")
    return top, movies[0]


def meta_of(data: bytes, one: Box) -> Keyed:
    """A meta box taken apart."""
    # In ISO files a full box with version and flags; in QuickTime's own a plain one.
    first = one.body if data[one.body + 4 : one.body + 8] == b"hdlr" else one.body + 4
    children = boxes(data, first, one.end)
    handler = child(children, b"hdlr")
    kind = data[handler.body + 8 : handler.body + 12] if handler else b""
    keys = child(children, b"keys")
    names = []
    if keys is not None:
        names = [data[key.body : key.end] for key in boxes(data, keys.body + 8, keys.end)]
    return Keyed(first, kind, names, children)


def items_of(data: bytes, meta: Keyed) -> Iterator[tuple[bytes, Box]]:
    """Items with the name of their key."""
    items = child(meta.children, b"ilst")
    for item in boxes(data, items.body, items.end) if items else ():
        index = int.from_bytes(item.kind, "big")
        if meta.handler == _MDTA:
            yield (meta.keys[index - 1] if 0 < index <= len(meta.keys) else b""), item
        elif item.kind == b"----":
            name = child(boxes(data, item.body, item.end), b"name")
            yield (data[name.body + 4 : name.end] if name else b""), item
        else:
            yield item.kind, item


def _values(data: bytes, item: Box) -> list[bytes]:
    found = [one for one in boxes(data, item.body, item.end) if one.kind == b"data"]
    return [data[one.body + 8 : min(one.end, one.body + 8 + VALUE_BYTES_MAX)] for one in found]


def _labels(data: bytes, start: int, end: int, path: str) -> Iterator[Place]:
    """Labels in the metadata of one box: the movie, its user data, a track."""
    for one in boxes(data, start, end):
        if one.kind == b"udta":
            yield from _labels(data, one.body, one.end, f"{path}.udta")
        elif one.kind == b"trak":
            yield from _labels(data, one.body, one.end, f"{path}.trak")
        elif one.kind == b"meta":
            meta = meta_of(data, one)
            keyed = meta.handler == _MDTA
            for name, item in items_of(data, meta):
                if _OWN in name:
                    where = (
                        f"{path}.meta {'key' if keyed else 'iTunes item'} {name.decode('latin-1')}"
                    )
                    for value in _values(data, item):
                        yield place(where, value, proper=where == _PLACE)
        elif one.kind == b"XMP_":
            yield from xmp.read(data[one.body : one.end], f"{path}.XMP_", proper=False)


def _parse(data: bytes) -> Parsed:
    top, moov = movie(data)
    parsed = Parsed(list(_labels(data, moov.body, moov.end, "moov")), [])
    for one in top:
        if one.kind == b"uuid" and data[one.body : one.body + 16] == _XMP_UUID:
            parsed.places.extend(xmp.read(data[one.body + 16 : one.end], "uuid XMP", proper=False))
        elif one.kind == b"uuid" and data[one.body : one.body + 16] == _C2PA_UUID:
            parsed.notes.append("C2PA manifest")
        elif one.kind == b"meta" and data.find(_OWN, one.start, one.end) >= 0:
            raise CarrierError("unsupported", "the label's name stands in a meta box of the file")
    return parsed


def _rewrite(data: bytes, value: bytes) -> bytes:
    top, moov = movie(data)
    if data.find(b"sinf", moov.start, moov.end) >= 0 or any(one.kind == b"pssh" for one in top):
        raise CarrierError("encrypted", "an encrypted movie")
    if any(one.kind in (b"meta", b"sidx", b"ssix") and one.start < moov.start for one in top):
        raise CarrierError("unsupported", "an index in front of the moov")
    old = _without(data, moov)
    new = box(b"moov", *old, _user_data(data, moov, value))
    delta = len(new) - (moov.end - moov.start)
    pieces: list[bytes | memoryview] = []
    view = memoryview(data)
    for one in top:
        if one is moov:
            pieces.append(moved(data, moov, new, delta) if delta else new)
        elif one.kind in (b"moof", b"mfra") and delta:
            pieces.append(moved_fragment(data, one, moov.start, delta))
        elif one.kind == b"uuid" and data[one.body : one.body + 16] == _XMP_UUID:
            body = data[one.body + 16 : one.end]
            if xmp.read(body, ""):
                raise CarrierError("unsupported", "the label stands in an XMP box of the file")
            pieces.append(view[one.start : one.end])
        else:
            pieces.append(view[one.start : one.end])
    return b"".join(pieces)


def _without(data: bytes, moov: Box) -> list[bytes]:
    """Children of the movie but for its user data, without labels of their own."""
    kept = []
    for one in boxes(data, moov.body, moov.end):
        if one.kind == b"meta":
            kept.append(_meta_without(data, one))
        elif one.kind == b"trak" and any(_labels(data, one.body, one.end, "")):
            raise CarrierError("unsupported", "a label stands in a track")
        elif one.kind != b"udta":
            kept.append(data[one.start : one.end])
    return kept


def _user_data(data: bytes, moov: Box, value: bytes) -> bytes:
    """The movie's user data with the label: in its keyed meta box, or a new one behind the others."""
    kept, done = [], False
    for outer in boxes(data, moov.body, moov.end):
        if outer.kind != b"udta":
            continue
        for one in boxes(data, outer.body, outer.end):
            if one.kind == b"meta" and meta_of(data, one).handler == _MDTA and not done:
                kept.append(_meta_without(data, one, value))
                done = True
            elif one.kind == b"meta":
                kept.append(_meta_without(data, one))
            elif one.kind == b"XMP_" and xmp.mentions(data[one.body : one.end]):
                kept.append(box(b"XMP_", xmp.write(data[one.body : one.end], None)))
            else:
                kept.append(data[one.start : one.end])
    if not done:
        kept.append(_keyed([(_OWN, value)], [], bytes(4)))
    return box(b"udta", *kept)


def _meta_without(data: bytes, one: Box, value: bytes | None = None) -> bytes:
    """A meta box without labels; with this one, if it is a keyed box and a value is given."""
    meta = meta_of(data, one)
    named = list(items_of(data, meta))
    if value is None and not any(_OWN in name for name, _ in named):
        return data[one.start : one.end]
    head = data[one.body : meta.first]
    if meta.handler != _MDTA:
        items = box(
            b"ilst", *(data[item.start : item.end] for name, item in named if _OWN not in name)
        )
        others = [
            items if part.kind == b"ilst" else data[part.start : part.end] for part in meta.children
        ]
        return box(b"meta", head, *others)
    items_kept = [(name, data[item.body : item.end]) for name, item in named if _OWN not in name]
    others = [
        data[part.start : part.end]
        for part in meta.children
        if part.kind not in (b"hdlr", b"keys", b"ilst")
    ]
    handler = child(meta.children, b"hdlr")
    handler_bytes = data[handler.start : handler.end] if handler else _HANDLER
    return _keyed([] if value is None else [(_OWN, value)], items_kept, head, handler_bytes, others)


def _keyed(
    new: list[tuple[bytes, bytes]],
    kept: list[tuple[bytes, bytes]],
    head: bytes,
    handler: bytes = _HANDLER,
    others: list[bytes] | None = None,
) -> bytes:
    """A meta box of handler mdta from items by key: those kept as they are, new ones as UTF-8."""
    data_head = _UTF8.to_bytes(4, "big") + bytes(4)
    rows = kept + [(name, box(b"data", data_head, value)) for name, value in new]
    keys = box(
        b"keys", bytes(4), len(rows).to_bytes(4, "big"), *(box(_MDTA, name) for name, _ in rows)
    )
    items = box(
        b"ilst", *(box(number.to_bytes(4, "big"), body) for number, (_, body) in enumerate(rows, 1))
    )
    return box(b"meta", head, handler, keys, items, *(others or []))


_MP4_SUFFIXES: Final = (".mp4", ".m4v")
MP4: Final = Carrier(
    "mp4", "video", "video/mp4", _MP4_SUFFIXES, _PLACE, "TC260-PG-20257A", _claims, _parse, _rewrite
)
M4A: Final = replace(
    MP4, name="m4a", medium="audio", media_type="audio/mp4", suffixes=(".m4a", ".m4b"),
    guide="TC260-PG-202510A", claims=_claims_m4a,
)  # fmt: skip
MOV: Final = replace(
    MP4, name="mov", media_type="video/quicktime", suffixes=(".mov", ".qt"), claims=_claims_mov
)
