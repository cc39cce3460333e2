"""``synthgate appeal``: users who contest a penalty; someone else than before decides."""

import argparse
from typing import Any

from synthgate.cli.case import acted, acting, as_json, show_list
from synthgate.cli.options import command, group

DECIDED = {"take": "appeal.taken", "uphold": "appeal.upheld", "reject": "appeal.rejected"}


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "appeal", "appeals against penalties: list, take, uphold, reject")
    leaf = command(under, "list", listed, "open appeals, the oldest first")
    leaf.add_argument("--all", action="store_true", help="decided ones too")
    as_json(leaf)
    about = {
        "take": "say who reviews it",
        "uphold": "reverse the penalty: the user stands as if it had never been",
        "reject": "let the penalty stand",
    }
    for name, what in about.items():
        leaf = command(under, name, decide, what)
        leaf.set_defaults(decided=name)
        leaf.add_argument("case", metavar="CASE")
        acting(leaf)


def listed(args: argparse.Namespace) -> int:
    """One line each."""
    return show_list(args, ("appeal",))


def decide(args: argparse.Namespace) -> int:
    """Act on it."""
    return acted(args, args.case, DECIDED[args.decided], [])
