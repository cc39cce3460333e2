"""``synthgate quarantine``: what could not be processed: list it, look into it, hand it back.

Listing shows labels and no content. The bytes are sealed to the operator: to see or redrive them takes
``operator.key`` in the key folder, which no worker holds.
"""

import argparse
import json
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from synthgate.cli.errors import CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.settings import Settings


class Kept(NamedTuple):
    """One quarantined record. ``id`` is its origin; ``at`` its append time, Unix ms; ``box`` is sealed.

    why: which expression of a mapping failed, if it was one.
    """

    id: str
    code: str
    tenant: str
    sha256: str
    at: int
    box: bytes
    why: str = ""


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "quarantine", "list, show and redrive what could not be processed")
    listed = command(under, "list", run, "what lies there, newest last; no content")
    _which(listed)
    listed.add_argument("--json", action="store_true", help="one JSON object a record")
    shown = command(under, "show", show, "print the bytes of one record as they came")
    shown.add_argument("id", metavar="ID", help="as listed: epoch/topic/partition/offset")
    back = command(
        under, "redrive", redrive, "hand records back to the chain, which decides them anew",
        epilog="First mend what was wrong on our side; the bytes go back as they came. What is wrong in\n"
        "them is for the platform to send again. Each answers its stub's decision, once.",
    )  # fmt: skip
    back.add_argument("ids", metavar="ID", nargs="*", help="as listed; or select by:")
    _which(back)
    back.add_argument("--dry-run", action="store_true", help="say what would be sent; send nothing")
    back.add_argument("--why", required=True, help="what was mended; goes into the ledger")
    back.add_argument("--by", default=None, help="who hands it back (the user running this)")


def _which(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument("--reason", metavar="CODE", help="only of this reason, for instance bug")
    leaf.add_argument("--since", metavar="RFC3339", help="only appended at or after this")
    leaf.add_argument("--until", metavar="RFC3339", help="only appended before this")


def run(args: argparse.Namespace) -> int:
    """Print labels; 0 also when nothing lies there."""
    return finish(_list(args))


def show(args: argparse.Namespace) -> int:
    """Print the bytes."""
    return finish(_show(args))


def redrive(args: argparse.Namespace) -> int:
    """Send; 1 if one of them could not be handed back."""
    return finish(_redrive(args))


async def _list(args: argparse.Namespace) -> int:
    found = await selected(load(args), args)
    for one in found:
        at = datetime.fromtimestamp(one.at / 1000, UTC).isoformat(timespec="milliseconds")
        if args.json:
            row = {"id": one.id, "at": at, "code": one.code, "tenant": one.tenant}
            row |= {"why": one.why} if one.why else {}
            print(json.dumps(row | {"sha256": one.sha256, "sealed_bytes": len(one.box)}))
        else:
            print(
                f"{at}  {one.code:<18} {one.tenant:<16} {one.id}  {one.sha256[:12]}  {one.why}".rstrip()
            )
    if not found and not args.json:
        print("quarantine: nothing of that kind")
    return 0


async def _show(args: argparse.Namespace) -> int:
    settings = load(args)
    args.reason = args.since = args.until = None
    (one,) = await selected(settings, args, (args.id,))
    data = opened(one, settings)
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return 0


async def _redrive(args: argparse.Namespace) -> int:
    from synthgate.cli import redriving

    settings = load(args)
    if not args.ids and not (args.reason or args.since or args.until):
        raise CommandError("nothing selected: name ids, or --reason, --since, --until")
    found = await selected(settings, args, tuple(args.ids))
    sent = failed = 0
    async with redriving.sender(settings) as writer:
        for one in found:
            try:
                record = await redriving.make(settings, one, args.why, args.by)
            except CommandError as error:
                failed += 1
                print(f"{one.id}: not handed back: {error}")
                continue
            if args.dry_run:
                print(f"{one.id}: would answer {record.answers} ({one.code}), as {record.id}")
                continue
            placed = await redriving.send(writer, record)
            sent += 1
            where = f"operator.events/{placed.partition} offset {placed.offset}"
            print(f"{one.id}: handed back, {where}; `synthgate explain {one.id}`")
    what = "would be " if args.dry_run else ""
    print(
        f"redrive: {len(found) - failed if args.dry_run else sent} {what}handed back, {failed} not"
    )
    return 1 if failed else 0


async def selected(
    settings: "Settings", args: argparse.Namespace, ids: tuple[str, ...] = ()
) -> list[Kept]:
    """What lies there and was asked for, each once, oldest first.

    Raises:
        CommandError: an id that does not lie there, or a time that is none.
    """
    from synthgate.events.event import time_ms

    try:
        since = time_ms(args.since) if args.since else 0
        until = time_ms(args.until) if args.until else 1 << 62
    except ValueError as error:
        raise CommandError(f"{error}; write it like 2026-11-21T10:15:00+08:00") from None
    found: dict[tuple[str, str], Kept] = {}
    async for one in _kept(settings):
        wanted = since <= one.at < until and args.reason in (None, one.code)
        if wanted and (not ids or one.id in ids):
            found.setdefault((one.id, one.sha256), one)
    there = {one.id for one in found.values()}
    if missing := [one for one in ids if one not in there]:
        raise CommandError(
            f"{missing[0]} does not lie in quarantine; `synthgate quarantine list` names what does"
        )
    return sorted(found.values(), key=lambda one: one.at)


async def _kept(settings: "Settings") -> AsyncIterator[Kept]:
    from synthgate.cli.positions import records

    async for record in records(settings, "quarantine", whole=True, follow=False):
        named = {name: raw.decode("utf-8", "replace") for name, raw in record.headers if raw}
        yield Kept(
            named.get("sg_origin", "?"), named.get("sg_code", "?"),
            (record.key or b"?").decode("utf-8", "replace"), named.get("sg_sha256", "?"),
            record.timestamp, record.value or b"", named.get("sg_why", ""),
        )  # fmt: skip


def opened(one: Kept, settings: "Settings") -> bytes:
    """The bytes.

    Raises:
        KeyFolderError: operator.key is not here.
        CommandError: it is not the key they were sealed to, or they were changed.
    """
    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.seal import SealError, unseal

    private = KeyFolder(settings.keys_dir).operator_private
    try:
        return unseal(private, one.box, one.id.encode())
    except SealError as error:
        raise CommandError(
            f"{one.id} cannot be opened with {settings.keys_dir}/operator.key: {error}"
        ) from None
