"""``synthgate reconcile``: a platform's access-log export against the ledger."""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load

if TYPE_CHECKING:
    from synthgate.cases.reconcile import Known, Served
    from synthgate.settings import Settings

HOUR_MS = 3_600_000
OUTPUTS = ("generation.completed", "generation.segment", "scene.started")


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "reconcile", run, "compare an access-log export, or reports alone, with the ledger",
        epilog='A line of the export: {"tenant": …, "generation": …, "sha256": …, "at": RFC 3339}.\n'
        "Exit 1 if anything was served that no decision let out.",
    )  # fmt: skip
    leaf.add_argument(
        "file", metavar="FILE", nargs="?",
        help="JSON lines; without it, what was let out and nobody reported as delivered",
    )  # fmt: skip
    leaf.add_argument("--grace-minutes", type=int, default=60, metavar="N",
                      help="what was let out later than this is not asked for yet (60)")  # fmt: skip
    leaf.add_argument("--json", action="store_true", help="as JSON, one line each")


def run(args: argparse.Namespace) -> int:
    """Compare, print every breach and everything unreconciled."""
    from synthgate.cases.reconcile import breaches, unreconciled

    settings = load(args)
    served = [] if args.file is None else list(read(args.file))
    known = finish(_known(settings))
    found = list(breaches(served, known))
    before = time.time_ns() // 1_000_000 - args.grace_minutes * 60_000
    open_ends = unreconciled(served, known, before)
    for one, way in found:
        row = {"line": one.line, "way": way, "tenant": one.tenant, "generation": one.generation}
        print(
            json.dumps(row)
            if args.json
            else f"line {one.line}: {way}: {one.tenant}/{one.generation}"
        )
    for decided in open_ends:
        said = {
            "unreconciled": decided.decision,
            "tenant": decided.tenant,
            "generation": decided.generation,
        }
        where = f"{decided.tenant}/{decided.generation}"
        print(
            json.dumps(said)
            if args.json
            else f"unreconciled: {where} let out by {decided.decision}"
        )
    if not args.json:
        print(
            f"reconcile: {len(served)} served, {len(found)} of them round the chain;"
            f" {len(open_ends)} unreconciled"
        )
    return 1 if found else 0


def read(file: str) -> Iterator["Served"]:
    """The export.

    Raises:
        CommandError: a line that is none, by its number.
    """
    from synthgate.cases.reconcile import Served
    from synthgate.events.event import time_ms

    try:
        with Path(file).open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                row = json.loads(line)
                at = time_ms(row["at"])
                yield Served(number, row["tenant"], row["generation"], row["sha256"], at)
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}", CONFIGURATION) from None
    except (KeyError, TypeError, ValueError) as error:
        what = f"{error} missing" if isinstance(error, KeyError) else "not as the help shows"
        raise CommandError(f"{file}: line {number}: {what}", CONFIGURATION) from None


async def _known(settings: "Settings") -> "Known":
    """Everything the ledger decided about outputs, and what was recalled.

    Raises:
        KeyFolderError, LedgerError: the content cannot be opened.
    """
    from synthgate.cases.reconcile import Decided, Known
    from synthgate.cli.found import headers
    from synthgate.cli.positions import records
    from synthgate.events.event import time_ms
    from synthgate.ledger import LogReader
    from synthgate.ledger.log_ids import decided
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.lookup import Lookup

    store = open_store(settings)
    ring = open_ring(settings)
    lookup = Lookup(lambda log: LogReader(store, ring, log))
    known = Known()
    for log in decided(store.logs()):
        indexes = sorted(h["index"] for h in headers(store, log) if h["action"] != "silent")
        for index in indexes:
            for _, decision in lookup.decisions(log, index, index + 1):
                tenant, generation = decision.tenant, decision.generation
                if tenant is None or generation is None:
                    continue
                if decision.type == "content.delivered" and decision.action == "release":
                    known.delivered.add((tenant, generation))
                if decision.type in OUTPUTS:
                    hashes = frozenset(one.sha256 for one in decision.objects)
                    known.add(
                        Decided(
                            decision.decision, tenant, generation, decision.action,
                            decision.decided_at, hashes,
                        )
                    )  # fmt: skip
    async for record in records(settings, "facts.recalls", whole=True, follow=False):
        row = json.loads(record.value or b"{}")
        if row.get("recalled"):
            known.recalled[row["tenant"], row["generation"]] = time_ms(row["since"])
    return known
