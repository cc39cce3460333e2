"""``synthgate hold``: legal holds. What they cover is neither expired nor erased."""

import argparse
import time
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, group, load


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "hold", "legal holds: what they cover is neither expired nor erased")
    leaf = command(under, "place", place, "hold a person's entries, one log, or everything")
    leaf.add_argument("name", metavar="NAME", help="of the case")
    whose = leaf.add_mutually_exclusive_group()
    whose.add_argument("--user", metavar="TENANT/USER", help="whose entries (everybody's)")
    whose.add_argument(
        "--subject", metavar="TOKEN",
        help="an edited person, by token: what the log holds of their consents (acts are the users')",
    )  # fmt: skip
    leaf.add_argument("--log", metavar="N", type=int, help="which log (all)")
    leaf.add_argument("--by", required=True, help="who orders it")
    leaf.add_argument("--reason", required=True, help="why; no names")
    command(under, "list", show, "the holds that stand")
    leaf = command(under, "release", release, "take a hold away")
    leaf.add_argument("name", metavar="NAME")


def place(args: argparse.Namespace) -> int:
    """Place one, durably before this returns. A user and an edited person are held alike, by token."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.tokens import user_token
    from synthgate.ledger.holds import Holds

    settings = load(args)
    token = args.subject
    if token is not None and (not token or "/" in token):
        raise CommandError("--subject: write the token alone, as events name it", CONFIGURATION)
    if args.user is not None:
        tenant, slash, user = args.user.partition("/")
        if not slash or not tenant or not user:
            raise CommandError("--user: write it as TENANT/USER", CONFIGURATION)
        token = user_token(KeyFolder(settings.keys_dir).token_key, tenant, user)
    row = {
        "name": args.name, "user": token, "log": args.log, "by": args.by, "reason": args.reason,
        "at": time.time_ns() // 1_000_000,
    }  # fmt: skip
    try:
        Holds(settings.holds_path).place(row)
    except ValueError as error:
        raise CommandError(str(error), CONFIGURATION) from error
    print(f"hold {args.name} stands")
    return 0


def show(args: argparse.Namespace) -> int:
    """One line each."""
    from synthgate.ledger.holds import Holds

    for row in Holds(load(args).holds_path).rows():
        who = "everybody" if row["user"] is None else f"person {row['user'][:12]}"
        where = "all logs" if row["log"] is None else f"log {row['log']}"
        print(f"{row['name']}  {who}, {where}  by {row['by']}: {row['reason']}")
    return 0


def release(args: argparse.Namespace) -> int:
    """Release one."""
    from synthgate.ledger.holds import Holds

    try:
        Holds(load(args).holds_path).release(args.name)
    except ValueError as error:
        raise CommandError(str(error), CONFIGURATION) from error
    print(f"hold {args.name} is released")
    return 0
