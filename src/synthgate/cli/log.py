"""``synthgate log``: what can be derived from the logs: tiles, signed checkpoints, the door's account."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.ledger import CheckpointKey, Prover
    from synthgate.settings import Settings


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "log", "tiles, signed checkpoints and periods of the logs")
    leaf = command(
        under, "build", build,
        "bring tiles and checkpoints up to the logs; workers do it by themselves",
    )  # fmt: skip
    leaf.add_argument(
        "--rebuild", action="store_true", help="throw the tiles away and make them from the logs"
    )

    leaf = command(
        under, "checkpoints", told,
        "print the checkpoints told on their topic, a JSON line each, for whoever keeps them elsewhere",
        epilog="`synthgate verify --checkpoints FILE` holds a log against such a file.",
    )  # fmt: skip
    leaf.add_argument("--follow", action="store_true", help="go on with those that come")

    leaf = command(
        under, "door", door,
        "print what the door says it took, a JSON line each, from the records logs",
        epilog="The keys are needed; Kafka is not. `synthgate verify --door FILE` holds the logs against it.\n"
        "Exit codes: 0 written, 1 none is logged.",
    )  # fmt: skip
    leaf.add_argument("--out", metavar="FILE", type=Path, help="where to; must not be there")

    leaf = command(
        under, "expire", expire, "let packs go whose every entry is past its period; holds are kept"
    )
    leaf.add_argument("--dry-run", action="store_true", help="only say what would go, and when")

    leaf = command(
        under, "space", space, "how fast logs and objects grow, and whether the disk holds out",
        epilog="Exit codes: 0 it does at this rate, 1 it is full before the oldest entries may go.",
    )  # fmt: skip
    leaf.add_argument("--days", type=int, default=7, help="the rate of the last so many days (7)")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")


def told(args: argparse.Namespace) -> int:
    """Every record that is there, oldest first of each log."""
    from synthgate.cli.positions import records

    settings = load(args)

    async def read() -> None:
        async for record in records(settings, "checkpoints", whole=True, follow=args.follow):
            if record.value is not None:
                print(record.value.decode("utf-8", "replace"), flush=args.follow)

    finish(read())
    return 0


def door(args: argparse.Namespace) -> int:
    """Every row of the door that is logged, in the order of each log."""
    import sys

    from synthgate.cli.written import write_new
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import called, open_store
    from synthgate.steps.door_rows import door_rows

    settings = load(args)
    if args.out is not None and args.out.exists():
        raise CommandError(f"{args.out} is there already", CONFIGURATION)
    found = door_rows(open_store(settings), open_ring(settings))
    if not found.rows:
        raise CommandError(f"no row of records.door is logged in {called(settings)}")
    text = "".join(f"{row}\n" for row in found.rows)
    if args.out is None:
        print(text, end="")
    else:
        write_new(args.out, text.encode())
        print(f"{args.out}: {len(found.rows)} rows")
    if found.gone:
        print(f"{found.gone} entries of such rows have expired", file=sys.stderr)
    return 0


def space(args: argparse.Namespace) -> int:
    """What is written a day, times the days the law keeps it, beside what is free."""
    import json
    import shutil
    import time

    from synthgate.bucket import Bucket
    from synthgate.law import load as load_law
    from synthgate.ledger.expiry import DAY_MS
    from synthgate.ledger.forecast import folder_growth, forecast, growth, log_growth
    from synthgate.ledger.log_ids import is_records
    from synthgate.ledger.stores import open_store

    settings = load(args)
    now_ms = time.time_ns() // 1_000_000
    since_ms = now_ms - max(args.days, 1) * DAY_MS
    store = open_store(settings)
    kept = load_law().at(now_ms).policy.retention
    longer = {log: kept.proof_keep_days for log in store.logs() if is_records(log)}
    grown = [
        log_growth(store, log, since_ms)._replace(keep_days=longer.get(log, 0))
        for log in store.logs()
    ]
    if settings.place is None:
        grown.append(folder_growth(settings.objects_dir, since_ms))
    else:
        objects = Bucket.open(settings, settings.place.below("objects"), "object store")
        grown.append(growth(((one.size, one.at_ms) for one in objects.names()), since_ms))
    # Of a bucket nobody says how much room it has.
    free = shutil.disk_usage(settings.data_dir).free if settings.place is None else 1 << 62
    found = forecast(grown, free=free, keep_days=kept.keep_days, since_ms=since_ms, now_ms=now_ms)
    if args.json:
        print(json.dumps({**found._asdict(), "keep_days": kept.keep_days, "enough": found.enough}))
        return 0 if found.enough else 1
    mega = 1_000_000
    print(
        f"{found.used // mega} MB in logs and objects, {found.day_bytes // mega} MB a day,"
        + (f" {free // mega} MB free" if settings.place is None else " in a bucket")
    )
    print(
        f"kept {kept.keep_days} days at least, facts and cases {kept.proof_keep_days}:"
        f" {found.needed // mega} MB more before the oldest may go"
    )
    if found.full_in_days is not None:
        print(
            f"FULL in {found.full_in_days:.1f} days at this rate: make room, or retention waits then"
        )
    return 0 if found.enough else 1


def expire(args: argparse.Namespace) -> int:
    """What is past its period, under a checkpoint and under no hold goes; its hashes stay."""
    import time
    from datetime import UTC, datetime

    from synthgate.law import load as load_law
    from synthgate.ledger import expiry
    from synthgate.ledger.holds import Holds
    from synthgate.ledger.stores import open_store

    settings = load(args)
    store = open_store(settings)
    now_ms = time.time_ns() // 1_000_000
    floor_days = load_law().at(now_ms).policy.retention.keep_days
    holds = Holds(settings.holds_path).all()
    for log, prover in zip(store.logs(), provers(settings, signing(settings)), strict=True):
        newest = prover.published.newest()
        for pack in expiry.packs(store, log, holds, floor_days):
            until = datetime.fromtimestamp(pack.keep_until / 1000, UTC).isoformat(" ", "minutes")
            says = f"kept until {until}"
            if pack.held_by:
                says = f"held by {', '.join(pack.held_by)}"
            elif now_ms > pack.keep_until:
                says = "past its period"
                if not args.dry_run:
                    size = newest.size if newest else 0
                    gone = expiry.expire(store, pack, now_ms, size)
                    says = "gone; its hashes stand" if gone else "under no checkpoint yet"
            print(f"log {log}  entries {pack.first} to {pack.end - 1}  {says}")
    return 0


def build(args: argparse.Namespace) -> int:
    """Build each log there is; CheckpointConflict if one contradicts what was published."""
    settings = load(args)
    for prover in provers(settings, signing(settings)):
        newest = prover.rebuild() if args.rebuild else prover.build()
        print(f"{newest.origin}  {newest.size} entries  {newest.root.hex()}")
    return 0


def signing(settings: "Settings") -> "CheckpointKey":
    """The key that signs checkpoints. Raises KeyFolderError."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger import CheckpointKey

    keys = KeyFolder(settings.keys_dir)
    return CheckpointKey(settings.log_name, keys.checkpoint_private, keys.checkpoint_public)


def provers(settings: "Settings", key: "CheckpointKey") -> "list[Prover]":
    """One for each log there is."""
    from synthgate.ledger import Prover
    from synthgate.ledger.stores import open_store

    store = open_store(settings)
    return [Prover(store, settings.proofs_of(log), log, key) for log in store.logs()]
