"""The segment file: one batch of entries, written once and never changed.

    magic and version line
    entries, each: header length (4), ciphertext length (4), clear header JSON, ciphertext
    footer JSON
    trailer: footer length (8), SHA-256 (32), end magic (8)

Every byte is covered by exactly one check: the trailer's hash runs over the magic line, the footer
and its length; the footer holds the leaf hash and the size of each entry. So a footer read alone is
already proved whole, which is what lets a log open fast, and any flipped bit of the file is found.

A leaf hash is SHA-256(0x00 || entry as stored), the leaf of RFC 6962. The lengths belong to the
entry, so the border between header and ciphertext is proved too.
"""

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

import orjson

from synthgate.events.origin import Origin
from synthgate.ledger.errors import EntryDamaged, SegmentDamaged
from synthgate.ledger.log_ids import partition_of

MAGIC = b"synthgate segment 1\n"
_END = b"SGSEGEND"
_LENGTHS = struct.Struct(">II")
_TRAILER = struct.Struct(">Q32s8s")
LEAF_BYTES = 32
TRAILER_BYTES = _TRAILER.size


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What opening a log needs to know of a segment, in columns: row *n* is entry ``first + n``.

    ``sources`` lists the (epoch, topic) pairs that occur and ``source_of`` says which is whose.
    Mappings hold only the rows that have something to say. ``spans``: how many offsets an entry
    accounts for, where not one. ``users``: key id to user token, so that erasure finds its keys.
    """

    log: int
    first: int
    recorded_at: int
    sizes: Sequence[int]
    leaves: bytes
    sources: Sequence[tuple[int, str]]
    source_of: Sequence[int]
    offsets: Sequence[int]
    revisions: Sequence[int]
    roots: Mapping[int, Origin]
    answers: Mapping[int, int]
    ids: Mapping[int, bytes]
    spans: Mapping[int, int]
    users: Mapping[str, str]

    @property
    def count(self) -> int:
        """How many entries the segment holds."""
        return len(self.sizes)

    @property
    def end(self) -> int:
        """The index of the entry after the last."""
        return self.first + len(self.sizes)

    @cached_property
    def starts(self) -> list[int]:
        """Where each entry starts in the file; one more for where the last one ends."""
        return list(accumulate(self.sizes, initial=len(MAGIC)))

    def leaf(self, row: int) -> bytes:
        """The leaf hash of a row."""
        return self.leaves[row * LEAF_BYTES : (row + 1) * LEAF_BYTES]

    def origin(self, row: int) -> Origin:
        """The origin of a row."""
        epoch, topic = self.sources[self.source_of[row]]
        return Origin(epoch, topic, partition_of(self.log), self.offsets[row])


def encode_entry(header: bytes, ciphertext: bytes) -> bytes:
    """One entry as stored."""
    return b"".join((_LENGTHS.pack(len(header), len(ciphertext)), header, ciphertext))


def decode_entry(entry: bytes, where: str) -> tuple[bytes, bytes]:
    """The header and the ciphertext of an entry as stored. Raises EntryDamaged."""
    if len(entry) >= _LENGTHS.size:
        header_bytes, cipher_bytes = _LENGTHS.unpack_from(entry)
        border = _LENGTHS.size + header_bytes
        if border + cipher_bytes == len(entry):
            return entry[_LENGTHS.size : border], entry[border:]
    raise EntryDamaged(f"{where}: lengths do not add up")


def leaf_hash(entry: bytes) -> bytes:
    """The Merkle leaf of an entry as stored (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def encode_segment(footer: Footer, entries: Sequence[bytes]) -> bytes:
    """The whole file. ``footer.sizes`` and ``.leaves`` must be those of ``entries``."""
    tail = _footer_json(footer)
    length = len(tail)
    return b"".join((MAGIC, *entries, tail, _TRAILER.pack(length, _tail_hash(tail, length), _END)))


def tail_bytes(tail: bytes, size: int, where: str) -> int:
    """How many bytes at the end of a file of ``size`` hold footer and trailer.

    ``tail`` is any end of the file that holds the trailer. Raises SegmentDamaged if there is none.
    """
    if len(tail) < TRAILER_BYTES or size < len(MAGIC) + TRAILER_BYTES:
        raise SegmentDamaged(f"{where}: cut short at {size} bytes")
    length, _, end = _TRAILER.unpack(tail[-TRAILER_BYTES:])
    if end != _END or length > size - len(MAGIC) - TRAILER_BYTES:
        raise SegmentDamaged(f"{where}: does not end as a segment does")
    return int(length) + TRAILER_BYTES


def decode_footer(tail: bytes, size: int, where: str) -> Footer:
    """The footer of a file of ``size`` bytes from an end long enough. Raises SegmentDamaged."""
    needed = tail_bytes(tail, size, where)
    if len(tail) < needed:
        raise SegmentDamaged(f"{where}: {needed} bytes of footer expected, {len(tail)} found")
    text = tail[len(tail) - needed : -TRAILER_BYTES]
    _, digest, _ = _TRAILER.unpack(tail[-TRAILER_BYTES:])
    if digest != _tail_hash(text, len(text)):
        raise SegmentDamaged(f"{where}: the footer is not what was written")
    try:
        footer = _parse_footer(orjson.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise SegmentDamaged(f"{where}: the footer cannot be read: {error}") from error
    rows = {len(footer.source_of), len(footer.offsets), len(footer.revisions)}
    if rows != {footer.count} or len(footer.leaves) != footer.count * LEAF_BYTES:
        raise SegmentDamaged(f"{where}: the footer's columns differ in length")
    if footer.starts[-1] + needed != size:
        raise SegmentDamaged(f"{where}: the entries' sizes do not add up to the file's")
    return footer


def decode_segment(data: bytes, where: str) -> tuple[Footer, list[bytes]]:
    """Footer and entries of a whole file, every byte checked. Raises SegmentDamaged."""
    footer = decode_footer(data, len(data), where)
    if not data.startswith(MAGIC):
        raise SegmentDamaged(f"{where}: does not start as a segment does")
    starts = footer.starts
    entries = [data[starts[row] : starts[row + 1]] for row in range(footer.count)]
    for row, entry in enumerate(entries):
        if leaf_hash(entry) != footer.leaf(row):
            raise SegmentDamaged(f"{where}: entry {footer.first + row} is not what was written")
    return footer, entries


def _tail_hash(footer: bytes, length: int) -> bytes:
    return hashlib.sha256(b"".join((MAGIC, footer, length.to_bytes(8, "big")))).digest()


def _footer_json(footer: Footer) -> bytes:
    return orjson.dumps(
        {
            "v": 1,
            "log": footer.log,
            "first": footer.first,
            "recorded_at": footer.recorded_at,
            "sizes": footer.sizes,
            "leaves": base64.b64encode(footer.leaves).decode(),
            "sources": footer.sources,
            "source_of": footer.source_of,
            "offsets": footer.offsets,
            "revisions": footer.revisions,
            "roots": [[row, *root] for row, root in footer.roots.items()],
            "answers": list(footer.answers.items()),
            "id_rows": list(footer.ids),
            "ids": base64.b64encode(b"".join(footer.ids.values())).decode(),
            "spans": list(footer.spans.items()),
            "users": footer.users,
        }
    )


def _parse_footer(fields: dict[str, Any]) -> Footer:
    if fields["v"] != 1:
        raise ValueError(f"version {fields['v']} is not known here")
    ids = base64.b64decode(fields["ids"], validate=True)
    id_rows = fields["id_rows"]
    width = len(ids) // len(id_rows) if id_rows else 0
    return Footer(
        log=fields["log"],
        first=fields["first"],
        recorded_at=fields["recorded_at"],
        sizes=fields["sizes"],
        leaves=base64.b64decode(fields["leaves"], validate=True),
        sources=[(epoch, topic) for epoch, topic in fields["sources"]],
        source_of=fields["source_of"],
        offsets=fields["offsets"],
        revisions=fields["revisions"],
        roots={row: Origin(*root) for row, *root in fields["roots"]},
        answers=dict(fields["answers"]),
        ids={row: ids[n * width : (n + 1) * width] for n, row in enumerate(id_rows)},
        spans=dict(fields["spans"]),
        users=fields["users"],
    )
