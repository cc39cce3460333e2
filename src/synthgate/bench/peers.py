"""``synthgate bench peers``: the same six ``decide`` on the same events in other engines and in ours.

What each does: (o, p) and the peers decide and no more; (c, d), in the long form alone, are the chain whole.
It keeps registries fresh, logs with fsync, signs passes, accounts for every offset and answers every decision:
compare like with like.
The peers' own code lies in tests/bench/peers and needs the extra ``peers``.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from synthgate.bench import variants
from synthgate.bench.child import PEERS
from synthgate.bench.on_broker import ALL, BenchError
from synthgate.bench.variants import HOP, SIX, Variant

ENDS: Final = (SIX[0], SIX[-1])
VARIANTS: Final = (
    Variant("a", "raw hop", "raw aiokafka in batches, one hop", HOP, 20_000, 100_000, "hop"),
    Variant("j", "java hop", "raw Java client, one hop, warmed up", HOP, 20_000, 100_000, "hop"),
    Variant("b", "our hop", "our engine, one hop, same work", HOP, 20_000, 100_000, "hop"),
    Variant("e", "plain decide", "six decide: plain Faust agents, six topics", SIX, 250, 1_500),
    Variant("q", "quix, six topics", "six decide: Quix Streams, six topics", SIX, 2_500, 15_000),
    Variant("k", "confluent, six topics", "six decide: confluent-kafka, six topics", SIX, 2_500, 15_000),
    Variant("o", "our decide, six topics", "six decide: our engine, six topics", SIX, 2_500, 15_000),
    Variant("g", "quix, fused", "six decide: Quix Streams, one hop", ENDS, 5_000, 30_000, "ends"),
    Variant("l", "confluent, fused", "six decide: confluent-kafka, one hop", ENDS, 5_000, 30_000, "ends"),
    Variant("p", "our decide, fused", "six decide: our engine, one hop", ENDS, 5_000, 30_000, "ends"),
    Variant("c", "six topics", "the chain whole: six topics", ALL, 0, 15_000),
    Variant("d", "fused", "the chain whole: fused", ALL, 0, 25_000),
)  # fmt: skip
RATIOS: Final[Mapping[str, float | None]] = {
    "b/a": 0.9, "b/j": None, "o/e": 30.0, "o/q": 1.5, "o/k": None, "p/g": 1.3, "p/l": None,
    "c/e": None, "c/q": None, "d/g": None,
}  # fmt: skip
"""Aims stand where the work is the same."""
INSTALL: Final = "run `./deploy/setup peers`, then `.venv-peers/bin/synthgate bench peers`"


def measure(*, quick: bool, folder: Path | None = None) -> dict[str, Any]:
    """Everything that was found, ready for JSON.

    Raises:
        BrokerUnavailableError: no real Kafka can be had.
        BenchError: the peers are not installed, or a variant failed.
    """
    if not PEERS.is_dir():
        raise BenchError(f"the peers are not in this installation ({PEERS}): run from a checkout")
    for module, package in (
        ("quixstreams", "Quix Streams"),
        ("confluent_kafka", "confluent-kafka"),
    ):
        if importlib.util.find_spec(module) is None:
            raise BenchError(f"{package} is not installed here: {INSTALL}")
    return variants.measure("peers", VARIANTS, RATIOS, quick=quick, folder=folder)
