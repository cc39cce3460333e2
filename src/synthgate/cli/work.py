"""``synthgate work``: what the platform owes; sent again until it is answered with proof."""

import argparse
import json
from typing import Any

from synthgate.cli.case import acting, as_json, named, told
from synthgate.cli.options import command, finish, group, load


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "work", "work the platform owes: list, done, failed")
    leaf = command(under, "list", listed, "work nobody has answered, the oldest first")
    leaf.add_argument("--all", action="store_true", help="answered too")
    as_json(leaf)
    leaf = command(under, "done", answer, "say that it is done, and what proves it")
    leaf.set_defaults(what="work.done")
    leaf.add_argument("id", metavar="ID")
    leaf.add_argument("--proof", metavar="NAME=VALUE", action="append", required=True,
                      help="a reference or a hash; may stand more than once")  # fmt: skip
    acting(leaf)
    leaf = command(under, "failed", answer, "say that it could not be done; it stays owed")
    leaf.set_defaults(what="work.failed", proof=[])
    leaf.add_argument("id", metavar="ID")
    acting(leaf)


def listed(args: argparse.Namespace) -> int:
    """One line each."""
    from synthgate.cases.calendar import moment
    from synthgate.cli.casebook import read

    for held in finish(read(load(args))).of("work"):
        work = held.row.detail["work"]
        if held.row.state != "open" and not args.all:
            continue
        if args.json:
            said = {
                "status": held.row.status,
                "partition": held.partition,
                "sent": held.row.detail["sent"],
            }
            print(json.dumps(work | said, ensure_ascii=False))
        else:
            due = "" if work["due_at"] is None else moment(work["due_at"])[:16]
            print(
                f"{due:<16}  {held.row.status:<7}  {work['kind']:<16}  {work['rule']:<10}  {work['id']}"
            )
    return 0


def answer(args: argparse.Namespace) -> int:
    """Write it and wait for the row to say so."""
    from synthgate.cli.casebook import answer as send
    from synthgate.cli.casebook import read
    from synthgate.steps.docket import work_case

    settings = load(args)
    held = finish(read(settings)).named(work_case(args.id))
    said = {"work": args.id, "by": args.by, "reason": args.reason, "detail": named(args.proof)}
    row, refused = finish(send(settings, held, args.what, **said))
    return told(args, row, args.what, refused)
