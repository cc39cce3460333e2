"""What was found of a log in a bucket, for people."""

from collections.abc import Iterator, Mapping
from typing import Any


def of_bucket(found: Mapping[str, Any]) -> Iterator[str]:
    """The lines of ``bench ledger`` on it; none if it was not measured."""
    if "bucket_full_per_second" not in found:
        return
    yield (
        f"{'appended, encrypted, hashed, in the bucket':44}{found['bucket_full_per_second']:>10,} entries/s"
        f"   (bare PUTs {found['bucket_full_bare_per_second']:,})"
    )
    for rate, called in (
        ("slow", f"{found['bucket_slow_per_second']} a second"),
        ("full", "full rate"),
    ):
        p50, p99 = found[f"bucket_{rate}_p50_ms"], found[f"bucket_{rate}_p99_ms"]
        puts, gets = found[f"bucket_{rate}_puts_per_1000"], found[f"bucket_{rate}_gets_per_1000"]
        yield f"{f'append at {called}, median and p99':44}{p50:>10.1f} ms{p99:>10.1f} ms"
        yield f"{f'requests per 1,000 events at {called}':44}{puts:>10,.1f} PUT{gets:>9,.1f} GET"
