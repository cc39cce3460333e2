"""A log's owner: appends batches, remembers what the log holds, fenced by the store.

Synchronous on purpose: the caller runs it in a thread, one call at a time.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Self

from synthgate.events.origin import Origin
from synthgate.ledger.entry import Draft, Receipt, check_draft, header_json
from synthgate.ledger.errors import (
    BadDraft,
    EntryAbsent,
    EntryExpired,
    Fenced,
    LogUnusable,
    SegmentDamaged,
    StoreFull,
)
from synthgate.ledger.known import KnownEntries
from synthgate.ledger.log_ids import partition_of
from synthgate.ledger.reader import LogReader, checked_place, read_footer, read_footers
from synthgate.ledger.segment import (
    Footer,
    decode_segment,
    encode_entry,
    encode_segment,
    leaf_hash,
)
from synthgate.ledger.snapshot import Snapshot, chain, decode_snapshot
from synthgate.ledger.store import SegmentStore
from synthgate.ledger.userkeys import NONCE_BYTES, KeyRing

REPEAT_KEEP_MS = 2 * 60 * 60 * 1000


class Log(LogReader):
    """One partition's log, owned. Make it with ``Log.open``; after any error but StoreFull and
    BadDraft the object refuses to append and the log must be opened again.
    """

    def __init__(
        self, store: SegmentStore, keyring: KeyRing, log_id: int, known: KnownEntries
    ) -> None:
        super().__init__(store, keyring, log_id)
        self._keys = keyring
        self._entries = known
        self._usable = True
        self.fenced = False
        """Whether another owner was seen to write: then it is theirs."""

    @classmethod
    def open(
        cls,
        store: SegmentStore,
        keyring: KeyRing,
        log_id: int,
        *,
        repeat_keep_ms: int = REPEAT_KEEP_MS,
        never_published_from: int | None = None,
    ) -> Self:
        """Take the log over and read what it holds: every footer, and the last segment in full.

        A creation that was cut short leaves no segment at all, so a segment that is torn was
        damaged after it stood, and receipts for it may be out in the world. It is therefore
        refused (SegmentDamaged), the last one too: appending over it would give an index twice.
        ``never_published_from`` is the operator's word that no receipt from that index on was ever
        published; a torn last segment that starts there or later is then set aside.
        Raises Fenced, SegmentDamaged, StoreFull, StoreFailed.
        """
        known = KnownEntries(repeat_keep_ms)
        taken, at = _snapshots(store, log_id)
        firsts = store.claim(log_id, max(at - 1, 0))
        last = _check_last(store, log_id, firsts, never_published_from)
        now_ms = last.recorded_at if last else 0
        if at and not _fits(store, log_id, firsts, taken[-1]):
            taken, at = [], 0
            firsts = store.firsts(log_id)
        for snapshot in taken:
            known.take(snapshot.columns, now_ms=now_ms)
        log = cls(store, keyring, log_id, known)
        for footer in _footers(store, log_id, [n for n in firsts if n >= at], last):
            while known.head < footer.first:
                known.fold(_unlisted(store, log_id, known.head, footer.first), now_ms=now_ms)
            if footer.first != known.head:
                raise SegmentDamaged(f"log {log_id} has entries from {footer.first} on twice")
            known.fold(footer, now_ms=now_ms)
        return log

    def append(self, drafts: Sequence[Draft], recorded_at_ms: int) -> list[Receipt]:
        """Write the drafts as one segment; when this returns they are durable and may be published.

        Raises BadDraft or StoreFull (nothing was written, the log stays usable); Fenced (another owner
        writes: leave it to them); StoreFailed or any other error (publish nothing, open the log again).
        """
        if not self._usable:
            raise LogUnusable(f"log {self.log_id} failed before: open it again")
        self._check(drafts)
        if not drafts:
            return []
        self._usable = False
        try:
            footer, entries = self._encode(drafts, recorded_at_ms)
            self._store.create(self.log_id, footer.first, encode_segment(footer, entries))
        except (BadDraft, StoreFull):
            self._usable = True
            raise
        except Fenced:
            self.fenced = True
            raise
        self._entries.fold(footer)
        self._keep(footer)
        self._usable = True
        return [
            Receipt(self.log_id, footer.first + row, footer.leaf(row).hex())
            for row in range(footer.count)
        ]

    @property
    def usable(self) -> bool:
        """Whether it may append; once it may not, open the log again."""
        return self._usable

    @property
    def head(self) -> int:
        """The index that the next entry will get."""
        return self._entries.head

    def logged(self, origin: Origin) -> int | None:
        """The index of the entry that accounts for this origin."""
        mine = origin.partition == partition_of(self.log_id)
        return self._entries.logged(origin) if mine else None

    def answered(self, index: int) -> int | None:
        """The index of the first entry that answers entry ``index``."""
        return self._entries.answered(index)

    def latest(self, root: Origin) -> tuple[int, int] | None:
        """(index, revision) of the highest revision of a root origin; of equal ones the first."""
        return self._entries.latest(root)

    def first_with_id(self, id_hash: bytes, not_before_ms: int) -> int | None:
        """The first entry with this id recorded at ``not_before_ms`` or later.

        Reaches back ``repeat_keep_ms`` from the newest entry, not further.
        """
        return self._entries.first_with_id(id_hash, not_before_ms)

    def missing(self, epoch: int, topic: str, start: int, end: int) -> Iterator[int]:
        """Offsets from ``start`` up to, not including, ``end`` that no entry accounts for."""
        return self._entries.missing(epoch, topic, start, end)

    def lowest_missing(self, epoch: int, topic: str, start: int, end: int) -> int | None:
        """The first of ``missing``, None if every offset is accounted for."""
        return next(self.missing(epoch, topic, start, end), None)

    def _check(self, drafts: Sequence[Draft]) -> None:
        seen = set()
        for index, draft in enumerate(drafts, self.head):
            check_draft(draft, self.log_id, index)
            logged = self.logged(draft.origin)
            if logged is not None or draft.origin in seen:
                raise BadDraft(f"{draft.origin} is in the log or the batch already ({logged})")
            seen.add(draft.origin)

    def _encode(self, drafts: Sequence[Draft], recorded_at_ms: int) -> tuple[Footer, list[bytes]]:
        """Encrypt and hash the batch. Two drafts of one root may be in it: they see each other."""
        first = self.head
        sources: dict[tuple[int, str], int] = {}
        source_of: list[int] = []
        entries: list[bytes] = []
        leaves: list[bytes] = []
        users: dict[str, str] = {}
        latest: dict[Origin, tuple[int, int]] = {}
        nonces = os.urandom(NONCE_BYTES * len(drafts))
        for row, draft in enumerate(drafts):
            index = first + row
            root = draft.root
            before = latest.get(root) or self.latest(root)
            rises = before is None or draft.revision > before[1]
            if rises:
                latest[root] = (index, draft.revision)
            supersedes = before[0] if before is not None and rises else None
            key = self._keys.key_for(draft.user)
            header = header_json(
                draft,
                log=self.log_id,
                index=index,
                supersedes=supersedes,
                kid=key.kid,
                recorded_at_ms=recorded_at_ms,
            )
            nonce = nonces[row * NONCE_BYTES : (row + 1) * NONCE_BYTES]
            entry = encode_entry(header, nonce + key.cipher.encrypt(nonce, draft.content, header))
            users[key.kid] = draft.user
            entries.append(entry)
            leaves.append(leaf_hash(entry))
            source_of.append(sources.setdefault(draft.origin[:2], len(sources)))
        footer = Footer(
            log=self.log_id,
            first=first,
            recorded_at=recorded_at_ms,
            sizes=[len(entry) for entry in entries],
            leaves=b"".join(leaves),
            sources=list(sources),
            source_of=source_of,
            offsets=[draft.origin.offset for draft in drafts],
            revisions=[draft.revision for draft in drafts],
            roots={row: d.root for row, d in enumerate(drafts) if d.root != d.origin},
            answers={row: d.answers for row, d in enumerate(drafts) if d.answers is not None},
            ids={row: d.id_hash for row, d in enumerate(drafts) if d.id_hash is not None},
            spans={row: d.offsets for row, d in enumerate(drafts) if d.offsets != 1},
            users=users,
        )
        return footer, entries


def _check_last(
    store: SegmentStore, log_id: int, firsts: list[int], never_published_from: int | None
) -> Footer | None:
    """The last segment's footer, every byte of the segment checked; drops from ``firsts`` what it
    sets aside.
    """
    while firsts:
        first = firsts[-1]
        where = store.where(log_id, first)
        try:
            footer, _ = decode_segment(store.read(log_id, first), where)
            return checked_place(footer, log_id, first, where)
        except EntryExpired:
            return read_footer(store, log_id, first)
        except SegmentDamaged as error:
            if never_published_from is None or first < never_published_from:
                raise SegmentDamaged(
                    f"{error}. Restore the file from a copy. Only if no decision with a receipt "
                    f"{log_id}/{first} or higher was ever published may it be set aside instead"
                ) from error
            store.set_aside(log_id, first)
            firsts.pop()
    return None


def _unlisted(store: SegmentStore, log_id: int, first: int, end: int) -> Footer:
    """A segment that a listing did not show: it may be older than a creation before what it shows."""
    try:
        return read_footer(store, log_id, first)
    except EntryAbsent as error:
        raise SegmentDamaged(
            f"log {log_id} has no segment from entry {first} to {end - 1}: restore it from a copy"
        ) from error


def _snapshots(store: SegmentStore, log_id: int) -> tuple[list[Snapshot], int]:
    """Snapshots from the log's start on, and where they end. One that is damaged is dropped."""
    found: list[Snapshot] = []
    at = 0
    for start, end in chain(store.listing(log_id)):
        try:
            one = decode_snapshot(
                store.read_snapshot(log_id, start, end), f"snapshot {start}-{end}"
            )
        except SegmentDamaged:
            store.drop_snapshot(log_id, start, end)
            break
        if (one.log, one.start, one.end) != (log_id, start, end):
            break
        found.append(one)
        at = end
    return found, at


def _fits(store: SegmentStore, log_id: int, firsts: Sequence[int], last: Snapshot) -> bool:
    """Whether the log holds the last entry of a snapshot, at the end of a segment."""
    if not firsts:
        return False
    footer = read_footer(store, log_id, firsts[0])
    return footer.end == last.end and footer.leaf(footer.count - 1) == last.leaf


def _footers(
    store: SegmentStore, log_id: int, firsts: Sequence[int], last: Footer | None
) -> Iterator[Footer]:
    known = last is not None and firsts[-1:] == [last.first]
    yield from read_footers(store, log_id, firsts[:-1] if known else firsts)
    if known and last is not None:
        yield last
