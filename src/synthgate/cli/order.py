"""``synthgate order``: what a regulator ordered (DSP 21): keep it as a case, and suspend functions at once."""

import argparse
import json
from typing import Any

from synthgate.cli.case import acted, acting, as_json, file_hash, finding, opened, show_list
from synthgate.cli.options import command, finish, group, load


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(
        subparsers, "order", "regulators' orders: open, suspend, lift, carried-out, answered, list"
    )
    leaf = command(under, "list", listed, "open orders, the oldest first")
    leaf.add_argument("--all", action="store_true", help="answered ones too")
    as_json(leaf)
    leaf = command(
        under, "open", open_, "keep an order or a request for data as a case",
        epilog="--detail answer_by=2026-12-01T18:00:00+08:00 runs the clock the order names.",
    )  # fmt: skip
    finding(leaf)
    about = {
        "suspend": "switch a function off: events of it are refused from the acknowledgement of this on",
        "lift": "switch it on again",
    }
    for name, what in about.items():
        leaf = command(under, name, switch, what)
        leaf.set_defaults(off=name == "suspend")
        leaf.add_argument("function", metavar="FUNCTION", help="an event type, a template, or *")
        leaf.add_argument("--tenant", required=True, help="* is all")
        leaf.add_argument("--order", required=True, help="the order's number")
        as_json(leaf)
    for name in ("carried-out", "answered"):
        leaf = command(under, name, act, f"say that the order is {name.replace('-', ' ')}")
        leaf.set_defaults(what=f"order.{name.replace('-', '_')}")
        leaf.add_argument("case", metavar="CASE")
        if name == "answered":
            leaf.add_argument(
                "--manifest", metavar="FILE", help="of what was handed over; its SHA-256 is kept"
            )
        acting(leaf)


def listed(args: argparse.Namespace) -> int:
    """One line each."""
    return show_list(args, ("order",))


def open_(args: argparse.Namespace) -> int:
    """Write the finding."""
    return opened(args, "regulator.requested")


def switch(args: argparse.Namespace) -> int:
    """Write the row."""
    from synthgate.client import Facts, Writer

    settings = load(args)

    async def write() -> None:
        async with Writer.from_settings(settings, "facts.switches") as writer:
            await Facts(writer, args.tenant).switch_function(
                args.function, off=args.off, order=args.order, all_tenants=args.tenant == "*"
            )

    finish(write())
    said = {"function": args.function, "tenant": args.tenant, "off": args.off, "order": args.order}
    state = "off" if args.off else "on"
    print(
        json.dumps(said) if args.json else f"{args.tenant}/{args.function}: {state} by {args.order}"
    )
    return 0


def act(args: argparse.Namespace) -> int:
    """Act on it."""
    given = getattr(args, "manifest", None)
    detail = [] if given is None else [f"manifest_sha256={file_hash(given, '--manifest')}"]
    return acted(args, args.case, args.what, detail)
