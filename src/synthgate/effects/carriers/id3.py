"""ID3v2 tags: the label is a user text frame (TXXX) with the description ``AIGC`` (ID3v2.3, ID3v2.4)."""

from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import KEY, CarrierError, Place, place

HEAD_BYTES: Final = 10
TAG_BYTES_MAX: Final = 32 << 20
_FRAMES_MAX: Final = 10_000
_PADDING_BYTES: Final = 64
"""Room behind the last frame: some readers doubt the size of a frame that ends with the tag."""
_UNSYNC, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_FRAME_UNSYNC, _FRAME_LENGTH = 0x02, 0x01
_FRAME_PACKED_V3, _FRAME_PACKED_V4 = 0x00C0, 0x000C
_ENCODINGS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")


class _Frame(NamedTuple):
    name: bytes
    flags: int
    body: bytes
    whole: bytes


class Tag(NamedTuple):
    """A tag taken apart: major version, frames, and how many bytes of the file it took."""

    version: int
    frames: list[_Frame]
    size: int


def size(data: bytes, at: int = 0) -> int:
    """How many bytes the tag at a position takes; 0 if there is none."""
    head = data[at : at + HEAD_BYTES]
    if len(head) < HEAD_BYTES or head[:3] != b"ID3" or head[3] == 0xFF or max(head[6:10]) > 0x7F:
        return 0
    return HEAD_BYTES + _synchsafe(head[6:10]) + (HEAD_BYTES if head[5] & _FOOTER else 0)


def read(data: bytes, where: str) -> list[Place]:
    """Labels of the tag at the start of ``data``.

    Raises:
        CarrierError: the tag cannot be taken apart.
    """
    found = []
    for frame in _taken_apart(data).frames:
        text = _label_text(frame, version=data[3])
        if text is not None:
            found.append(place(f"{where} TXXX AIGC", text))
    return found


def write(data: bytes, value: bytes | None) -> bytes:
    """The tag at the start of ``data`` with this label alone; a new one if there is none.

    Raises:
        CarrierError: as ``read``; ID3v2.2 cannot carry a label; no room.
    """
    if not size(data):
        version, kept = 4, []
    else:
        tag = _taken_apart(data)
        version = tag.version
        kept = [f.whole for f in tag.frames if _label_text(f, version=version) is None]
    if version < 3:
        raise CarrierError("unsupported", "an ID3v2.2 tag has no place for the label")
    if value is not None:
        body = b"\x00" + KEY.encode() + b"\x00" + value
        length = _to_synchsafe(len(body)) if version == 4 else len(body).to_bytes(4, "big")
        kept.append(b"TXXX" + length + b"\x00\x00" + body)
    frames = b"".join(kept)
    frames += bytes(_PADDING_BYTES)
    return b"ID3" + bytes([version, 0, 0]) + _to_synchsafe(len(frames)) + frames


def _taken_apart(data: bytes) -> Tag:
    whole = size(data)
    if not whole:
        raise CarrierError("broken", "no ID3v2 tag where one should be")
    if whole > len(data):
        raise CarrierError("truncated", "the ID3v2 tag reaches past the end")
    if whole > TAG_BYTES_MAX:
        raise CarrierError("too_much", f"an ID3v2 tag of more than {TAG_BYTES_MAX} bytes")
    version, flags = data[3], data[5]
    body = data[HEAD_BYTES : whole - (HEAD_BYTES if flags & _FOOTER else 0)]
    if version not in (2, 3, 4):
        raise CarrierError("unsupported", f"an ID3v2.{version} tag")
    if flags & _UNSYNC and version < 4:
        body = body.replace(b"\xff\x00", b"\xff")
    if flags & _EXTENDED and version > 2:
        length = _synchsafe(body[:4]) if version == 4 else int.from_bytes(body[:4], "big") + 4
        body = body[length:]
    return Tag(version, _frames(body, version), whole)


def _frames(body: bytes, version: int) -> list[_Frame]:
    found: list[_Frame] = []
    head = 6 if version == 2 else 10
    at = 0
    while at + head <= len(body) and body[at]:
        name = body[at : at + (3 if version == 2 else 4)]
        if version == 2:
            length, flags = int.from_bytes(body[at + 3 : at + 6], "big"), 0
        else:
            field = body[at + 4 : at + 8]
            length = _synchsafe(field) if version == 4 else int.from_bytes(field, "big")
            flags = int.from_bytes(body[at + 8 : at + 10], "big")
        end = at + head + length
        if not name.isalnum() or end > len(body) or len(found) >= _FRAMES_MAX:
            raise CarrierError("broken", "an ID3v2 frame that does not fit its tag")
        found.append(_Frame(name, flags, body[at + head : end], body[at:end]))
        at = end
    return found


def _label_text(frame: _Frame, *, version: int) -> str | None:
    """The value of a label's frame; None for any other frame."""
    if frame.name not in (b"TXXX", b"TXX") or not frame.body:
        return None
    body = frame.body
    if frame.flags & (_FRAME_PACKED_V4 if version == 4 else _FRAME_PACKED_V3):
        raise CarrierError("unsupported", "a compressed or encrypted ID3v2 user text")
    if version == 4 and frame.flags & _FRAME_LENGTH:
        body = body[4:]
    if version == 4 and frame.flags & _FRAME_UNSYNC:
        body = body.replace(b"\xff\x00", b"\xff")
    encoding = body[0] if body else 0
    if encoding >= len(_ENCODINGS):
        raise CarrierError("broken", "an ID3v2 text of unknown encoding")
    description, found, text = _halves(body[1:], encoding)
    return text.rstrip("\x00") if found and KEY in description else None


def _halves(body: bytes, encoding: int) -> tuple[str, bool, str]:
    """Description and value; UTF-16 ends at a pair of zeros on an even position."""
    name = _ENCODINGS[encoding]
    if encoding in (0, 3):
        first, found, second = body.partition(b"\x00")
        return first.decode(name, "replace"), bool(found), second.decode(name, "replace")
    at = body.find(b"\x00\x00")
    while at >= 0 and at % 2:
        at = body.find(b"\x00\x00", at + 1)
    if at < 0:
        return "", False, ""
    return body[:at].decode(name, "replace"), True, body[at + 2 :].decode(name, "replace")


def _synchsafe(field: bytes) -> int:
    if len(field) < 4 or max(field) > 0x7F:
        raise CarrierError("broken", "an ID3v2 size that is not synchsafe")
    return field[0] << 21 | field[1] << 14 | field[2] << 7 | field[3]


def _to_synchsafe(number: int) -> bytes:
    if number >= 1 << 28:
        raise CarrierError("no_room", "an ID3v2 tag of more than 256 MiB")
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
