"""``synthgate complaint``: what people complain about; decided with a reason, within the published limit."""

import argparse
import json
import sys
from typing import Any

from synthgate.cli.case import acted, acting, as_json, show_list
from synthgate.cli.options import command, finish, group, load


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "complaint", "complaints: list, match, take, uphold, reject")
    leaf = command(under, "list", listed, "open complaints, the oldest first")
    leaf.add_argument("--all", action="store_true", help="decided ones too")
    as_json(leaf)
    leaf = command(
        under, "match", match, "find what a complaint is about among what was released",
        epilog="A screenshot is compared by likeness (PDQ): what is near is for a person to judge.",
    )  # fmt: skip
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("--file", help="the picture that was sent, re-encoded or not")
    leaf.add_argument("--by", help="note the nearest on the case, under this name")
    leaf.add_argument("--reason", help="why it is this one")
    as_json(leaf)
    about = {
        "take": ("complaint.taken", "say who examines it"),
        "uphold": ("complaint.upheld", "have the content taken down and recalled, and say so"),
        "reject": ("complaint.rejected", "say why not; what was hidden comes back"),
    }
    for name, (act, what) in about.items():
        leaf = command(under, name, decide, what)
        leaf.set_defaults(decided=act)
        leaf.add_argument("case", metavar="CASE")
        if name == "reject":
            leaf.add_argument(
                "--bad-faith",
                action="store_true",
                help="it was made in bad faith; again and again limits",
            )
        acting(leaf)


def match(args: argparse.Namespace) -> int:
    """Look for it by picture, hash or content number; with ``--by`` the nearest is noted on the case."""
    from synthgate.cli.matching import matches

    settings = load(args)
    found = finish(matches(settings, args.case, args.file))
    for one in found:
        print(json.dumps(one) if args.json else _line(one))
    if not found:
        print(
            "nothing released looks like it" if args.file else "nothing in the logs",
            file=sys.stderr,
        )
        return 1
    if args.by is None:
        return 0
    detail = [
        f"{name}={found[0][name]}"
        for name in ("sha256", "generation", "decision")
        if found[0][name]
    ]
    return acted(args, args.case, "complaint.matched", detail)


def _line(one: dict[str, Any]) -> str:
    far = (
        "same bytes or number"
        if one["distance"] is None
        else f"{one['distance']} of 256 bits differ"
    )
    return f"{one['decision']}  {one['generation']}  user {str(one['user'])[:12]}  {far}"


def listed(args: argparse.Namespace) -> int:
    """One line each."""
    return show_list(args, ("complaint",))


def decide(args: argparse.Namespace) -> int:
    """Act on it."""
    marks = ["bad_faith=true"] if getattr(args, "bad_faith", False) else []
    return acted(args, args.case, args.decided, marks)
