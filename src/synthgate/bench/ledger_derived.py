"""What is derived from a log: checkpoints, verification, and how fast a new owner takes over.

The takeover is of a log whose every entry is in the repeat window. Its entries hold one byte, as nobody
reads them; footers, ids and snapshots are those of a real log.
"""

import os
import resource
import time
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synthgate.crypto.notes import Verifier
from synthgate.ledger import CheckpointKey, KeyRing, LocalStore, Log, Packer, Prover
from synthgate.ledger.checkpoint import Published
from synthgate.ledger.segment import Footer, encode_segment, leaf_hash
from synthgate.ledger.verify import LogVerifier

SEGMENT_ENTRIES: Final = 5_000
QUICK_IDS: Final = 100_000
LONG_IDS: Final = 10_000_000
NOW_MS: Final = 1_795_000_000_000


def measure(home: Path, store: LocalStore, *, quick: bool) -> dict[str, Any]:
    """Figures of the log at hand, and of a takeover. ``home``: on the disk that is measured."""
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    key = CheckpointKey("bench.example", private.private_bytes_raw(), public)
    prover = Prover(store, home / "proofs", 0, key)
    begun = time.perf_counter()
    newest = prover.build()
    built = time.perf_counter() - begun
    published = Published(home / "proofs", Verifier(prover.origin, public))
    begun = time.perf_counter()
    verified = LogVerifier(store, 0, published).run()
    took = time.perf_counter() - begun
    if verified.faults:
        raise RuntimeError(f"the bench's own log is not whole: {verified.faults[0]}")
    return {
        "proved_per_second": round(newest.size / built),
        "verified_mb_per_second": round(verified.bytes / took / 1e6),
        "verified_per_second": round(verified.entries / took),
        **_takeover(home, QUICK_IDS if quick else LONG_IDS),
    }


def _takeover(home: Path, ids: int) -> dict[str, Any]:
    store = LocalStore(home / "window")
    store.claim(1)
    for first in range(0, ids, SEGMENT_ENTRIES):
        store.create(1, first, _segment(first))
    packer = Packer(store, 1)
    begun = time.perf_counter()
    packer.run(NOW_MS)
    snapped = time.perf_counter() - begun
    ring = KeyRing(home / "window-keys", os.urandom(32))
    begun = time.perf_counter()
    log = Log.open(LocalStore(home / "window"), ring, 1)
    took = time.perf_counter() - begun
    if log.head != ids or log.first_with_id(bytes(32), 0) is not None:
        raise RuntimeError("the bench's own log was not taken over whole")
    return {
        "takeover_ids": ids,
        "takeover_seconds": round(took, 2),
        "snapshot_seconds": round(snapped, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def _segment(first: int) -> bytes:
    """A segment of entries that count for repeats, in order of their source."""
    count = SEGMENT_ENTRIES
    ids = os.urandom(32 * count)
    footer = Footer(
        log=1, first=first, recorded_at=NOW_MS, sizes=[1] * count, leaves=leaf_hash(b"x") * count,
        sources=[(1, "generation.events")], source_of=[0] * count,
        offsets=list(range(first, first + count)), revisions=[1] * count, roots={}, answers={},
        ids={row: ids[row * 32 : row * 32 + 32] for row in range(count)}, spans={}, users={},
    )  # fmt: skip
    return encode_segment(footer, [b"x"] * count)
