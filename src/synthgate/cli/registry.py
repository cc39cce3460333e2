"""``synthgate registry``: bring in what a platform already knows, and compare the two."""

import argparse
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synthgate.cli.produce import Line
    from synthgate.cli.registry_rows import Kind
    from synthgate.settings import Settings

NAMED_MAX = 100
KINDS = ("users", "terms", "consents", "templates", "news-sources")
IN_FLIGHT = 500
"""Records acknowledged together; the progress file says after each how far it got."""

_HOW = """\
users: identity.verified events; terms: terms.accepted events; consents, templates, news-sources: registry rows.
News sources (units news may be reposted from) are of no tenant. A .csv names its columns in the first line; any
other file is JSON Lines. FILE.progress remembers how far it got: run again after a kill, it goes on there; what
is sent twice changes nothing."""


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(
        subparsers,
        "registry",
        "import users, terms, consents, templates, news sources; compare with an export",
    )
    bring = command(
        under, "import", run, "send every row of a file, once all of them are right",
epilog=_HOW,
    )  # fmt: skip
    bring.add_argument(
        "--dry-run", action="store_true", help="count and name bad rows; send nothing"
    )
    bring.add_argument(
        "--skip-bad", action="store_true", help="send the good rows of a file with bad ones"
    )
    compare = command(under, "diff", diff, "compare a platform's export with what the chain knows")
    owed = command(
        under, "deletions", owe,
        "consents to a face or voice that were taken back, and whether its template was deleted",
        epilog="The proof is deleted_at and deletion_sha256 of the row on facts.revocations.",
    )  # fmt: skip
    for leaf in (bring, compare):
        leaf.add_argument("kind", choices=KINDS)
        leaf.add_argument("file", metavar="FILE", type=Path)
        leaf.add_argument("--tenant", help="whose rows they are; news-sources are of all")
    owed.add_argument("--tenant", required=True)


def run(args: argparse.Namespace) -> int:
    """Check every row, then send; with ``--skip-bad`` both at once. 1 if a row is bad."""
    from synthgate.cli.registry_rows import KINDS as KNOWN

    settings, kind = load(args), KNOWN[args.kind]
    tenant = _tenant(args, kind)
    if not args.file.is_file():
        raise CommandError(f"no file {args.file}")
    if args.dry_run or not args.skip_bad:
        told = Rows(args.file, kind, tenant)
        for _ in told.good(0):
            pass
        print(f"{args.kind}: {told.right} rows good, {told.bad} bad")
        if args.dry_run:
            return 1 if told.bad else 0
        if told.bad:
            raise CommandError(
                "nothing was sent: mend the rows named above, or send the others with --skip-bad"
            )
    rows = Rows(args.file, kind, tenant)
    sent = finish(_send(settings, rows, Progress(args.file, args.kind, tenant)))
    if args.skip_bad:
        print(f"{args.kind}: {rows.right} rows good, {rows.bad} bad")
    print(f"{args.kind}: {sent} rows sent now, {rows.right} in all")
    return 1 if rows.bad else 0


def _tenant(args: argparse.Namespace, kind: "Kind") -> str:
    """Whose rows a file holds; ``""`` for what is of all."""
    if kind.of_all and args.tenant:
        raise CommandError(f"{args.kind} are of no tenant: leave out --tenant", CONFIGURATION)
    if not kind.of_all and not args.tenant:
        raise CommandError(f"--tenant: say whose {args.kind} these are", CONFIGURATION)
    tenant: str = args.tenant or ""
    return tenant


@dataclass(slots=True)
class Rows:
    """The rows of a file as records; every bad one is named by its line as it is met.

    at: rows read so far. right, bad: how many of them.
    """

    path: Path
    kind: "Kind"
    tenant: str
    at: int = 0
    right: int = 0
    bad: int = 0

    def good(self, now_ms: int | None = None) -> "Iterator[Line]":
        """The good ones in order. now_ms: the time they are sent at; None: now, for each."""
        from synthgate.cli.registry_rows import BadRowError, read, record
        from synthgate.client.build import now_ms as now

        for line, row, fault in read(self.path, self.kind):
            self.at += 1
            try:
                if fault:
                    raise BadRowError(fault)
                made = record(self.kind, self.tenant, row, now() if now_ms is None else now_ms)
            except BadRowError as error:
                self.bad += 1
                print(f"line {line}: {error}")
                continue
            self.right += 1
            yield made


async def _send(settings: "Settings", rows: Rows, progress: "Progress") -> int:
    """How many were sent now: what is acknowledged already is checked again and not sent again."""
    import asyncio

    from synthgate.client import Writer

    sent, waiting = 0, list[Any]()
    async with Writer.from_settings(settings, rows.kind.topic or "generation.events") as writer:
        for line in rows.good():
            if rows.at <= progress.rows:
                if rows.at % IN_FLIGHT == 0:
                    await asyncio.sleep(0)  # the producer has work of its own
                continue
            waiting.append(
                await writer.write(line.topic, line.key, line.value, headers=line.headers)
            )
            if len(waiting) >= IN_FLIGHT:
                await asyncio.gather(*waiting)
                sent, waiting = sent + len(waiting), []
                progress.save(rows.at)
        await asyncio.gather(*waiting)
        progress.save(rows.at)
    return sent + len(waiting)


class Progress:
    """How many rows of a file are acknowledged, beside the file; of another file, kind or tenant: none."""

    def __init__(self, path: Path, kind: str, tenant: str) -> None:
        self._path = path.with_name(f"{path.name}.progress")
        digest = hashlib.sha256(f"{kind}\x00{tenant}\x00".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        self._digest = digest.hexdigest()
        self.rows = 0
        try:
            held = json.loads(self._path.read_text())
            if held["digest"] == self._digest:
                self.rows = int(held["rows"])
        except (OSError, ValueError, KeyError, TypeError):
            return

    def save(self, rows: int) -> None:
        """Durable when it returns, whole or not at all."""
        beside = self._path.with_name(f"{self._path.name}.new")
        with beside.open("w", encoding="ascii") as file:
            json.dump({"digest": self._digest, "rows": rows}, file)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        self.rows = rows


def owe(args: argparse.Namespace) -> int:
    """Tell what was taken back and is not proved to be deleted; 1 if anything is."""
    from synthgate.cli.registry_deletions import deletions

    every = finish(deletions(load(args), args.tenant))
    left = [each for each in every if not each.proved]
    for each in left[:NAMED_MAX]:
        kinds = ",".join(each.kinds) or "grant unknown"
        print(f"owed     {each.key}  {kinds}  taken back {each.revoked_at}")
    print(
        f"deletions: {len(every)} taken back, {len(left)} without proof that the template is gone"
    )
    return 1 if left else 0


def diff(args: argparse.Namespace) -> int:
    """Tell what is missing here, differs, or stands here alone; 1 if anything does."""
    from synthgate.cli.registry_diff import compare
    from synthgate.cli.registry_rows import KINDS as KNOWN

    settings, kind = load(args), KNOWN[args.kind]
    tenant = _tenant(args, kind)
    if not args.file.is_file():
        raise CommandError(f"no file {args.file}")
    found = finish(compare(settings, args.file, kind, tenant))
    for what, where in found.named:
        print(f"{what:<8} {where}")
    print(
        f"{args.kind}: {found.same} the same, {found.missing} missing here, {found.differing} different,"
        f" {found.alone} here alone, {found.bad} bad rows"
    )
    return 0 if found.equal else 1
