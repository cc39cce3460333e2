"""``synthgate chaos``: seeded faults on real Kafka, judged by a checker that is not the code under test.

The rig and the checker live with the tests, apart from what they judge (decision 0019); the command runs them
from the source tree it belongs to.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import synthgate
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command

TESTS = Path(synthgate.__file__).parents[2] / "tests"


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "chaos", run, "kill, cut, freeze and fill up a chain on real Kafka, and check it",
        epilog="A round starts a chain, breaks it four times under load, lets it heal and checks that every"
        "\nrecord is logged and answered exactly once. A seed gives the same round again. Takes about half a"
        "\nminute a round; exit 1 if one failed. Works in a checkout of the source with the test extra.",
    )  # fmt: skip
    leaf.add_argument("--rounds", type=int, default=8, metavar="N", help="rounds at most (8)")
    leaf.add_argument(
        "--seconds", type=float, default=300.0, metavar="S", help="begin no round after these (300)"
    )
    leaf.add_argument("--seed", type=int, metavar="X", help="seed of the first round (a new one)")
    leaf.add_argument(
        "--brokers", type=int, choices=(1, 3), help="over how many (every fourth round over three)"
    )
    leaf.add_argument(
        "--plant", metavar="FAULT",
        help='plant a fault in the engine and see it found: "acknowledge early", "drop a hole",'
        ' "append twice", "trust a stale registry", "skip a sync"',
    )  # fmt: skip
    leaf.add_argument("--json", action="store_true", help="one JSON object; the table on stderr")


def run(args: argparse.Namespace) -> int:
    """Hand over to the rig beside the source."""
    if not (TESTS / "chaos" / "__main__.py").is_file():
        raise CommandError(
            f"chaos runs in a checkout of the source only: {TESTS}/chaos is not there",
            CONFIGURATION,
        )
    if importlib.util.find_spec("confluent_kafka") is None:
        raise CommandError("chaos needs the test extra: bash deploy/setup test", CONFIGURATION)
    asked = ["--rounds", str(args.rounds), "--seconds", str(args.seconds)]
    asked += [] if args.seed is None else ["--seed", str(args.seed)]
    asked += [] if args.brokers is None else ["--brokers", str(args.brokers)]
    asked += [] if args.plant is None else ["--plant", args.plant]
    asked += ["--json"] if args.json else []
    path = [str(TESTS.parent / "src"), str(TESTS), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    return subprocess.run(
        [sys.executable, "-m", "chaos", *asked], env=environment, check=False
    ).returncode
