"""The log in a bucket: what an append waits for, and what it costs in requests, slow and at full rate.

On S3Proxy in memory, over loopback, in a process of its own: requests are true, their times are not those of
a real store, which adds its own to each. So each figure stands beside bare PUTs of the same bytes in turn.
"""

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.object_store import ObjectServer
from synthgate.bucket import Bucket
from synthgate.bucket_client import BucketWrong, client_of
from synthgate.ledger import BucketStore, Draft, KeyRing, Log
from synthgate.settings import Settings

SLOW_PER_SECOND: Final = 10
SLOW_SECONDS: Final = 5
FULL_BATCHES_QUICK: Final = 8
FULL_BATCHES_LONG: Final = 100
FULL_SECONDS_MAX: Final = 10.0
_BUCKET: Final = "synthgate-bench"


def measure(
    home: Path, batches: Callable[[int], Iterator[list[Draft]]], *, quick: bool
) -> dict[str, Any]:
    """Figures of both rates; ``{"bucket": why not}`` where no server can be had. ``batches``: of drafts."""
    try:
        with ObjectServer() as server:
            settings = Settings(bucket=f"s3://{_BUCKET}/log", **server.settings)
            client = _Counted(client_of(settings))
            client.create_bucket(Bucket=_BUCKET)
            slow = _slow(home, _bucket(settings, client, "slow"), next(batches(1)))
            full = _full(
                home,
                _bucket(settings, client, "full"),
                batches(FULL_BATCHES_QUICK if quick else FULL_BATCHES_LONG),
            )
    except (BrokerUnavailableError, BucketWrong) as error:
        return {"bucket": f"not measured: {error}"}
    return {"bucket": "S3Proxy in memory, loopback", **slow, **full}


class _Counted:
    """The client, with its requests counted."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.counts: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        self.counts[name] += 1
        return getattr(self._client, name)


class _Place(NamedTuple):
    bucket: Bucket
    counts: Counter[str]


def _bucket(settings: Settings, client: _Counted, step: str) -> _Place:
    assert settings.place is not None
    return _Place(Bucket(client, settings.place.below(step), "ledger"), client.counts)


def _log(home: Path, place: _Place) -> Log:
    return Log.open(BucketStore(place.bucket), KeyRing.open(home / "bucket-keys", b"b" * 32), 0)


def _slow(home: Path, place: _Place, drafts: list[Draft]) -> dict[str, Any]:
    """One event at a time, ten a second: nothing to share a request with."""
    log = _log(home, place)
    place.counts.clear()
    took: list[float] = []
    count = SLOW_PER_SECOND * SLOW_SECONDS
    begun = time.perf_counter()
    for number, draft in enumerate(drafts[:count]):
        time.sleep(max(0.0, begun + number / SLOW_PER_SECOND - time.perf_counter()))
        at = time.perf_counter()
        log.append([draft], recorded_at_ms=1_795_000_000_000 + number)
        took.append(time.perf_counter() - at)
    return {
        "bucket_slow_per_second": SLOW_PER_SECOND,
        "bucket_slow_p50_ms": round(statistics.median(took) * 1000, 2),
        "bucket_slow_p99_ms": round(_p99(took) * 1000, 2),
        "bucket_slow_puts_per_1000": round(place.counts["put_object"] * 1000 / count, 1),
        "bucket_slow_gets_per_1000": round(place.counts["get_object"] * 1000 / count, 1),
    }


def _full(home: Path, place: _Place, batches: Iterator[list[Draft]]) -> dict[str, Any]:
    """Batch after batch, each beside a bare PUT of as many bytes."""
    log = _log(home, place)
    took: list[float] = []
    bare: list[float] = []
    entries, puts, gets = 0, 0, 0
    until = time.monotonic() + FULL_SECONDS_MAX
    for number, drafts in enumerate(batches):
        place.counts.clear()
        at = time.perf_counter()
        log.append(drafts, recorded_at_ms=1_795_000_000_000 + number)
        took.append(time.perf_counter() - at)
        entries += len(drafts)
        puts += place.counts["put_object"]
        gets += place.counts["get_object"]
        data = os.urandom(sum(len(draft.content) + 600 for draft in drafts))
        at = time.perf_counter()
        place.bucket.create(f"bare/{number}", data)
        bare.append(time.perf_counter() - at)
        place.bucket.remove(f"bare/{number}")
        if time.monotonic() > until:
            break
    return {
        "bucket_full_per_second": round(entries / sum(took)),
        "bucket_full_bare_per_second": round(entries / sum(bare)),
        "bucket_full_p50_ms": round(statistics.median(took) * 1000, 2),
        "bucket_full_p99_ms": round(_p99(took) * 1000, 2),
        "bucket_full_puts_per_1000": round(puts * 1000 / entries, 1),
        "bucket_full_gets_per_1000": round(gets * 1000 / entries, 1),
    }


def _p99(found: list[float]) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * 0.99))]
