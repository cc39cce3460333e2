"""``synthgate law status``: how binding the rows are, who compared them, what is not covered."""

import argparse
import json
import time
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, group, language_option


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "law", "what the law files say and how far they are checked")
    leaf = command(under, "status", run, "rows by force, who compared them, what is not covered")
    leaf.add_argument("--at", metavar="RFC3339", help="as of this moment (now)")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")
    language_option(leaf)


def run(args: argparse.Namespace) -> int:
    """Print the status."""
    from synthgate.events.event import time_ms
    from synthgate.law import load
    from synthgate.law.status import render, status

    try:
        at_ms = time.time_ns() // 1_000_000 if args.at is None else time_ms(args.at)
    except ValueError as error:
        raise CommandError(f"--at: {error}", CONFIGURATION) from None
    found = status(load(), at_ms)
    if args.json:
        print(json.dumps(found.row(), ensure_ascii=False, indent=2))
    else:
        print(render(found, args.lang), end="")
    return 0
