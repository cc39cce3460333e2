"""``synthgate bench ledger``: appends beside the least that durable, hashed bytes can cost.

Batch by batch in turn: the log appends and syncs; then the very bytes it wrote are hashed, written to another
file and synced. So both meet the same disk in the same moods. Then what is made of a log: proofs, verification,
a takeover, look-ups by ``trace``, replay beside the live chain.
"""

import hashlib
import os
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from synthgate.bench import ledger_bucket, ledger_derived, ledger_replay, ledger_trace
from synthgate.bench.place import file_system, place
from synthgate.events.origin import Origin
from synthgate.ledger import Draft, KeyRing, LocalStore, Log
from synthgate.ledger.entry import id_hash_of

BATCH: Final = 1_000
CONTENT_BYTES: Final = 2_048
USERS: Final = 2_000
QUICK_BATCHES: Final = 40
LONG_BATCHES: Final = 1_000
QUICK_SECONDS_MAX: Final = 20.0
LONG_SECONDS_MAX: Final = 240.0


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON. ``folder``: on the disk that is to be measured."""
    home = Path(tempfile.mkdtemp(prefix="synthgate-bench-", dir=folder))
    try:
        return _measure(home, quick=quick)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measure(home: Path, *, quick: bool) -> dict[str, Any]:
    store = LocalStore(home / "ledger")
    ring = KeyRing.open(home / "userkeys", os.urandom(32))
    log = Log.open(store, ring, 0)
    appended: list[float] = []
    bare: list[float] = []
    stored = 0
    until = time.monotonic() + (QUICK_SECONDS_MAX if quick else LONG_SECONDS_MAX)
    for drafts in _batches(QUICK_BATCHES if quick else LONG_BATCHES):
        first = log.head
        begun = time.perf_counter()
        log.append(drafts, recorded_at_ms=1_795_000_000_000 + first)
        appended.append(time.perf_counter() - begun)
        data = store.read(0, first)
        stored += len(data)
        bare.append(_bare(home / f"bare-{first}", data))
        if time.monotonic() > until:
            break
    entries = len(appended) * BATCH
    return {
        "bench": "ledger",
        "quick": quick,
        "store": f"local folder on {file_system(home)}, one file per batch, fsync of file and folder",
        **place(),
        "batch_entries": BATCH,
        "content_bytes": CONTENT_BYTES,
        "entries": entries,
        "stored_bytes": stored,
        "appends_per_second": round(entries / sum(appended)),
        "bare_per_second": round(entries / sum(bare)),
        "ratio": round(sum(bare) / sum(appended), 3),
        "append_p50_ms": round(statistics.median(appended) * 1000, 2),
        "append_p99_ms": round(_p99(appended) * 1000, 2),
        "bare_p99_ms": round(_p99(bare) * 1000, 2),
        **ledger_derived.measure(home, store, quick=quick),
        **ledger_bucket.measure(home, _batches, quick=quick),
        **ledger_trace.measure(home, quick=quick),
        **ledger_replay.measure(home, quick=quick),
    }


def _batches(count: int) -> Iterator[list[Draft]]:
    """Batches of drafts as retention makes them; content is not compressible, as nothing looks at it."""
    numbers = random.Random(20260101)
    for batch in range(count):
        yield [_draft(batch * BATCH + row, numbers) for row in range(BATCH)]


def _draft(number: int, numbers: random.Random) -> Draft:
    origin = Origin(1, "generation.events", 0, number)
    duties = ("identity", "consent", "moderation", "labelling", "retention")
    header = {
        "tenant": "bench", "source": "bench-app", "event_id": f"event-{number}",
        "type": "generation.requested", "action": "release",
        "outcomes": dict.fromkeys(duties, "pass"),
        "event_time": 1_795_000_000_000, "appended_at": 1_795_000_000_000, "cause": None,
        "produce_id": None, "keep_until": 1_811_000_000_000,
    }  # fmt: skip
    digest = hashlib.sha256(str(number).encode())
    id_hash = id_hash_of("bench", "bench-app", f"event-{number}")
    return Draft(
        origin=origin, header=header, content=numbers.randbytes(CONTENT_BYTES),
        user=f"{numbers.randrange(USERS):032x}", root=origin, revision=1, answers=None,
        id_hash=id_hash, event_mac=digest.hexdigest(),
    )  # fmt: skip


def _bare(path: Path, data: bytes) -> float:
    """Seconds to hash, write and sync these bytes, and to sync the folder that names them."""
    begun = time.perf_counter()
    hashlib.sha256(data).digest()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
    seconds = time.perf_counter() - begun
    path.unlink()
    return seconds


def _p99(found: list[float]) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * 0.99))]
