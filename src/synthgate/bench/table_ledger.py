"""What was found of the log, for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from synthgate.bench.table_bucket import of_bucket
from synthgate.bench.table_place import place_line

_ASKED: Final = {
    "produce_id": "content number", "object": "hash of a file", "user": "person",
    "subject": "edited person", "time": "a minute",
}  # fmt: skip


def of_ledger(found: Mapping[str, Any]) -> str:
    """The table of ``bench ledger``."""
    size = found["stored_bytes"] / 1e6
    return "\n".join(
        (
            f"ledger in a {found['store']}",
            place_line(found),
            f"{found['entries']:,} entries of {found['content_bytes']:,} bytes in batches of"
            f" {found['batch_entries']:,}; {size:,.0f} MB stored",
            "",
            f"{'appended, encrypted, hashed, durable':44}{found['appends_per_second']:>10,} entries/s",
            f"{'bare write, fsync and SHA-256, same bytes':44}"
            f"{found['bare_per_second']:>10,} entries/s",
            f"{'ratio':44}{found['ratio']:>10.2f}",
            f"{'append of a batch, median':44}{found['append_p50_ms']:>10.1f} ms",
            f"{'append of a batch, p99':44}{found['append_p99_ms']:>10.1f} ms"
            f"   (bare {found['bare_p99_ms']:.1f} ms)",
            f"{'tiles and a checkpoint':44}{found['proved_per_second']:>10,} entries/s",
            f"{'verified, one log':44}{found['verified_mb_per_second']:>10,} MB/s"
            f"   ({found['verified_per_second']:,} entries/s)",
            f"{'taken over by a new owner':44}{found['takeover_seconds']:>10.1f} s"
            f"   with {found['takeover_ids']:,} ids in the window; peak {found['peak_mb']:,} MB",
            "",
            f"the log in a bucket: {found['bucket']}",
            *of_bucket(found),
            "",
            *_of_trace(found),
            "",
            f"replay at decision depth, and the chain that decided the same passages: {found['replay']}",
            *_of_replay(found),
        )
    )


def _of_trace(found: Mapping[str, Any]) -> Iterator[str]:
    size = found["trace_bytes"] / 1e6
    yield (
        f"trace index of {found['trace_entries']:,} entries, {size:,.0f} MB;"
        f" {found['trace_rows_per_second']:,} rows/s written, of the first"
    )
    yield f"{'looked up by':24}{'entries':>9}{'p50 ms':>10}{'p99':>8}{'cold p50':>11}{'p99':>8}"
    for kind, words in _ASKED.items():
        row = found[f"trace_{kind}"]
        yield (
            f"  {words:22}{row['entries']:>9,.0f}{row['p50_ms']:>10.2f}{row['p99_ms']:>8.2f}"
            f"{row['cold_p50_ms']:>11.2f}{row['cold_p99_ms']:>8.2f}"
            f"   aim: under {found['trace_aim_ms']:g} ms at 10 million"
        )


def _of_replay(found: Mapping[str, Any]) -> Iterator[str]:
    """Nothing if it was not measured."""
    for row in found.get("replay_rows", ()):
        yield (
            f"  {row['passages']:,} passages, {row['what']}:"
            f" {row['live_per_second']:,} a second ({row['live_cpu_us']:,} CPU us)"
        )
        yield (
            f"{'    replayed':44}{row['replayed_per_second']:>10,} entries/s"
            f" ({row['replayed_cpu_us']:,} CPU us)"
        )
        yield (
            f"{'    ratio; by CPU':44}{row['ratio']:>10.2f}; {row['by_cpu']:.2f}"
            f"   aim: at least {found['replay_aim']:g}"
        )
        yield f"{'    read into the trace index':44}{row['indexed_per_second']:>10,} entries/s"
