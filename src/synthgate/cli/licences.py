"""``synthgate licences``: under what licence everything is that Synthgate cannot do without."""

import argparse
from typing import Any

from synthgate.cli.options import command

_EPILOG = """\
As each distribution states it: an SPDX expression, or its own words. Exit code 1 if one is not installed,
states nothing, or is under the GPL or AGPL. With --all everything installed is told."""


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "licences", run, "the licence of every package this rests on", epilog=_EPILOG
    )
    leaf.add_argument("--all", action="store_true", help="all that is installed here")


def run(args: argparse.Namespace) -> int:
    """A line for each, and what a person should look at; 1 if there is such."""
    from synthgate.cli.installed import expression, faults, installed, names, required

    found, lacking = required()
    told = [f"{name}: is required and not installed" for name in lacking]
    for name, one in (installed() if args.all else found).items():
        stated = expression(one) or ", ".join(names(one)) or "-"
        print(f"{name:<32} {one.version:<18} {stated}")
        told += [f"{name}: {fault}" for fault in faults(one)]
    for line in told:
        print(f"!! {line}")
    return 1 if told else 0
