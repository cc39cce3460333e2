"""Snapshots of what a log holds: the footers of a range, in columns, so that a new owner starts fast.

    magic line
    header JSON: log, start, end, last leaf, sources with their pages, counts
    columns: pages (zlib), segments, ids
    trailer: SHA-256 of all before it (32)

Made from footers alone and of no authority: what does not fit the log is dropped and read from footers.
"""

import base64
import hashlib
import sys
import zlib
from array import array
from typing import NamedTuple

import orjson

from synthgate.events.origin import Origin
from synthgate.ledger.errors import SegmentDamaged
from synthgate.ledger.known import KnownColumns, KnownEntries
from synthgate.ledger.packs import Listing
from synthgate.ledger.segment import Footer

_MAGIC = b"synthgate known 1\n"
_HASH_BYTES = 32
_ITEM_BYTES = 8


class Snapshot(NamedTuple):
    """What the entries from ``start`` up to ``end`` say; ``leaf``: the leaf hash of the last of them."""

    log: int
    start: int
    end: int
    leaf: bytes
    columns: KnownColumns


class SnapshotMaker:
    """Takes footers in, one after the other."""

    def __init__(self, log: int, start: int) -> None:
        self.log = log
        self.start = self.end = start
        self._known = KnownEntries(0)
        self._id_indexes = array("q")
        self._ids = bytearray()  # an object for each would be twice as much
        self._leaf = b""
        self.oldest_ms = sys.maxsize
        """When the oldest of these entries was recorded."""

    def fold(self, footer: Footer) -> None:
        """The next segment."""
        if footer.first != self.end:
            raise ValueError(f"a snapshot up to {self.end} cannot go on at {footer.first}")
        self._known.fold(footer)
        self._id_indexes.extend(footer.first + row for row in footer.ids)
        self._ids += b"".join(footer.ids.values())
        self._leaf = footer.leaf(footer.count - 1)
        self.end = footer.end
        self.oldest_ms = min(self.oldest_ms, footer.recorded_at)

    def encode(self) -> bytes:
        """The whole file."""
        columns = self._known.columns()
        pages = [
            (number, page) for found in columns.pages.values() for number, page in found.items()
        ]
        packed = zlib.compress(b"".join(_bytes(page) for _, page in pages), 1)
        header = orjson.dumps(
            {
                "v": 1, "log": self.log, "start": self.start, "end": self.end,
                "leaf": base64.b64encode(self._leaf).decode(),
                "sources": [[*source, list(found)] for source, found in columns.pages.items()],
                "re_entered": [[*root, *value] for root, value in columns.re_entered.items()],
                "answered": list(columns.answered.items()),
                "page_bytes": len(packed), "segments": len(columns.firsts), "ids": len(self._id_indexes),
            }
        )  # fmt: skip
        body = b"".join(
            (
                _MAGIC, len(header).to_bytes(8, "big"), header, packed, _bytes(columns.firsts),
                _bytes(columns.recorded_at), _bytes(self._id_indexes), self._ids,
            )
        )  # fmt: skip
        return body + hashlib.sha256(body).digest()


def decode_snapshot(data: bytes, where: str) -> Snapshot:
    """A snapshot, every byte checked. Raises SegmentDamaged."""
    view = memoryview(data)
    body = view[:-_HASH_BYTES]
    if view[-_HASH_BYTES:] != hashlib.sha256(body).digest() or bytes(body[:18]) != _MAGIC:
        raise SegmentDamaged(f"{where}: not a snapshot, or not what was written")
    at = len(_MAGIC) + 8
    size = int.from_bytes(body[len(_MAGIC) : at], "big")
    header = orjson.loads(body[at : at + size])
    at += size
    packed = zlib.decompress(body[at : at + header["page_bytes"]])
    at += header["page_bytes"]
    columns = []
    for count in (header["segments"], header["segments"], header["ids"]):
        columns.append(_array(body[at : at + count * _ITEM_BYTES]))
        at += count * _ITEM_BYTES
    pages: dict[tuple[int, str], dict[int, array[int]]] = {}
    start, width = 0, KnownEntries.PAGE * _ITEM_BYTES
    for epoch, topic, numbers in header["sources"]:
        found = pages[epoch, topic] = {}
        for number in numbers:
            found[number] = _array(memoryview(packed)[start : start + width])
            start += width
    return Snapshot(
        header["log"], header["start"], header["end"], base64.b64decode(header["leaf"]),
        KnownColumns(
            end=header["end"], pages=pages,
            re_entered={
                Origin(*row[:4]): (row[4], row[5]) for row in header["re_entered"]
            },
            answered=dict(header["answered"]),
            firsts=columns[0], recorded_at=columns[1], id_indexes=columns[2], ids=bytes(body[at:]),
        ),
    )  # fmt: skip


def chain(listing: Listing) -> list[tuple[int, int]]:
    """The snapshots that lead from the log's start as far as they do, each beginning where one ended."""
    found: list[tuple[int, int]] = []
    longest: dict[int, int] = {}
    for start, end in listing.snapshots:
        longest[start] = max(end, longest.get(start, 0))
    at = 0
    while longest.get(at, 0) > at:
        found.append((at, longest[at]))
        at = longest[at]
    return found


def _bytes(column: "array[int]") -> bytes:
    return column.tobytes()


def _array(data: memoryview) -> "array[int]":
    column = array("q")
    column.frombytes(data)
    return column
