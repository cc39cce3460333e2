"""``synthgate erase``: a person's content goes, once the law lets it; ``synthgate hold``: what may not go."""

import argparse
import hashlib
import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CRASH, TRY_LATER, CommandError
from synthgate.cli.options import command, finish, load

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.erasure import Erased
    from synthgate.steps.erasure_topics import Person


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "erase", run,
        "destroy a person's content keys and objects, as far as the law lets it",
        epilog="Headers, hashes and proofs stand. Once the log keeps nothing more, the person's rows on\n"
        "registry.users, standings and cases go too (Kafka); a penalty or an open case stays.\n"
        "Exit codes: 0 all gone, 75 something stays, as printed (run it again then), 1 a legal hold keeps it.",
    )  # fmt: skip
    whose = leaf.add_mutually_exclusive_group(required=True)
    whose.add_argument("user", metavar="TENANT/USER", nargs="?", help="whose content")
    whose.add_argument(
        "--subject", metavar="TOKEN",
        help="an edited person, by token: what the log holds of their consents (topics are the platform's)",
    )  # fmt: skip
    leaf.add_argument("--json", action="store_true", help="as one JSON object")
    leaf.add_argument("--case", metavar="CASE", help="the request's case: closed once all is gone")
    leaf.add_argument("--by", help="who does it, with --case")


def run(args: argparse.Namespace) -> int:
    """Erase what is due, and say what is kept and until when."""
    from synthgate.steps.erasure_topics import Person

    settings = load(args)
    tenant, slash, user = (args.user or "").partition("/")
    if args.subject is None and not (slash and tenant and user):
        raise CommandError("write the person as TENANT/USER", CONFIGURATION)
    if args.case and not args.by:
        raise CommandError("--case needs --by: a case is closed under a name", CONFIGURATION)
    now_ms = time.time_ns() // 1_000_000
    if args.subject is None:
        token, done = erase_user(settings, tenant, user, now_ms)
    else:
        token, done = args.subject, erase_token(settings, args.subject, now_ms)
    row = {
        "at": now_ms, "user": token, "keys": len(done.keys), "entries": done.entries,
        "objects": done.objects, "kept_entries": done.kept_entries,
        "pending_until": done.pending_until, "held_by": done.held_by,
    }  # fmt: skip
    _note(settings, row)
    if args.subject is None and not done.held_by and not done.kept_entries:
        row = _beyond(settings, Person(tenant, user, token), now_ms, row)
    if args.json:
        print(json.dumps(row, indent=2))
    else:
        _print(row)
    if row["held_by"]:
        return CRASH
    if row["pending_until"] is not None or row.get("kept"):
        return TRY_LATER
    return 0 if args.case is None else _proved(args, settings, row)


def _proved(args: argparse.Namespace, settings: "Settings", row: dict[str, Any]) -> int:
    """Close the case of the request by the line of the register; 1 if it did not take that."""
    from synthgate.cli.casebook import act

    line = hashlib.sha256(json.dumps(row).encode()).hexdigest()
    said = {"register_sha256": line}
    case, refused = finish(
        act(settings, args.case, "erasure.proved", by=args.by, reason=None, detail=said)
    )
    if refused:
        raise CommandError(f"{case.case}: refused: {refused}")
    return 0


def _note(settings: "Settings", row: dict[str, Any]) -> None:
    with (settings.data_dir / "erasures.jsonl").open("a", encoding="utf-8") as register:
        register.write(json.dumps(row) + "\n")


def _beyond(
    settings: "Settings", person: "Person", now_ms: int, row: dict[str, Any]
) -> dict[str, Any]:
    """What is left on topics, once the log keeps nothing; the row with what came of it, noted too."""
    from synthgate.cli.erase_topics import erase_rows
    from synthgate.law import load as load_law

    keep_days = load_law().at(now_ms).policy.retention.keep_days
    removed, reach = finish(erase_rows(settings, person, now_ms, keep_days))
    row = {
        **row, "rows": dict(sorted(removed.items())), "kept": dict(sorted(reach.kept.items())),
        "pending_until": reach.pending_until,
    }  # fmt: skip
    _note(settings, row)
    return row


def _print(row: dict[str, Any]) -> None:
    print(f"erased: {row['entries']} entries, {row['keys']} keys, {row['objects']} objects")
    if row["held_by"]:
        print(f"a legal hold keeps the rest: {', '.join(row['held_by'])}")
    for topic, count in row.get("rows", {}).items():
        print(f"erased: {count} of {topic}")
    for why, count in row.get("kept", {}).items():
        print(f"stays: {count} of {why}")
    if row["pending_until"] is not None:
        until = datetime.fromtimestamp(row["pending_until"] / 1000, UTC).isoformat()
        kept = f" {row['kept_entries']} entries" if row["kept_entries"] else ""
        print(f"the law keeps{kept}: run it again after {until}")


def erase_user(settings: "Settings", tenant: str, user: str, now_ms: int) -> "tuple[str, Erased]":
    """The person's token, and what was done at this moment."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.tokens import user_token

    token = user_token(KeyFolder(settings.keys_dir).token_key, tenant, user)
    return token, erase_token(settings, token, now_ms)


def erase_token(settings: "Settings", token: str, now_ms: int) -> "Erased":
    """What was done at this moment about whoever has this token, be it a user or an edited person."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.effects.places import open_objects
    from synthgate.law import load as load_law
    from synthgate.ledger.holds import Holds
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.erasure import erase
    from synthgate.steps.trace_index import TraceIndex

    keys = KeyFolder(settings.keys_dir)
    index = TraceIndex(settings.trace_path)
    holds = Holds(settings.holds_path).all()
    try:
        done = erase(
            token, now_ms, store=open_store(settings),
            ring=open_ring(settings, keys),
            objects=open_objects(settings), index=index,
            holds=holds,
            floor_days=load_law().at(now_ms).policy.retention.keep_days,
        )  # fmt: skip
    finally:
        index.close()
    # Also where every entry has expired: a hold on the person keeps what lies on topics.
    by = {hold.name for hold in holds if hold.user in (None, token) and hold.log is None}
    done.held_by = sorted(by.union(done.held_by))
    return done
