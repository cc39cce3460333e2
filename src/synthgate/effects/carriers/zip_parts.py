"""ZIP as office documents use it: parts by name; what is not changed is copied packed, as it lies.

No part is ever written to a file system, so a name cannot lead out of a folder; such names, two parts of one
name, encrypted parts and bytes between parts are refused all the same, for others do unpack.
"""

import re
import struct
import zlib
from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import CarrierError

PARTS_MAX: Final = 50_000
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_COMMENT_BYTES_MAX: Final = 65_535
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_LOCAL: Final = struct.Struct("<4s5H3I2H")
_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 0x0001, 0x0008, 0x0800
_DESCRIPTOR_BYTES_MAX: Final = 24
_LEADS_OUT: Final = re.compile(r"^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\x00|\\")
_EARLIEST: Final = 0x0021  # 1980-01-01, so that the same document gives the same bytes


class Part(NamedTuple):
    """One part: ``span`` of the file it takes, with its head; where its packed body lies."""

    name: str
    central: bytes
    start: int
    body: int
    body_end: int
    end: int
    method: int
    size: int
    checksum: int


class Parts(NamedTuple):
    """A whole archive. ``comment``: what stands behind its directory."""

    data: bytes
    parts: dict[str, Part]
    comment: bytes

    def read(self, name: str, bytes_max: int) -> bytes:
        """A part's bytes.

        Raises:
            CarrierError: not there, larger than allowed, or not what its checksum says.
        """
        part = self.parts.get(name)
        if part is None:
            raise CarrierError("broken", f"the document has no {name}")
        packed = self.data[part.body : part.body_end]
        if part.size > bytes_max:
            raise CarrierError("too_much", f"{name} of more than {bytes_max} bytes")
        plain = packed
        if part.method == _DEFLATED:
            try:
                plain = zlib.decompressobj(-15).decompress(packed, bytes_max + 1)
            except zlib.error as error:
                raise CarrierError("broken", f"{name} does not inflate: {error}") from None
        elif part.method != _STORED:
            raise CarrierError("unsupported", f"{name} is packed in an unusual way")
        if len(plain) != part.size or zlib.crc32(plain) != part.checksum:
            raise CarrierError("broken", f"{name} is not what its checksum says")
        return plain


def open_parts(data: bytes) -> Parts:
    """The archive that fills these bytes.

    Raises:
        CarrierError: it does not, or something in it is not for a document.
    """
    at = data.rfind(_END, max(0, len(data) - _END_BYTES - _COMMENT_BYTES_MAX))
    if at < 0 or at + _END_BYTES > len(data):
        raise CarrierError("truncated", "the document has no directory of its parts")
    disk, first_disk, here, count, size, start, comment = struct.unpack_from("<4H2IH", data, at + 4)
    if at + _END_BYTES + comment != len(data):
        raise CarrierError("broken", "bytes behind the document's directory")
    if (
        (disk, first_disk) != (0, 0)
        or here != count
        or 0xFFFFFFFF in (size, start)
        or count == 0xFFFF
    ):
        raise CarrierError("unsupported", "a document of several disks or more than 4 GiB (ZIP64)")
    if start + size != at or count > PARTS_MAX:
        raise CarrierError("broken", "the document's directory is not where it says")
    rows = _directory(data, start, at, count)
    ends = [offset for offset, _, _ in rows[1:]] + [start]
    found: dict[str, Part] = {}
    if rows and rows[0][0] != 0:
        raise CarrierError("broken", "bytes in front of the document")
    for (offset, name, central), end in zip(rows, ends, strict=True):
        if name in found:
            raise CarrierError("broken", "two parts of one name")
        found[name] = _part(data, offset, name, central, end)
    return Parts(data, found, data[at + _END_BYTES :])


def _directory(data: bytes, at: int, end: int, count: int) -> list[tuple[int, str, bytes]]:
    """Offset, name and record of each part, in the order they lie in."""
    rows = []
    for _ in range(count):
        if at + _CENTRAL.size > end:
            raise CarrierError("broken", "half a record in the document's directory")
        row = _CENTRAL.unpack_from(data, at)
        last = at + _CENTRAL.size + row[10] + row[11] + row[12]
        if row[0] != b"PK\x01\x02" or last > end:
            raise CarrierError(
                "broken", "no record in the document's directory where one should be"
            )
        raw = data[at + _CENTRAL.size : at + _CENTRAL.size + row[10]]
        name = raw.decode("utf-8" if row[3] & _UTF8 else "cp437", "replace")
        if _LEADS_OUT.search(name):
            raise CarrierError("broken", "a part whose name leads out of the document")
        if row[3] & _ENCRYPTED:
            raise CarrierError("encrypted", "an encrypted part")
        rows.append((row[16], name, data[at:last]))
        at = last
    if at != end:
        raise CarrierError("broken", "bytes behind the records of the document's directory")
    return sorted(rows)


def _part(data: bytes, offset: int, name: str, central: bytes, end: int) -> Part:
    row = _CENTRAL.unpack_from(central)
    if offset + _LOCAL.size > end:
        raise CarrierError("broken", "parts that overlap")
    local = _LOCAL.unpack_from(data, offset)
    body = offset + _LOCAL.size + local[9] + local[10]
    raw = data[offset + _LOCAL.size : offset + _LOCAL.size + local[9]]
    if local[0] != b"PK\x03\x04" or raw != central[_CENTRAL.size : _CENTRAL.size + row[10]]:
        raise CarrierError("broken", "a part that is not where the directory says")
    body_end = body + row[8]
    gap = end - body_end
    if gap < 0 or gap > (_DESCRIPTOR_BYTES_MAX if row[3] & _DESCRIPTOR else 0):
        raise CarrierError("broken", "bytes between the parts, or parts that overlap")
    return Part(name, central, offset, body, body_end, end, row[4], row[9], row[7])


def replaced(archive: Parts, changed: dict[str, bytes]) -> bytes:
    """The archive with parts replaced or added; all others are copied as they lie.

    Raises:
        CarrierError: more than the format can say without ZIP64.
    """
    pieces: list[bytes] = []
    directory: list[bytes] = []
    at = 0
    waiting = dict(changed)
    for part in archive.parts.values():
        new = waiting.pop(part.name, None)
        if new is None:
            piece, central = archive.data[part.start : part.end], part.central
        else:
            piece, central = _packed(part.name, new)
        directory.append(central[:42] + at.to_bytes(4, "little") + central[46:])
        pieces.append(piece)
        at += len(piece)
    for name, new in waiting.items():
        piece, central = _packed(name, new)
        directory.append(central[:42] + at.to_bytes(4, "little") + central[46:])
        pieces.append(piece)
        at += len(piece)
    size = sum(map(len, directory))
    if at + size > 0xFFFFFFFE or len(directory) > PARTS_MAX:
        raise CarrierError("no_room", "a document of more than 4 GiB")
    count = len(directory)
    end = _END + struct.pack("<4H2IH", 0, 0, count, count, size, at, len(archive.comment))
    return b"".join([*pieces, *directory, end, archive.comment])


def _packed(name: str, plain: bytes) -> tuple[bytes, bytes]:
    """A part's bytes with their head, and its directory record."""
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush()
    raw = name.encode()
    flags = 0 if raw.isascii() else _UTF8
    common = (20, flags, _DEFLATED, 0, _EARLIEST, zlib.crc32(plain), len(packed), len(plain))
    local = _LOCAL.pack(b"PK\x03\x04", *common, len(raw), 0)
    central = _CENTRAL.pack(b"PK\x01\x02", 20, *common, len(raw), 0, 0, 0, 0, 0, 0)
    return local + raw + packed, central + raw
