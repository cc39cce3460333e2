"""``synthgate worker``: run duties."""

import argparse
import importlib
from typing import Any

from synthgate.cli.options import command, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(subparsers, "worker", run, "run duties: all, some, or all fused in one agent")
    leaf.add_argument(
        "duties", nargs="*", metavar="DUTY", help="which (all of them); or intake, replies"
    )
    leaf.add_argument(
        "--fused", action="store_true", help="the fast lane through all duties at once"
    )


def run(args: argparse.Namespace) -> int:
    """Hand over to the worker."""
    beside = bool(args.duties) and set(args.duties) <= {"intake", "replies"}
    home = importlib.import_module("synthgate.outside" if beside else "synthgate.worker")
    code: int = home.main(args, load(args))
    return code
