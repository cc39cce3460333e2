"""Matroska and WebM: the label is a SimpleTag ``AIGC`` in the Tags of the segment.

Clusters are never moved. New Tags go behind everything else and the SeekHead is told; where they stood stays a
Void. A segment without SeekHead and Cues (live recordings) has nothing that points anywhere: there they go in
front of the first cluster.
"""

from typing import Final, NamedTuple

from synthgate.effects.carriers import ebml
from synthgate.effects.carriers.carrier import (
    KEY,
    VALUE_BYTES_MAX,
    Carrier,
    CarrierError,
    Parsed,
    Place,
    place,
)  # fmt: skip
from synthgate.effects.carriers.ebml import Element, element, elements

_PLACE: Final = "Tags SimpleTag AIGC"
_EBML, _SEGMENT, _SEEK_HEAD, _CLUSTER, _CUES = (
    0x1A45DFA3, 0x18538067, 0x114D9B74, 0x1F43B675, 0x1C53BB6B,
)  # fmt: skip
_INFO, _TRACKS, _TAGS, _ATTACHMENTS, _CHAPTERS = (
    0x1549A966, 0x1654AE6B, 0x1254C367, 0x1941A469, 0x1043A770,
)  # fmt: skip
_TOP: Final = (_SEEK_HEAD, _CLUSTER, _CUES, _INFO, _TRACKS, _TAGS, _ATTACHMENTS, _CHAPTERS)
_VOID, _CRC = 0xEC, 0xBF
_TAG, _TARGETS, _SIMPLE, _NAME, _STRING = 0x7373, 0x63C0, 0x67C8, 0x45A3, 0x4487
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_TAGS_BYTES_MAX: Final = 1 << 19
_ELEMENTS_MAX: Final = 100_000
"""Each costs some microseconds, and a file is read three times when it is labelled."""
_NESTED_MAX: Final = 8
_OWN: Final = KEY.encode()


class _File(NamedTuple):
    segment: Element
    parts: list[Element]


def _claims(head: bytes) -> bool:
    return head.startswith(b"\x1a\x45\xdf\xa3")


def _file(data: bytes) -> _File:
    kind, size, body = ebml.head(data, 0)
    if kind != _EBML or size == ebml.UNKNOWN:
        raise CarrierError("broken", "no EBML head")
    start = body + size
    kind, size, body = ebml.head(data, start)
    if kind != _SEGMENT:
        raise CarrierError("broken", "no Matroska segment behind the EBML head")
    end = len(data) if size == ebml.UNKNOWN else body + size
    if end > len(data):
        raise CarrierError("truncated", "the Matroska segment reaches past the end")
    if end < len(data):
        raise CarrierError("unsupported", "bytes behind the Matroska segment")
    parts = _parts(data, body, end)
    if sum(part.end - part.start for part in parts if part.kind == _TAGS) > _TAGS_BYTES_MAX:
        raise CarrierError("too_much", f"Tags of more than {_TAGS_BYTES_MAX} bytes")
    if not any(part.kind == _CLUSTER for part in parts):
        raise CarrierError("truncated", "a Matroska without clusters")
    return _File(Element(_SEGMENT, start, body, end, size == ebml.UNKNOWN), parts)


def _parts(data: bytes, start: int, end: int) -> list[Element]:
    """Elements of the segment; a cluster of unknown size lasts until the next element of this level."""
    found: list[Element] = []
    at, left = start, _ELEMENTS_MAX
    while at < end:
        kind, size, body = ebml.head(data, at)
        left -= 1
        if size == ebml.UNKNOWN:
            if kind != _CLUSTER:
                raise CarrierError("broken", f"an element of unknown size at byte {at}")
            last, left = _cluster_end(data, body, end, left)
        else:
            last = body + size
        if last > end:
            raise CarrierError("truncated", f"a Matroska element at byte {at} reaches past the end")
        found.append(Element(kind, at, body, last, size == ebml.UNKNOWN))
        if left <= 0:
            raise CarrierError("too_much", f"more than {_ELEMENTS_MAX} Matroska elements")
        at = last
    return found


def _cluster_end(data: bytes, at: int, end: int, left: int) -> tuple[int, int]:
    """Where a cluster of unknown size ends, and how many elements may follow."""
    while at < end and left > 0:
        kind, size, body = ebml.head(data, at)
        if kind in _TOP:
            break
        left -= 1
        if size == ebml.UNKNOWN or body + size > end:
            raise CarrierError("truncated", f"a cluster breaks off at byte {at}")
        at = body + size
    return at, left


def _parse(data: bytes) -> Parsed:
    found: list[Place] = []
    for part in _file(data).parts:
        if part.kind == _TAGS:
            found += _labels(data, part)
    return Parsed(found, [])


def _labels(data: bytes, tags: Element) -> list[Place]:
    found: list[Place] = []
    for tag in elements(data, tags.body, tags.end):
        if tag.kind == _TAG:
            children = elements(data, tag.body, tag.end)
            of_track = _is_of_part(data, children)
            where = "Tags of a part SimpleTag AIGC" if of_track else _PLACE
            for simple in children:
                if simple.kind == _SIMPLE:
                    found += _simple(data, simple, where, proper=not of_track)
    return found


def _is_of_part(data: bytes, children: list[Element]) -> bool:
    """Whether the targets name a track, edition, chapter or attachment instead of the whole."""
    numbers = (0x63C5, 0x63C9, 0x63C4, 0x63C6)
    return any(
        inner.kind in numbers and any(data[inner.body : inner.end])
        for one in children
        if one.kind == _TARGETS
        for inner in elements(data, one.body, one.end)
    )


def _simple(
    data: bytes, simple: Element, where: str, *, proper: bool, depth: int = 0
) -> list[Place]:
    if depth > _NESTED_MAX:
        raise CarrierError("too_much", "SimpleTags nested too deep")
    found: list[Place] = []
    children = elements(data, simple.body, simple.end)
    name = next((data[one.body : one.end] for one in children if one.kind == _NAME), b"")
    for one in children:
        if one.kind == _STRING and _OWN in name:
            value = data[one.body : min(one.end, one.body + VALUE_BYTES_MAX)].rstrip(b"\x00")
            found.append(place(where, value, proper=proper and not depth))
        elif one.kind == _SIMPLE:
            found += _simple(data, one, f"nested {where}", proper=False, depth=depth + 1)
    return found


def _rewrite(data: bytes, value: bytes) -> bytes:
    file = _file(data)
    kept: list[bytes] = []
    for part in file.parts:
        if part.kind == _TAGS:
            kept += _tags_kept(data, part)
    label = element(_SIMPLE, element(_NAME, _OWN), element(_STRING, value))
    tags = element(_TAGS, *kept, element(_TAG, element(_TARGETS), label))
    kinds = {part.kind for part in file.parts}
    if not kinds & {_SEEK_HEAD, _CUES}:
        return _in_front(data, file, tags)
    return _behind(data, file, tags)


def _tags_kept(data: bytes, tags: Element) -> list[bytes]:
    """Tags but for the labels; a tag that held nothing else goes with its label."""
    _labels(data, tags)
    kept = []
    for tag in elements(data, tags.body, tags.end):
        children = elements(data, tag.body, tag.end) if tag.kind == _TAG else []
        own = [
            one for one in children if one.kind == _SIMPLE and _simple(data, one, "", proper=True)
        ]
        if not own:
            if tag.kind not in (_CRC, _VOID):
                kept.append(data[tag.start : tag.end])
            continue
        others = [one for one in children if one not in own and one.kind != _CRC]
        if any(one.kind == _SIMPLE for one in others):
            kept.append(element(_TAG, *(data[one.start : one.end] for one in others)))
    return kept


def _in_front(data: bytes, file: _File, tags: bytes) -> bytes:
    parts = [part for part in file.parts if part.kind != _TAGS]
    first = next(at for at, part in enumerate(parts) if part.kind == _CLUSTER)
    body = [data[part.start : part.end] for part in parts]
    body.insert(first, tags)
    return b"".join([data[: file.segment.start], *_segment(file, body)])


def _segment(file: _File, body: list[bytes]) -> list[bytes]:
    size = sum(map(len, body))
    field = b"\x01" + b"\xff" * 7 if file.segment.unknown else ebml.sized(size, 8)
    return [ebml.identifier(_SEGMENT), field, *body]


def _behind(data: bytes, file: _File, tags: bytes) -> bytes:
    """Old Tags become Void (or end with the file), new ones are appended, the SeekHead points at them."""
    parts = list(file.parts)
    while parts[-1].kind in (_TAGS, _VOID):
        parts.pop()
    if parts[-1].unknown and file.segment.unknown:
        raise CarrierError("unsupported", "a live recording with an index")
    position = parts[-1].end - file.segment.body
    pieces: list[bytes] = []
    at, told = 0, False
    while at < len(parts):
        part = parts[at]
        at += 1
        if part.kind == _SEEK_HEAD and not told:
            room = part.end
            while at < len(parts) and parts[at].kind in (_VOID, _TAGS):
                room, at = parts[at].end, at + 1
            pieces.append(_seek_head(data, part, room - part.start, position))
            told = True
        elif part.kind == _SEEK_HEAD:
            pieces.append(_without_tags(data, part))
        elif part.kind == _TAGS:
            pieces.append(ebml.void(part.end - part.start))
        else:
            pieces.append(data[part.start : part.end])
    return b"".join([data[: file.segment.start], *_segment(file, [*pieces, tags])])


def _seeks(data: bytes, head: Element) -> list[tuple[int, bytes]]:
    """Entries of a SeekHead: what they point at, and their bytes."""
    found = []
    for seek in elements(data, head.body, head.end):
        if seek.kind == _SEEK:
            kind = 0
            for one in elements(data, seek.body, seek.end):
                if one.kind == _SEEK_ID:
                    kind = int.from_bytes(data[one.body : one.end], "big")
            found.append((kind, data[seek.start : seek.end]))
    return found


def _seek_head(data: bytes, head: Element, room: int, position: int) -> bytes:
    kept = [whole for kind, whole in _seeks(data, head) if kind != _TAGS]
    least = (position.bit_length() + 7) // 8
    # A position may be written one byte longer, lest one byte be left over: too few for a Void.
    for width in (least, least + 1):
        seek_id = element(_SEEK_ID, ebml.identifier(_TAGS))
        entry = element(_SEEK, seek_id, element(_SEEK_POSITION, position.to_bytes(width, "big")))
        new = element(_SEEK_HEAD, *kept, entry)
        if len(new) == room:
            return new
        if len(new) + 2 <= room:
            return new + ebml.void(room - len(new))
    raise CarrierError("no_room", "the SeekHead has no room to point at the label")


def _without_tags(data: bytes, head: Element) -> bytes:
    if any(kind == _TAGS for kind, _ in _seeks(data, head)):
        raise CarrierError("unsupported", "a second SeekHead that points at Tags")
    return data[head.start : head.end]


CARRIER: Final = Carrier(
    "matroska", "video", "video/x-matroska", (".mkv", ".webm", ".mka"), _PLACE, "TC260-PG-20257A",
    _claims, _parse, _rewrite,
)  # fmt: skip
