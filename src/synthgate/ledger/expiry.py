"""What may go: whole packs, every entry of them past its period, under no hold and under a checkpoint.

An entry's period ends at the latest of ``keep_until`` in its header and of recorded time and event time plus
the floor of the law (Cybersecurity Law 23(3): six months; kept as 184 days): a header that says less does not
shorten it. Of a pack that goes the footers stay, without the persons' tokens, so that every proof, also
of entries that are gone, can be made and checked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from synthgate.ledger.log_ids import partition_of
from synthgate.ledger.packs import encode_gone
from synthgate.ledger.segment import MAGIC, Footer, decode_entry, decode_segment, encode_segment
from synthgate.ledger.store import SegmentStore

DAY_MS = 86_400_000
FLOOR_DAYS = 184


class Hold(NamedTuple):
    """A legal hold: nothing it covers goes. ``user``: a token; None covers everybody. ``log``: None is all.

    One on a log of decisions covers what these rested on and what followed, too.
    """

    name: str
    user: str | None = None
    log: int | None = None

    def covers(self, log: int, users: Sequence[str]) -> bool:
        """Whether it covers any of these persons in this log."""
        return self.log in (None, log, partition_of(log)) and (
            self.user is None or self.user in users
        )


class Pack(NamedTuple):
    """A pack, when its last entry's period ends, and the holds on it."""

    log: int
    first: int
    end: int
    keep_until: int
    held_by: list[str]


def period_end(header: dict[str, Any], floor_days: int) -> int:
    """When an entry may go, Unix ms."""
    return max(floor_end(header, floor_days), int(header.get("keep_until") or 0))


def floor_end(header: dict[str, Any], floor_days: int) -> int:
    """Until when the law keeps an entry against any request, whatever its header asks, Unix ms."""
    floor_ms = max(floor_days, FLOOR_DAYS) * DAY_MS
    return max(int(header["recorded_at"]), int(header.get("event_time") or 0)) + floor_ms


def packs(
    store: SegmentStore, log: int, holds: Sequence[Hold], floor_days: int = FLOOR_DAYS
) -> Iterator[Pack]:
    """The packs of a log that have not expired. Raises SegmentDamaged."""
    listing = store.listing(log)
    for first, end in listing.packs:
        if (first, end) in listing.gone:
            continue
        keep_until, users = 0, set()
        for footer, entries in _segments(store, log, first, end):
            users |= set(footer.users.values())
            for entry in entries:
                header = orjson.loads(decode_entry(entry, f"an entry of {log}/{footer.first}")[0])
                keep_until = max(keep_until, period_end(header, floor_days))
        held = [hold.name for hold in holds if hold.covers(log, sorted(users))]
        yield Pack(log, first, end, keep_until, held)


def expire(store: SegmentStore, pack: Pack, now_ms: int, proved: int) -> bool:
    """Let a pack go, if it may; whether it went. ``proved``: the size of the log's newest checkpoint.

    Raises SegmentDamaged (nothing went), StoreFull, StoreFailed.
    """
    if now_ms <= pack.keep_until or pack.held_by or pack.end > proved:
        return False
    tails = []
    for footer, _ in _segments(store, pack.log, pack.first, pack.end):
        plain = replace(footer, users={}, ids={})
        whole = encode_segment(plain, [])
        size = len(whole) + sum(footer.sizes)
        tails.append((footer.first, size, whole[len(MAGIC) :]))
    store.expire(pack.log, (pack.first, pack.end), encode_gone(tails))
    return True


def _segments(
    store: SegmentStore, log: int, first: int, end: int
) -> Iterator[tuple[Footer, list[bytes]]]:
    for at in store.firsts(log, first):
        if at >= end:
            return
        if at >= first:
            yield decode_segment(store.read(log, at), store.where(log, at))
