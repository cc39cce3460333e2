"""``synthgate bench``: measure the chain and the log here."""

import argparse
import importlib
from pathlib import Path
from typing import Any, Final

from synthgate.cli.errors import TRY_LATER, CommandError
from synthgate.cli.options import command

BENCHES: Final = (
    "chain",
    "peers",
    "latency",
    "segments",
    "api",
    "backlog",
    "restart",
    "scale",
    "soak",
    "ledger",
    "registries",
    "moderation",
    "evasions",
    "labelling",
)


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(subparsers, "bench", run, "measure the chain on this machine, as ratios")
    leaf.add_argument("what", choices=BENCHES, help="what to measure")
    leaf.add_argument("--quick", action="store_true", help="less than a minute, and less sure")
    leaf.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    leaf.add_argument("--minutes", type=float, help="soak alone: how long it sends (30)")
    leaf.add_argument("--out", type=Path, metavar="DIR", help="soak alone: write soak.json there")
    leaf.add_argument(
        "--folder", type=Path, metavar="DIR", help="where the log is written (a temporary folder)"
    )


def run(args: argparse.Namespace) -> int:
    """Hand over to the bench."""
    bench = importlib.import_module("synthgate.bench")
    try:
        code: int = bench.main(args)
    except Exception as error:
        if type(error).__name__ == "BrokerUnavailableError":
            raise CommandError(f"no Kafka to measure on: {error}", TRY_LATER) from None
        if type(error).__name__ == "BenchError":
            raise CommandError(str(error)) from None
        raise
    return code
