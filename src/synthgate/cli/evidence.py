"""``synthgate evidence``: what the log holds on a label, a person, a case or a time, as a signed bundle.

Whoever gets the bundle checks it with ``synthgate verify BUNDLE`` and the public key alone. Each one is noted
in a register before it is given its name; nothing is sent from here.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate import __version__
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load
from synthgate.cli.written import printing, write_new, written

if TYPE_CHECKING:
    from synthgate.ledger.bundle import Proved
    from synthgate.printed.face import Face
    from synthgate.settings import Settings
    from synthgate.steps.evidence import Gathered

_ENTRIES_MAX: Final = 20_000
_PRINTED_MAX: Final = 2_000
"""Entries of which the report is printed too: some thousand pages that nobody reads are no help."""


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "evidence", run,
        "a signed bundle of what the log holds on a label, a person, a case or a time",
        epilog="By label or case with what it followed, what followed it and what it rested on; by person or\n"
        "time just that.\n"
        "Exit codes: 0 made, 1 nothing found (--filing: made, but something is missing).\n"
        "`synthgate verify BUNDLE --key checkpoint.pub` checks it.",
    )  # fmt: skip
    asked = leaf.add_mutually_exclusive_group(required=True)
    asked.add_argument(
        "file", metavar="FILE", type=Path, nargs="?", help="a labelled file, or any object released"
    )
    asked.add_argument("--produce-id", metavar="ID", help="content number of the label")
    asked.add_argument("--user", metavar="TENANT/USER", help="whose acts")
    asked.add_argument("--subject", metavar="TOKEN", help="an edited person, by token")
    asked.add_argument("--case", metavar="CASE", help="a case (reads Kafka)")
    asked.add_argument("--time", metavar="FROM..TO", help="events of this time (RFC 3339)")
    asked.add_argument(
        "--filing", metavar="TENANT",
        help="the pack an app store asks for: filings, assessments, labels (reads Kafka)",
    )  # fmt: skip
    asked.add_argument(
        "--list", action="store_true", help="which bundles were made, by whom and why"
    )
    leaf.add_argument(
        "--attach", metavar="FILE", type=Path, action="append", default=[],
        help="with --filing: a screenshot, a certificate, a labelled sample; may stand more than once",
    )  # fmt: skip
    leaf.add_argument("--out", metavar="FILE", type=Path, help="where to; must not be there")
    leaf.add_argument("--by", help="who makes it")
    leaf.add_argument("--reason", help="why, for instance an order's number; no names")
    leaf.add_argument(
        "--content", action="store_true",
        help="with accounts, network fields and words, and the keys that open these entries: personal data",
    )  # fmt: skip
    leaf.add_argument(
        "--pdf",
        action="store_true",
        help="with the report, or the filing pack, as PDF too, in Chinese and English",
    )
    leaf.add_argument(
        "--to",
        metavar="FILE",
        type=Path,
        help="seal it to this public key (X25519, 64 hex characters)",
    )


def run(args: argparse.Namespace) -> int:
    """Make one, or list those made."""
    from synthgate.ledger.register import note, rows

    settings = load(args)
    if args.list:
        for row in rows(settings.exports_path):
            print(json.dumps(row, ensure_ascii=False))
        return 0
    if not (args.out and args.by and args.reason):
        raise CommandError("--out, --by and --reason are needed", CONFIGURATION)
    if args.out.exists():
        raise CommandError(f"{args.out} is there already", CONFIGURATION)
    if args.attach and args.filing is None:
        raise CommandError("--attach goes with --filing", CONFIGURATION)
    missing: list[dict[str, str]] = []
    if args.filing is not None:
        from synthgate.cli.filing import pack

        asked, data, missing = pack(args, settings)
        count = 0
    else:
        asked, data, count = _bundle(args, settings)
    if not data:
        return 1
    recipient = None
    if args.to is not None:
        from synthgate.cli.options import hex_key
        from synthgate.crypto.seal import seal
        from synthgate.ledger.bundle import SEAL_CONTEXT

        public = hex_key(args.to)
        data, recipient = seal(public, data, SEAL_CONTEXT), public.hex()
    digest = hashlib.sha256(data).hexdigest()
    note(
        settings.exports_path,
        {
            "at": time.time_ns() // 1_000_000, "by": args.by, "reason": args.reason, "asked": asked,
            "entries": count, "content": args.content, "sha256": digest, "sealed_to": recipient,
        },
    )  # fmt: skip
    write_new(args.out, data)
    print(f"{args.out}: {count} entries, {len(data)} bytes, sha256 {digest}")
    for one in missing:
        print(f"  missing: {one['what']} {one['about']}".rstrip())
    return 1 if missing else 0


def _bundle(args: argparse.Namespace, settings: "Settings") -> tuple[dict[str, Any], bytes, int]:
    """What was asked (persons as tokens), the bundle, and how many entries it holds."""
    from synthgate.cli import evidence_found
    from synthgate.cli.log import signing
    from synthgate.crypto.keys import KeyFolder
    from synthgate.law import load as load_law
    from synthgate.ledger.bundle import encode_bundle
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.steps import evidence

    face = printing(settings) if args.pdf else None
    case = None if args.case is None else finish(evidence_found.the_case(settings, args.case))
    keys = KeyFolder(settings.keys_dir)
    ring = open_ring(settings, keys)
    store = open_store(settings)
    found, likes = evidence_found.find(args, settings, case, keys, store, ring)
    asked = evidence_found.asked(args, keys, likes)
    if likes is not None:
        print("\n".join(evidence_found.told(likes)))
    elif not found:
        print("nothing in the logs")
    if not found:
        return asked, b"", 0
    _bound(len(found), face)
    try:
        gathered = evidence.gather(found, store, ring, content=args.content)
    except evidence.TooMuch as error:
        raise CommandError(f"{error}: narrow the question, make several bundles") from error
    made = {
        "by": args.by, "reason": args.reason, "at": time.time_ns() // 1_000_000, "version": __version__,
    }  # fmt: skip
    report = evidence.report(asked, gathered, load_law(), made)
    files = {"report.json": json.dumps(report, ensure_ascii=False, indent=1).encode()}
    files |= _pages(report, face)
    if case is not None:
        files["case.json"] = json.dumps(case, ensure_ascii=False, indent=1).encode()
    if args.content:
        files["keys.json"] = json.dumps(gathered.keys, sort_keys=True, indent=1).encode()
    entries = _proved(settings, gathered, files)
    manifest = {
        "asked": asked, "made": made, "content": args.content, "laws": report["laws"],
        "libraries": report["libraries"], "media": evidence.media(gathered),
        "entries": [one.row() for one in entries],
    }  # fmt: skip
    if face is not None:
        manifest["printed"] = face.means()
    key = signing(settings)
    return asked, encode_bundle(manifest, files, key.log_name, key.private), len(found)


def _bound(entries: int, face: "Face | None") -> None:
    """Refuse what would be too much."""
    if entries > _ENTRIES_MAX:
        raise CommandError(
            f"{entries} entries; a bundle holds {_ENTRIES_MAX} at most: narrow the question, make several"
        )
    if face is not None and entries > _PRINTED_MAX:
        raise CommandError(
            f"{entries} entries; of {_PRINTED_MAX} at most the report is printed: leave out --pdf"
        )


def _pages(report: dict[str, Any], face: "Face | None") -> dict[str, bytes]:
    """The report to read: as HTML, and printed if there is something to print it with."""
    from synthgate.steps import evidence, evidence_page

    files: dict[str, bytes] = {}
    for language in evidence.LANGUAGES:
        files |= written(f"report.{language}", evidence_page.page(report, language), face)
    return files


def _proved(settings: "Settings", gathered: "Gathered", files: dict[str, bytes]) -> "list[Proved]":
    """Every entry with its way to a checkpoint; checkpoints and entries go into ``files``.

    Raises:
        CheckpointConflict, TilesDamaged: the log is not the one that was signed; no bundle is made.
    """
    from synthgate.cli.log import provers, signing
    from synthgate.ledger.bundle import Proved, checkpoint_name, entry_name
    from synthgate.ledger.errors import TilesDamaged
    from synthgate.ledger.merkle import included
    from synthgate.ledger.stores import open_store

    logs = {log for log, _ in gathered.hashes}
    every = open_store(settings).logs()
    heads = dict(zip(every, provers(settings, signing(settings)), strict=True))
    rows = []
    for log in sorted(logs):
        newest = heads[log].published.newest()
        if newest is None or newest.size <= max(at for held, at in gathered.hashes if held == log):
            newest = heads[log].build()
        files[checkpoint_name(log)] = heads[log].published.note(newest.size).encode()
        for (at, index), leaf in sorted(gathered.hashes.items()):
            if at != log:
                continue
            path = heads[log].inclusion(index, newest.size)
            if not included(bytes.fromhex(leaf), index, newest.size, path, newest.root):
                raise TilesDamaged(
                    f"entry {log}/{index} is not under its checkpoint: run `synthgate verify`"
                )
            state = gathered.states[log, index]
            steps = [step.hex() for step in path]
            rows.append(Proved(log, index, leaf, newest.size, steps, state))
            if (stored := gathered.stored.get((log, index))) is not None:
                files[entry_name(log, index)] = stored
    return rows
