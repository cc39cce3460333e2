"""``synthgate pause``: a duty stops consuming, on all partitions or some, until it is resumed.

Nothing is lost and nothing is released: events wait on the broker, apps get no decision in time. Paused
longer than the broker keeps its input, a duty refuses to go on (``synthgate topics accept-loss``).
"""

import argparse
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "pause", run, "let a duty stop consuming; it keeps its place in its group",
        epilog="It stands over restarts. `synthgate status` names every pause; `synthgate resume` ends it.\n"
        "A fused worker stops when any duty from identity to retention is paused.",
    )  # fmt: skip
    which(leaf)
    leaf.add_argument("--reason", required=True, help="why; whoever reads the status sees it")


def which(leaf: argparse.ArgumentParser) -> None:
    """Options that say which duty, where, and who says so."""
    leaf.add_argument("duty", metavar="DUTY", help="for instance retention")
    leaf.add_argument(
        "--partition", metavar="N", type=int, action="append",
        help="this partition; may stand more than once (all)",
    )  # fmt: skip
    leaf.add_argument("--by", default=None, help="who says so (the user running this)")


def run(args: argparse.Namespace) -> int:
    """Write the rows."""
    return finish(change(args, {"paused": True, "reason": args.reason}))


async def change(args: argparse.Namespace, body: dict[str, Any]) -> int:
    """One row a partition, so that one can be resumed while the others stay.

    Raises:
        CommandError: no such duty or partition.
    """
    from synthgate.cli.operator_word import say
    from synthgate.events.topics import DUTIES

    settings = load(args)
    if args.duty not in DUTIES:
        raise CommandError(f"no duty {args.duty!r}; there are {', '.join(DUTIES)}", CONFIGURATION)
    numbers = sorted(set(args.partition or range(settings.partitions)))
    for number in numbers:
        if not 0 <= number < settings.partitions:
            raise CommandError(
                f"no partition {number}; there are 0 to {settings.partitions - 1}", CONFIGURATION
            )
    rows = {f"pause/{args.duty}/{number}": body for number in numbers}
    who = await say(settings, rows, args.by)
    what = "paused" if body["paused"] else "resumed"
    where = (
        "all partitions" if args.partition is None else f"partition {', '.join(map(str, numbers))}"
    )
    print(f"{args.duty}: {what} on {where}, by {who}; running workers follow within a second")
    return 0
