"""``synthgate canary``: an event of our own on every partition, every few seconds; do decisions come?"""

import argparse
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "canary", run, "send canaries through the chain and time their decisions",
        epilog="Runs until SIGTERM, with /metrics at web_host:web_port. A canary is refused, for being one\n"
        "and nothing else, when the whole chain works.",
    )  # fmt: skip
    leaf.add_argument("--every", metavar="S", type=float, default=10.0, help="seconds between (10)")
    leaf.add_argument("--timeout", metavar="S", type=float, default=10.0, help="wait at most (10)")
    leaf.add_argument("--once", action="store_true", help="one round, a line each; 1 if one failed")


def run(args: argparse.Namespace) -> int:
    """Send; with --once, 1 if one of them did not come back as it should."""
    from synthgate import canary
    from synthgate.crypto.keys import KeyFolder
    from synthgate.runtime import logs

    settings = load(args)
    if args.every <= 0 or args.timeout <= 0:
        raise CommandError("--every and --timeout are seconds above 0", CONFIGURATION)
    key = KeyFolder(settings.keys_dir).canary_key
    if key is None:
        raise CommandError(
            f"no canary.key in {settings.keys_dir}: make it with `synthgate keys add-canary`",
            CONFIGURATION,
        )
    if not args.once:
        logs.set_up(form=settings.log_format)
        rounds = canary.run(settings, key, every_s=args.every, timeout_s=args.timeout)
        return finish(rounds)
    told = finish(canary.once(settings, key, args.timeout))
    for one in told:
        said = {
            "passed": f"decided in {one.seconds * 1000:.0f} ms",
            "refused": f"REFUSED for {', '.join(one.codes)}",
            "undecided": f"NO DECISION within {args.timeout:g} s",
        }[one.result]
        print(f"partition {one.partition}: {said}")
    return 0 if all(one.result == "passed" for one in told) else 1
