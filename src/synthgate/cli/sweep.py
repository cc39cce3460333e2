"""``synthgate sweep``: objects of the store that no decision names, or ever will, are removed."""

import argparse
import json
from dataclasses import asdict
from typing import Any

from synthgate.cli.options import command, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "sweep", run, "remove labelled objects that no log entry names",
        epilog="Removed is what lies there under an origin that is logged and whose entry does not name it.\n"
        "What is not logged yet stays, however old. Safe while workers run.",
    )  # fmt: skip
    leaf.add_argument("--dry-run", action="store_true", help="say what would go, remove nothing")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Sweep, and say what went and what stayed."""
    from synthgate.effects.places import open_objects
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.sweeping import sweep

    settings = load(args)
    ring = open_ring(settings)
    done = sweep(
        open_objects(settings),
        open_store(settings),
        ring,
        dry_run=args.dry_run,
    )
    if args.json:
        print(json.dumps(asdict(done)))
        return 0
    would = "would be removed" if args.dry_run else "removed"
    print(f"{would}: {done.objects} files, {done.bytes} bytes")
    print(f"kept: {done.cited} named by an entry, {done.unlogged} whose origin is not logged yet")
    return 0
