"""``synthgate map``: a platform's own events turned into ours: try a mapping on cases, or on one record."""

import argparse
from pathlib import Path
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, group, load


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "map", "turn a platform's own events into ours and decisions back")
    leaf = command(
        under, "test", run, "run a mapping on cases and name every difference",
        epilog="CASES: a JSON list of records with what each gives (src/guides/MAPPING.md). Needs no Kafka.\n"
        "Exit code 0 if all come out as they must, else 1.",
    )  # fmt: skip
    leaf.add_argument("cases", metavar="CASES", type=Path, nargs="+")
    leaf.add_argument(
        "--map", type=Path, metavar="FILE", help="the mapping (the setting intake_map)"
    )


def run(args: argparse.Namespace) -> int:
    """Print a line for each case."""
    try:
        from synthgate.mapping import cases
        from synthgate.mapping.file import Mapping
    except ImportError as error:
        raise CommandError(
            f"{error.name} is not there: install Synthgate with its extra `intake`", CONFIGURATION
        ) from None
    path = args.map or load(args).intake_map
    if not path:
        raise CommandError("name the mapping with --map, or set intake_map", CONFIGURATION)
    mapping = Mapping.read(Path(path))
    results = [result for one in args.cases for result in cases.run(mapping, one)]
    bad = [result for result in results if result.faults]
    for result in results:
        print(f"{'differs' if result.faults else 'ok':<8} {result.name}")
        for fault in result.faults:
            print(f"         {fault}")
    print(f"map: {len(results)} cases, {len(bad)} differ")
    return 1 if bad or not results else 0
