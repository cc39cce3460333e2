"""``synthgate api``: a verdict by HTTP, and the keys of those who may ask."""

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load

SCOPES = ("events", "decisions", "complaints", "labels")


def add(subparsers: Any) -> None:
    """Register the commands."""
    top = command(
        subparsers, "api", run, "serve verdicts by HTTP until SIGTERM; or make and revoke keys",
        epilog="Without a command it serves, at api_host:api_port, with /metrics at web_host:web_port. Any\n"
        "number may run; every one needs the same file of keys. Needs the extra `api`.",
    )  # fmt: skip
    under = top.add_subparsers(title="commands", metavar="COMMAND", required=False)
    made = command(
        under, "make-key", make, "make a key, and print it: it is told this once and kept as a hash"
    )
    made.add_argument("--tenant", required=True)
    made.add_argument(
        "--source", required=True, action="append",
        help="CloudEvents source it speaks for; may stand more than once",
    )  # fmt: skip
    made.add_argument(
        "--scope", action="append", choices=SCOPES,
        help="what it is for; may stand more than once (events and decisions)",
    )  # fmt: skip
    made.add_argument("--days", type=int, default=90, help="it ends after this many (90)")
    made.add_argument(
        "--rate", type=float, default=50.0, help="events a second, of each replica (50)"
    )
    made.add_argument("--by", required=True, help="who makes it")
    back = command(under, "revoke-key", revoke, "take a key back, at once and for good")
    back.add_argument("id", metavar="ID", help="as listed; the part between sgk_ and the second _")
    listed = command(under, "keys", keys, "which keys there are; no secret is known")
    listed.add_argument("--json", action="store_true", help="one JSON object a key")


def run(args: argparse.Namespace) -> int:
    """Serve."""
    settings = load(args)
    try:
        from synthgate.api import serve
    except ImportError as error:
        raise CommandError(
            f"{error.name} is not there: install Synthgate with its extra `api`", CONFIGURATION
        ) from None
    from synthgate.runtime import logs

    logs.set_up(form=settings.log_format)
    return finish(serve.run(settings))


def make(args: argparse.Namespace) -> int:
    """Make one; the key alone is on standard output."""
    from synthgate.api.bus import now_ms
    from synthgate.api.keys import KeyFile

    if not 0 < args.days <= 400 or not 0 < args.rate <= 100_000:
        raise CommandError("--days: 1 to 400; --rate: more than 0, at most 100000", CONFIGURATION)
    key, secret = KeyFile(load(args).api_keys_path).make(
        tenant=args.tenant, sources=args.source, scopes=args.scope or ("events", "decisions"),
        days=args.days, by=args.by, now_ms=now_ms(), rate=args.rate,
    )  # fmt: skip
    print(secret)
    print(
        f"api: key {key.id} of {key.tenant} until {_day(key.expires_at)}; it is told this once",
        file=sys.stderr,
    )
    return 0


def revoke(args: argparse.Namespace) -> int:
    """Take one back."""
    from synthgate.api.bus import now_ms
    from synthgate.api.keys import KeyFile

    try:
        key = KeyFile(load(args).api_keys_path).revoke(args.id, now_ms())
    except KeyError:
        raise CommandError(f"there is no key {args.id}; `synthgate api keys` lists them") from None
    print(f"api: key {key.id} of {key.tenant} lets nobody in any more")
    return 0


def keys(args: argparse.Namespace) -> int:
    """List them, the oldest first."""
    from synthgate.api.bus import now_ms
    from synthgate.api.keys import KeyFile

    now = now_ms()
    for key in sorted(
        KeyFile(load(args).api_keys_path).all().values(), key=lambda one: one.made_at
    ):
        ended = "revoked" if key.revoked_at else "ended" if key.expires_at <= now else "lets in"
        if args.json:
            row = {name: value for name, value in key.row().items() if name != "sha256"}
            print(json.dumps(row | {"state": ended}, ensure_ascii=False))
        else:
            print(
                f"{key.id}  {ended:<8} until {_day(key.expires_at)}  {key.tenant}"
                f"  {','.join(sorted(key.scopes))}  {' '.join(key.sources)}  by {key.by}"
            )
    return 0


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
