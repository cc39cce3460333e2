"""``synthgate bench chain``: one hop and six, ours beside raw aiokafka and plain Faust, in one run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from synthgate.bench import variants
from synthgate.bench.on_broker import ALL
from synthgate.bench.variants import HOP, SIX, Variant

VARIANTS: Final = (
    Variant("a", "raw hop", "raw aiokafka in batches, one hop", HOP, 30_000, 100_000, "hop"),
    Variant("b", "our hop", "our engine, one hop, same work", HOP, 30_000, 100_000, "hop"),
    Variant("c", "six topics", "six duties over six topics, one process", ALL, 4_000, 15_000),
    Variant("d", "fused", "the same duties fused, one process", ALL, 6_000, 25_000),
    Variant("e", "plain decide", "plain Faust agents: the six decide and no log", SIX, 400, 1_500),
    Variant("f", "plain whole", "plain Faust agents: the six duties whole", ALL, 80, 300),
)
RATIOS: Final[Mapping[str, float | None]] = {
    "b/a": 0.9, "c/e": 15.0, "c/f": None, "d/c": None, "d/a": None,
}  # fmt: skip
"""Ratio and what we aim at, if at anything."""


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: a variant failed, or refused what it should release.
    """
    return variants.measure("chain", VARIANTS, RATIOS, quick=quick, folder=folder)
