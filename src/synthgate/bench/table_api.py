"""What ``bench api`` found, for people."""

from collections.abc import Mapping
from typing import Any


def lines_of_api(found: Mapping[str, Any]) -> list[str]:
    """Both ways, and whether the aim was met."""
    met = "met" if found["above_ms"] <= found["aim_ms"] else "missed"
    lines = []
    for name, words in (("bus", "through Kafka"), ("http", "by HTTP")):
        row = found[name]
        lines.append(
            f"  {words:14} {found['rate']:g} a second ({row['requests']:,}): p50 {row['p50_ms']:,.1f} ms,"
            f" p99 {row['p99_ms']:,.1f} ms"
        )
    lines.append(
        f"  p99 {found['above_ms']:+,.1f} ms above the bus, ratio {found['ratio']:.2f}"
        f"   aim: at most {found['aim_ms']:g} ms: {met}"
    )
    return lines
