"""What ``bench segments`` found, for people."""

from collections.abc import Mapping
from typing import Any


def of_segments(found: Mapping[str, Any]) -> str:
    """The table."""
    lines = [
        f"parts of streamed answers, one every {found['every_s']:g} s of each, on {found['store']}",
        f"{found['cores']} cores; from the client's call to its answer; aim: p99 {found['aim_ms']:g} ms",
    ]
    for row in found["rows"]:
        met = "met" if row["p99_ms"] <= found["aim_ms"] else "missed"
        lines.append(
            f"{row['topology']:12}{row['streams']:>4} at once ({row['per_second']:,.1f} a second,"
            f" {row['parts']:,} parts): p50 {row['p50_ms']:,.1f} ms, p99 {row['p99_ms']:,.1f} ms: {met}"
        )
        lines += [
            f"    {duty['duty']:12} batches of {duty['records_per_batch']:.1f}: p50"
            f" {duty['ms']['whole']['p50']:.1f} ms, p99 {duty['ms']['whole']['p99']:.1f} ms"
            for duty in row["duties"]
        ]
    return "\n".join(lines)
