"""The builder of packs and snapshots: off the hot path, owns nothing, may be stopped at any step."""

from typing import NamedTuple

from synthgate.ledger.packs import PACK_MAX_BYTES, Listing
from synthgate.ledger.reader import read_end, read_footers
from synthgate.ledger.snapshot import SnapshotMaker, chain
from synthgate.ledger.store import SegmentStore

HOUR_MS = 3_600_000
SNAPSHOT_ENTRIES = 250_000
SNAPSHOT_MAX_ENTRIES = 1_000_000


class _Seen(NamedTuple):
    end: int
    recorded_at: int
    size: int


class Packer:
    """One log's packs and snapshots. Not for two threads at once.

    snapshot_ms: how long an entry waits for a snapshot.
    """

    def __init__(
        self,
        store: SegmentStore,
        log: int,
        *,
        max_bytes: int = PACK_MAX_BYTES,
        snapshot_ms: int = HOUR_MS,
    ) -> None:
        self._store = store
        self._log = log
        self._max_bytes = max_bytes
        self._snapshot_ms = snapshot_ms
        self._seen: dict[int, _Seen] = {}
        self._maker: SnapshotMaker | None = None

    def run(self, now_ms: int) -> None:
        """Finish what was cut short, take a snapshot if one is due, pack what is old enough.

        Raises StoreFull (nothing was changed) and StoreFailed: run it again; SegmentDamaged.
        """
        self._store.tidy(self._log)
        listing = self._store.listing(self._log)
        self._snapshot(listing, now_ms)
        for run in self._old_runs(listing, now_ms):
            self._store.pack(self._log, run, self._look(run[-1]).end)
            for first in run:
                self._seen.pop(first, None)

    def _snapshot(self, listing: Listing, now_ms: int) -> None:
        """Snapshots up to the last settled segment, once enough entries wait, or one long enough."""
        kept = chain(listing)
        at = kept[-1][1] if kept else 0
        maker = self._maker
        if maker is None or maker.start != at:
            maker = SnapshotMaker(self._log, at)
        firsts = self._store.settled(self._log, max(maker.end - 1, 0))
        new = [first for first in firsts if first >= maker.end]
        for footer in read_footers(self._store, self._log, new):
            if footer.first != maker.end:
                return  # a gap: for the verifier and the next owner to tell
            maker.fold(footer)
            if maker.end - maker.start >= SNAPSHOT_MAX_ENTRIES:
                self._keep(maker)
                maker = SnapshotMaker(self._log, maker.end)
        if (
            maker.end - maker.start >= SNAPSHOT_ENTRIES
            or maker.oldest_ms <= now_ms - self._snapshot_ms
        ):
            self._keep(maker)
            maker = SnapshotMaker(self._log, maker.end)
        self._maker = maker

    def _keep(self, maker: SnapshotMaker) -> None:
        self._store.create_snapshot(self._log, maker.start, maker.end, maker.encode())

    def _old_runs(self, listing: Listing, now_ms: int) -> list[list[int]]:
        """Segments by themselves older than an hour, as packs to be: full ones, and what waited another."""
        runs: list[list[int]] = []
        run: list[int] = []
        size = 0
        for first in listing.loose:
            seen = self._look(first)
            if seen.recorded_at > now_ms - HOUR_MS:
                break
            follows = not run or self._look(run[-1]).end == first
            if run and (size + seen.size > self._max_bytes or not follows):
                runs.append(run)
                run, size = [], 0
            run.append(first)
            size += seen.size
        if run and self._look(run[0]).recorded_at <= now_ms - 2 * HOUR_MS:
            runs.append(run)
        return runs

    def _look(self, first: int) -> _Seen:
        found = self._seen.get(first)
        if found is None:
            footer, size = read_end(self._store, self._log, first)
            found = self._seen[first] = _Seen(footer.end, footer.recorded_at, size)
        return found
