"""``synthgate resume``: ends a pause; the duty goes on where it stood."""

import argparse
from typing import Any

from synthgate.cli.options import command, finish
from synthgate.cli.pause import change, which


def add(subparsers: Any) -> None:
    """Register the command."""
    which(command(subparsers, "resume", run, "end a pause; the duty goes on where it stood"))


def run(args: argparse.Namespace) -> int:
    """Write the rows."""
    return finish(change(args, {"paused": False}))
