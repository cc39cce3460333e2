"""``synthgate token``: numbers in, tokens out. Numbers come on standard input, never as an argument."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from synthgate.cli.options import command, group, load

if TYPE_CHECKING:
    from synthgate.crypto.identities import IdentityKeys

SCHEMES = ("mobile", "id_card", "uscc")


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "token", "turn phone, identity and credit-code numbers into tokens")
    epilog = (
        "One number a line on standard input: an argument would stand in the process list and in the\n"
        "shell's history. "
        "A right check digit is format, never verification."
    )
    make = command(under, "make", run, "a token for each number", epilog=epilog)
    make.add_argument("--all", action="store_true", help="under every live key, newest first")
    check = command(
        under, "check", run_check, "whether a token stands for each number", epilog=epilog
    )
    check.add_argument("token", metavar="TOKEN")
    for leaf in (make, check):
        leaf.add_argument("--tenant", required=True, help="tokens of two tenants never meet")
        leaf.add_argument("--scheme", required=True, choices=SCHEMES, help="kind of number")


def run(args: argparse.Namespace) -> int:
    """A line of tokens for every line of input; 1 if a line held no such number."""
    from synthgate.crypto.identities import NumberError, live_tokens

    keys, faults = _keys(args), 0
    for place, number in _numbers():
        try:
            tokens = live_tokens(keys, args.tenant, args.scheme, number)
        except NumberError as error:
            faults += 1
            print("-")
            print(f"line {place}: {error}", file=sys.stderr)
            continue
        print(" ".join(tokens if args.all else tokens[:1]))
    return 1 if faults else 0


def run_check(args: argparse.Namespace) -> int:
    """``yes``, ``no`` or ``unknown key`` for every line; 0 only if all are yes."""
    from synthgate.crypto.identities import NumberError, is_token_of

    keys, others = _keys(args), 0
    words = {True: "yes", False: "no", None: "unknown key"}
    for place, number in _numbers():
        try:
            answer = is_token_of(keys, args.token, args.tenant, args.scheme, number)
        except NumberError as error:
            others += 1
            print(f"line {place}: {error}", file=sys.stderr)
            continue
        others += answer is not True
        print(words[answer])
    return 1 if others else 0


def _keys(args: argparse.Namespace) -> "IdentityKeys":
    from synthgate.crypto.keys import KeyFolder

    return KeyFolder(load(args).keys_dir).identity_keys


def _numbers() -> Iterator[tuple[int, str]]:
    for place, line in enumerate(sys.stdin, 1):
        if line.strip():
            yield place, line.strip()
