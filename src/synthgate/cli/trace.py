"""``synthgate trace``: from a labelled file, a content number, a person or a time back to what was decided.

A picture whose bytes and labels lead nowhere is held against those released, by what it looks like. Printed is
each log entry with its verdicts and articles, its receipt, the proof that it stands under a signed checkpoint,
and what it followed and what followed it. The index is made from the logs, anew when it is gone.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.alike import like_row, likely
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, load

if TYPE_CHECKING:
    from synthgate.cli.alike import Likely
    from synthgate.ledger import KeyRing, SegmentStore
    from synthgate.settings import Settings
    from synthgate.steps.trace_index import Traced, TraceIndex

_SHOWN_MAX: Final = 100


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "trace", run,
        "from a labelled file, content number, person or time to the log entries, with proofs",
    )  # fmt: skip
    asked = leaf.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "file", metavar="FILE", type=Path, nargs="?",
        help="a labelled file, the .aigc.json beside one, any object released, or what looks like one",
    )  # fmt: skip
    asked.add_argument("--produce-id", metavar="ID", help="content number of the label")
    asked.add_argument("--user", metavar="TENANT/USER", help="whose acts")
    asked.add_argument("--subject", metavar="TOKEN", help="an edited person, by token")
    asked.add_argument("--time", metavar="FROM..TO", help="events of this time (RFC 3339)")
    leaf.add_argument(
        "--content", action="store_true", help="with the event as received: personal data"
    )
    leaf.add_argument("--json", action="store_true", help="as JSON")


def run(args: argparse.Namespace) -> int:
    """Print what was found; 1 if nothing was."""
    from synthgate.crypto.keys import KeyFolder
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps.trace_index import TraceIndex

    settings = load(args)
    keys = KeyFolder(settings.keys_dir)
    store = open_store(settings)
    ring = open_ring(settings, keys)
    index = TraceIndex(settings.trace_path)
    try:
        index.update(store, ring)
        found, likes = asked_for(args, index, keys), None
        if not found and args.file is not None and (likes := likely(settings, args.file, index)):
            found = [one for one, _ in likes.entries]
        rows = [_row(one, index, store, ring, settings) for one in found[:_SHOWN_MAX]]
    finally:
        index.close()
    if not args.content:
        for row in rows:
            row.pop("event", None)
    if likes is not None:
        for row, (_, like) in zip(rows, likes.entries, strict=False):
            row["likeness"] = like_row(like)
    if args.json:
        said = {"found": len(found), "entries": rows}
        said |= {} if likes is None else {"likeness": likes.row()}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        _print_all(rows, len(found), likes)
    return 0 if found else 1


def _print_all(rows: list[dict[str, Any]], found: int, likes: "Likely | None") -> None:
    if likes is not None and found:
        print(
            f"no hash and no label leads anywhere; of {likes.compared} released pictures these look like"
            " it, the nearest first:\na likeness, for a person to judge, and not the same file"
        )
    for row in rows:
        _print(row)
    if found > _SHOWN_MAX:
        farther = "narrow the question" if likes is None else "farther from it"
        print(f"… and {found - _SHOWN_MAX} more: {farther}")
    elif not found:
        print("nothing in the logs" if likes is None else likes.nothing())


def asked_for(args: argparse.Namespace, index: "TraceIndex", keys: Any) -> "list[Traced]":
    """What the index knows of the file, number, person or time that the command line names."""
    from synthgate.crypto.tokens import user_token
    from synthgate.events.event import time_ms

    if args.produce_id:
        return index.by_produce_id(args.produce_id)
    if args.user:
        tenant, slash, user = args.user.partition("/")
        if not slash or not user:
            raise CommandError("--user: write it as TENANT/USER", CONFIGURATION)
        return index.by_user(user_token(keys.token_key, tenant, user))
    if args.subject:
        return index.by_subject(args.subject)
    if args.time:
        start, dots, end = args.time.partition("..")
        try:
            return index.by_time(time_ms(start), time_ms(end))
        except ValueError as error:
            why = error if dots else "write it as FROM..TO"
            raise CommandError(f"--time: {why}", CONFIGURATION) from None
    return _of_file(args.file, index)


def _of_file(path: Path, index: "TraceIndex") -> "list[Traced]":
    """By the object's own bytes; else by the content numbers of the labels in it and beside it."""
    from synthgate.effects import files as labels
    from synthgate.effects.label import Label, LabelError
    from synthgate.effects.objects import SIDECAR_SUFFIX

    data = path.read_bytes()
    found = index.by_object(hashlib.sha256(data).hexdigest())
    if found:
        return found
    beside = path.with_name(path.name + SIDECAR_SUFFIX)
    envelope = path if path.name.endswith(SIDECAR_SUFFIX) else beside
    if (
        envelope.is_file()
    ):  # of a file whose bytes have changed it is no label any more, but it says whose it was
        try:
            return index.by_produce_id(Label.read(envelope.read_bytes()).produce_id)
        except LabelError as error:
            raise CommandError(f"{envelope}: no label: {error}") from error
    reading = labels.inspect(data, path.name).reading
    numbers = {place.label.produce_id for place in reading.places if place.label}
    return [one for number in sorted(numbers) for one in index.by_produce_id(number)]


def _row(
    one: "Traced", index: "TraceIndex", store: "SegmentStore", ring: "KeyRing", settings: "Settings"
) -> dict[str, Any]:
    from synthgate.ledger import LogReader
    from synthgate.ledger.errors import EntryExpired, KeyErased
    from synthgate.steps.answers import unpack
    from synthgate.steps.trace_index import passage_of

    reader = LogReader(store, ring, one.log)
    receipt = reader.receipt(one.place)
    row: dict[str, Any] = {
        "receipt": {"log": one.log, "index": one.place, "hash": receipt.hash},
        "header": {
            "action": one.action,
            "tenant": one.tenant,
            "event_id": one.event_id,
            "origin": one.root,
        },
        "verdicts": None,
        "parent": None if one.parent is None else list(one.parent),
        "children": [[child.log, child.place] for child in index.children(one.log, one.place)],
        "revisions": [[other.log, other.place] for other in index.revisions(one.root)],
        "proof": proof(settings, one.log, one.place, receipt.hash),
    }
    try:
        row["header"] = reader.header(one.place)
        passage = passage_of(unpack(reader.read(one.place).content))
    except EntryExpired:
        row["expired"] = True
        return row
    except KeyErased:
        row["erased"] = True
        return row
    if passage is not None:
        row["verdicts"] = passage.verdicts
        row["event"] = json.loads(passage.event_bytes)
    return row


def proof(settings: "Settings", log: int, index: int, leaf: str) -> dict[str, Any] | None:
    """Inclusion under the newest checkpoint, checked; None while no checkpoint covers the entry.

    Raises:
        TilesDamaged: the tiles do not lead from this entry to the checkpoint.
    """
    from functools import partial

    from synthgate.crypto.keys import KeyFolder
    from synthgate.crypto.notes import Verifier
    from synthgate.ledger.checkpoint import Published, origin_of
    from synthgate.ledger.errors import TilesDamaged
    from synthgate.ledger.merkle import included, inclusion
    from synthgate.ledger.tiles import Tiles

    folder = settings.proofs_of(log)
    public = KeyFolder(settings.keys_dir).checkpoint_public
    published = Published(folder, Verifier(origin_of(settings.log_name, log), public))
    newest = published.newest()
    if newest is None or newest.size <= index:
        return None
    tiles = Tiles(folder)
    path = inclusion(index, newest.size, partial(tiles.node, size=newest.size))
    if not included(bytes.fromhex(leaf), index, newest.size, path, newest.root):
        raise TilesDamaged(
            f"entry {log}/{index} is not under its checkpoint: run `synthgate verify`, and if the log "
            f"is whole `synthgate log build --rebuild`"
        )
    return {"checkpoint": published.note(newest.size), "path": [step.hex() for step in path]}


def _print(row: dict[str, Any]) -> None:
    header, receipt = row["header"], row["receipt"]
    print(
        f"{receipt['log']}/{receipt['index']}  {header.get('action')}  {header.get('type')}  "
        f"{header.get('tenant')}  {header.get('event_id') or header['origin']}"
    )
    if like := row.get("likeness"):
        print(
            f"  looks like it   {like['distance']} of {like['of_bits']} bits differ"
            f" ({like['turned']})  {like['object']}"
        )
    if header.get("produce_id"):
        print(f"  content number  {header['produce_id']}")
    for verdict in row["verdicts"] or ():
        reasons = "; ".join(
            f"{one['rule']} {one['article']} {one['code']}" for one in verdict["reasons"]
        )
        print(
            f"  {verdict['obligation']:<12}  {verdict['outcome']}{'  ' + reasons if reasons else ''}"
        )
    if row.get("erased"):
        print("  the content was erased; header, receipt and proof stand")
    if row.get("expired"):
        print("  the entry has expired; receipt and proof stand")
    for name in ("children", "revisions"):
        places = ", ".join(f"{log}/{index}" for log, index in row[name])
        if places and (name == "children" or len(row[name]) > 1):
            print(f"  {name:<14}  {places}")
    if row["parent"]:
        print(f"  {'parent':<14}  {row['parent'][0]}/{row['parent'][1]}")
    print(f"  receipt         {receipt['hash']}")
    proved = row["proof"]
    size = None if proved is None else re.split("\n", proved["checkpoint"])[1]
    print(
        f"  proof           {'not yet' if proved is None else f'under the checkpoint of {size} entries'}"
    )
