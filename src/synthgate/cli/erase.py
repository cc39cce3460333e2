"""``synthgate erase``: a person's content goes, once the law lets it; ``synthgate hold``: what may not go."""

import argparse
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CRASH, TRY_LATER, CommandError
from synthgate.cli.options import command, load

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.erasure import Erased


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "erase", run,
        "destroy a person's content keys and objects, as far as the law lets it",
        epilog="Headers, hashes and proofs stand. Exit codes: 0 all gone, 75 the law keeps some until the\n"
        "date that is printed (run it again then), 1 a legal hold keeps it.",
    )  # fmt: skip
    leaf.add_argument("user", metavar="TENANT/USER", help="whose content")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Erase what is due, and say what is kept and until when."""
    settings = load(args)
    tenant, slash, user = args.user.partition("/")
    if not slash or not tenant or not user:
        raise CommandError("write the person as TENANT/USER", CONFIGURATION)
    now_ms = time.time_ns() // 1_000_000
    token, done = erase_user(settings, tenant, user, now_ms)
    row = {
        "at": now_ms, "user": token, "keys": len(done.keys), "entries": done.entries,
        "objects": done.objects, "kept_entries": done.kept_entries,
        "pending_until": done.pending_until, "held_by": done.held_by,
    }  # fmt: skip
    with (settings.data_dir / "erasures.jsonl").open("a", encoding="utf-8") as register:
        register.write(json.dumps(row) + "\n")
    if args.json:
        print(json.dumps(row, indent=2))
    else:
        print(f"erased: {row['entries']} entries, {row['keys']} keys, {row['objects']} objects")
        if done.held_by:
            print(f"a legal hold keeps the rest: {', '.join(done.held_by)}")
        if done.pending_until is not None:
            until = datetime.fromtimestamp(done.pending_until / 1000, UTC).isoformat()
            print(f"the law keeps {done.kept_entries} entries: run it again after {until}")
    if done.held_by:
        return CRASH
    return 0 if done.pending_until is None else TRY_LATER


def erase_user(settings: "Settings", tenant: str, user: str, now_ms: int) -> "tuple[str, Erased]":
    """The person's token, and what was done at this moment."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.tokens import user_token
    from synthgate.effects.places import open_objects
    from synthgate.law import load as load_law
    from synthgate.ledger.holds import Holds
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.erasure import erase
    from synthgate.steps.trace_index import TraceIndex

    keys = KeyFolder(settings.keys_dir)
    token = user_token(keys.token_key, tenant, user)
    index = TraceIndex(settings.trace_path)
    try:
        return token, erase(
            token, now_ms, store=open_store(settings),
            ring=open_ring(settings, keys),
            objects=open_objects(settings), index=index,
            holds=Holds(settings.holds_path).all(),
            floor_days=load_law().at(now_ms).policy.retention.keep_days,
        )  # fmt: skip
    finally:
        index.close()
