"""Reading a log without owning it: the door, the client and the CLI read so, and the owner too."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import repeat
from threading import Lock
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag

from synthgate.ledger.entry import Entry, Receipt
from synthgate.ledger.errors import (
    EntryAbsent,
    EntryDamaged,
    EntryExpired,
    KeyErased,
    LedgerError,
    SegmentDamaged,
)
from synthgate.ledger.segment import (
    Footer,
    decode_entry,
    decode_footer,
    decode_segment,
    leaf_hash,
    tail_bytes,
)
from synthgate.ledger.store import SegmentStore
from synthgate.ledger.userkeys import NONCE_BYTES, KeyRing

_FOOTERS_KEPT = 16
"""Of each log: what is asked for lies near what was written last. One takes 4 KB, more with larger batches."""
_TAIL_BYTES = 65_536
_AFTER_ALL = 1 << 62
_AHEAD = 1_000


class LogReader:
    """Reads entries by index. Without a key ring it reads everything but content.

    Safe to share between threads. Every entry's hash is checked against its segment's footer.
    Reading raises EntryAbsent, EntryDamaged, SegmentDamaged, StoreFailed, and for content
    KeyErased, KeyLost and WrongMasterKey.
    """

    def __init__(self, store: SegmentStore, keyring: KeyRing | None, log_id: int) -> None:
        self.log_id = log_id
        self._store = store
        self._keyring = keyring
        self._footers: OrderedDict[int, Footer] = OrderedDict()
        self._lock = Lock()

    @property
    def far(self) -> bool:
        """Whether a read takes a while: then ``ahead`` is called first, in a thread."""
        return self._store.at_once > 1

    def ahead(self, indexes: Iterable[int]) -> None:
        """Read the segments that hold these, many at once: their entries are then at hand."""
        store = self._store
        held = {store.holder(self.log_id, index, fresh=False): index for index in indexes}
        with ThreadPoolExecutor(store.at_once) as pool:
            for _ in pool.map(self.stored, held.values()):
                pass

    def find_head(self) -> int:
        """Look up the index after the last entry."""
        last = self._store.holder(self.log_id, _AFTER_ALL, fresh=True)
        return 0 if last is None else self._footer(last).end

    def read(self, index: int) -> Entry:
        """The entry at ``index`` with its content decrypted."""
        return self._entry(index, self.stored(index))

    def header(self, index: int) -> dict[str, Any]:
        """The clear header at ``index``: needs no key, and outlives the erasure of the content."""
        header, _ = decode_entry(self.stored(index), self._name(index))
        return _header_fields(header, self._name(index), self.log_id, index)

    def receipt(self, index: int) -> Receipt:
        """The receipt that was given for the entry at ``index``."""
        footer = self._find(index)
        return Receipt(self.log_id, index, footer.leaf(index - footer.first).hex())

    def person(self, index: int, kid: str) -> str:
        """The token of whoever's key closes the content at ``index``."""
        return self._find(index).users[kid]

    def stored(self, index: int) -> bytes:
        """The entry as stored: the bytes its leaf hash is of."""
        footer = self._find(index)
        row = index - footer.first
        start, size = footer.starts[row], footer.sizes[row]
        entry = self._store.read_range(self.log_id, footer.first, start, size)
        if leaf_hash(entry) != footer.leaf(row):
            raise EntryDamaged(
                f"{self._name(index)} in {self._store.where(self.log_id, footer.first)} "
                f"is not what was stored"
            )
        return entry

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[Entry]:
        """Entries in order from ``start`` up to, not including, ``end`` (the head by default)."""
        for found in self.each(start, self.find_head() if end is None else end):
            if not isinstance(found, Entry):
                raise found
            yield found

    def each(self, start: int, end: int) -> Iterator[Entry | KeyErased | EntryExpired]:
        """The same, each segment read once; in place of an entry whose content is gone: why it is."""
        while start < end:
            footer = self._find(start)
            first, where = footer.first, self._store.where(self.log_id, footer.first)
            upto = min(end, footer.end)
            try:
                stored = decode_segment(self._store.read(self.log_id, first), where)[1]
            except EntryExpired as gone:
                yield from repeat(gone, upto - start)
                start = upto
                continue
            for index in range(start, upto):
                try:
                    yield self._entry(index, stored[index - first])
                except KeyErased as gone:
                    yield gone
            start = upto

    def of_offsets(self, epoch: int, topic: str, start: int, end: int) -> Iterator[int]:
        """Indexes of the entries that account for these offsets of a source, by the footers alone.

        Those of a conflict too, which stand beside under a marked topic.
        """
        for footer in read_footers(self._store, self.log_id, self._store.firsts(self.log_id)):
            wanted = {
                number
                for number, (of, name) in enumerate(footer.sources)
                if of == epoch and name.partition("~")[0] == topic
            }
            if not wanted:
                continue
            for row, offset in enumerate(footer.offsets):
                behind = offset + footer.spans.get(row, 1)
                if footer.source_of[row] in wanted and max(start, offset) < min(end, behind):
                    yield footer.first + row

    def recorded_at(self, index: int) -> int:
        """When the entry was written, Unix ms; known of one that has expired, too."""
        return self._find(index).recorded_at

    def _entry(self, index: int, stored: bytes) -> Entry:
        name = self._name(index)
        header, ciphertext = decode_entry(stored, name)
        fields = _header_fields(header, name, self.log_id, index)
        if self._keyring is None:
            raise LedgerError(f"{name}: no key ring was given, so its content cannot be read")
        cipher = self._keyring.cipher(fields["kid"])
        try:
            content = cipher.decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], header)
        except (InvalidTag, ValueError) as error:
            raise EntryDamaged(f"{name}: the content does not decrypt") from error
        return Entry(self.log_id, index, leaf_hash(stored).hex(), fields, content)

    def _find(self, index: int) -> Footer:
        """The footer of the segment that holds ``index``; lists the log again if it must."""
        end = 0
        for fresh in (False, True):
            first = self._store.holder(self.log_id, index, fresh=fresh) if index >= 0 else None
            if first is not None:
                footer = self._footer(first)
                if index < footer.end:
                    return footer
                end = footer.end
        if self.far and index >= 0:
            # A listing may be older than a creation; the name is not.
            with suppress(EntryAbsent):
                while True:
                    footer = self._footer(end)
                    if index < footer.end:
                        return footer
                    end = footer.end
        raise EntryAbsent(f"{self._name(index)} does not exist (yet)")

    def _footer(self, first: int) -> Footer:
        with self._lock:
            footer = self._footers.get(first)
            if footer is not None:
                self._footers.move_to_end(first)
                return footer
        footer = read_footer(self._store, self.log_id, first)
        self._keep(footer)
        return footer

    def _keep(self, footer: Footer) -> None:
        with self._lock:
            self._footers[footer.first] = footer
            if len(self._footers) > _FOOTERS_KEPT:
                self._footers.popitem(last=False)

    def _name(self, index: int) -> str:
        return f"entry {self.log_id}/{index}"


def read_footer(
    store: SegmentStore, log: int, first: int, guess_bytes: int = _TAIL_BYTES
) -> Footer:
    """A segment's footer, in one read if ``guess_bytes`` is enough. Raises SegmentDamaged."""
    return read_end(store, log, first, guess_bytes)[0]


def read_end(
    store: SegmentStore, log: int, first: int, guess_bytes: int = _TAIL_BYTES
) -> tuple[Footer, int]:
    """The same, and the segment's size in bytes."""
    where = store.where(log, first)
    tail, size = store.read_tail(log, first, guess_bytes)
    needed = tail_bytes(tail, size, where)
    if needed > len(tail):
        tail, size = store.read_tail(log, first, needed)
    return checked_place(decode_footer(tail, size, where), log, first, where), size


def read_footers(store: SegmentStore, log: int, firsts: Sequence[int]) -> Iterator[Footer]:
    """The footers of these segments, in order, read ahead where the store gains by it. Raises as above."""
    if store.at_once == 1 or len(firsts) < 2:
        yield from (read_footer(store, log, first) for first in firsts)
        return
    with ThreadPoolExecutor(store.at_once) as pool:
        for start in range(0, len(firsts), _AHEAD):
            part = firsts[start : start + _AHEAD]
            yield from pool.map(lambda first: read_footer(store, log, first), part)


def read_ahead(
    store: SegmentStore, log: int, firsts: Sequence[int]
) -> Iterator[tuple[int, Callable[[], bytes]]]:
    """Whole segments, in order, each to be asked for; a few are read ahead where the store gains by it."""
    if store.at_once == 1:
        yield from ((first, partial(store.read, log, first)) for first in firsts)
        return
    with ThreadPoolExecutor(store.at_once) as pool:
        for start in range(0, len(firsts), store.at_once):
            part = firsts[start : start + store.at_once]
            reads = [pool.submit(store.read, log, first) for first in part]
            yield from zip(part, (read.result for read in reads), strict=True)


def checked_place(footer: Footer, log: int, first: int, where: str) -> Footer:
    """The footer, if it belongs where it was found. Raises SegmentDamaged."""
    if (footer.log, footer.first) != (log, first) or footer.count == 0:
        raise SegmentDamaged(
            f"{where} holds {footer.count} entries from {footer.log}/{footer.first} on"
        )
    return footer


def _header_fields(header: bytes, name: str, log: int, index: int) -> dict[str, Any]:
    try:
        fields: dict[str, Any] = orjson.loads(header)
        if (fields["log"], fields["index"]) != (log, index):
            raise EntryDamaged(f"{name} says it is {fields['log']}/{fields['index']}")
    except (ValueError, KeyError, TypeError) as error:
        raise EntryDamaged(f"{name}: the header cannot be read") from error
    return fields
