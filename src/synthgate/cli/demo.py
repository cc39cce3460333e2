"""``synthgate demo``: the whole chain on this machine, with stories to watch."""

import argparse
import importlib
from pathlib import Path
from typing import Any

from synthgate.cli.options import command


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(subparsers, "demo", run, "run the whole chain here, on stories to watch")
    leaf.add_argument("--keep", action="store_true", help="leave the chain up afterwards")
    leaf.add_argument("--kafka", action="store_true", help="on real Kafka, not the embedded broker")
    leaf.add_argument(
        "--folder", type=Path, metavar="DIR",
        help="where log, objects, keys and demo.toml go; must not be there (a temporary one)",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Hand over to the demo."""
    code: int = importlib.import_module("synthgate.demo").main(args)
    return code
