"""``synthgate decisions``: what was decided, a line each, as it comes."""

import argparse
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

from synthgate.cli.options import command, finish, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(subparsers, "decisions", run, "print decisions, a line each, as they come")
    leaf.add_argument("--follow", action="store_true", help="wait for what comes (from now on)")
    leaf.add_argument(
        "--from-beginning", action="store_true", help="with --follow: all that is there first"
    )
    leaf.add_argument("--json", action="store_true", help="the whole decision, as it stands")


def run(args: argparse.Namespace) -> int:
    """Print; without --follow, everything up to the end of the topic."""
    return finish(_print(args))


async def _print(args: argparse.Namespace) -> int:
    settings = load(args)
    whole = args.from_beginning or not args.follow
    async for row in read(settings, whole=whole, follow=args.follow):
        print(json.dumps(row, ensure_ascii=False) if args.json else line(row), flush=True)
    return 0


async def read(settings: Any, *, whole: bool, follow: bool) -> AsyncIterator[Mapping[str, Any]]:
    """Decisions as they stand on the topic. What cannot be read as one is passed over."""
    from synthgate.cli.positions import records

    async for record in records(settings, "decisions", whole=whole, follow=follow):
        try:
            row = json.loads(record.value or b"")
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("v") == 1:
            yield row


def line(row: Mapping[str, Any]) -> str:
    """When, which event, what, why: for a person who watches."""
    at = (
        datetime.fromtimestamp(row["decided_at"] / 1000).astimezone().isoformat(" ", "milliseconds")
    )
    receipt = row["receipt"]
    codes = ", ".join(dict.fromkeys(reason["code"] for reason in row["reasons"]))
    revision = f" r{row['revision']}" if row["revision"] > 1 else ""
    observed = "" if row["enforced"] else " (observed)"
    return (
        f"{at}  {row['action']:<7}{revision}{observed}  {row['event_id'] or row['origin']}"
        f"  {row['type']}  {receipt['log']}/{receipt['index']}{'  ' + codes if codes else ''}"
    )
