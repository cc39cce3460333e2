"""``synthgate verify``: whether the logs are what was written and signed. Offline, read-only, no secret.

Exit codes: 0 whole, 1 something is not, 75 it cannot be read now, 78 there is nothing to verify or no key.
"""

import argparse
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.errors import CONFIGURATION, TRY_LATER, CommandError
from synthgate.cli.options import command, hex_key, load

if TYPE_CHECKING:
    from synthgate.ledger import SegmentStore
    from synthgate.ledger.taken import Taken
    from synthgate.ledger.verify import Verified
    from synthgate.settings import Settings

_FAULTS_SHOWN: Final = 50


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "verify", run,
        "check the logs, or an evidence bundle: every hash, signature, proof, header and origin",
        epilog="Reads FOLDER/ledger and FOLDER/proofs, writes nothing, needs no Kafka and no secret.\n"
        "Exit codes: 0 whole, 1 something is not, 75 cannot be read now, 78 nothing to verify.",
    )  # fmt: skip
    leaf.add_argument(
        "folder", metavar="FOLDER", type=Path, nargs="?",
        help="of an installation (data_dir); or the file of an evidence bundle",
    )  # fmt: skip
    leaf.add_argument("--key", metavar="FILE", type=Path, help="checkpoint.pub (of the key folder)")
    leaf.add_argument(
        "--held", metavar="FILE", type=Path, action="append", default=[],
        help="a checkpoint you kept elsewhere: the log must lead to it; may stand more than once",
    )  # fmt: skip
    leaf.add_argument(
        "--checkpoints", metavar="FILE", type=Path,
        help="a list of them kept elsewhere (`synthgate log checkpoints`): the log must lead to every one",
    )  # fmt: skip
    leaf.add_argument(
        "--door", metavar="FILE", type=Path,
        help="the door's rows (`synthgate log door`): offsets it took that are in no entry are faults",
    )  # fmt: skip
    leaf.add_argument("--open", metavar="FILE", type=Path, help="private key of a sealed bundle")
    leaf.add_argument("--jobs", metavar="N", type=int, help="logs verified at once (processors)")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Verify every log there is."""
    from synthgate.ledger.errors import StoreFailed

    settings = load(args)
    if args.folder is not None and args.folder.is_file():
        from synthgate.cli.verify_bundle import verify

        key = hex_key(args.key or settings.keys_dir / "checkpoint.pub")
        font = Path(settings.pdf_font) if settings.pdf_font else None
        return verify(args.folder, key, args.open, font, as_json=args.json)
    if args.folder is not None and not args.folder.exists():
        raise CommandError(f"{args.folder}: no such file or folder", CONFIGURATION)
    folder = args.folder or settings.data_dir
    key = hex_key(args.key or settings.keys_dir / "checkpoint.pub")
    try:
        found = list(_verified(folder, None if args.folder else settings, key, args))
    except StoreFailed as error:
        raise CommandError(str(error), TRY_LATER) from error
    whole = all(not one.faults for one in found)
    if args.json:
        print(json.dumps({"whole": whole, "logs": [one.row() for one in found]}, indent=2))
    else:
        for one in found:
            _print(one)
        print("whole" if whole else "NOT WHOLE")
    return 0 if whole else 1


@dataclass(frozen=True)
class _Asked:
    """What every log is verified with; plain data, so that another process can have it."""

    folder: Path
    settings: "Settings | None"
    """Where the log is looked for, None: in the folder."""
    name: str
    key: bytes
    held: list[tuple[str, str]]
    door: Path | None


def _store(folder: Path, settings: "Settings | None") -> "SegmentStore":
    from synthgate.ledger import LocalStore
    from synthgate.ledger.stores import open_store

    return open_store(settings) if settings else LocalStore(folder / "ledger")


def _verified(
    folder: Path, settings: "Settings | None", key: bytes, args: argparse.Namespace
) -> "Iterator[Verified]":
    """Every log, as many at once as there are processors."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from synthgate.ledger.stores import called

    proofs = folder / "proofs"
    here = {*_store(folder, settings).logs(), *_proved_logs(proofs)}
    if not here:
        where = called(settings) if settings else folder / "ledger"
        raise CommandError(f"no log in {where}, and none proved", CONFIGURATION)
    held = [(str(path), _text(path)) for path in args.held]
    if args.checkpoints is not None:
        held += _listed(args.checkpoints)
    name = _name(proofs, held)
    for path, note in held:
        ours = re.match(rf"{re.escape(name)}/([0-9]{{5,9}})\n", note)
        if ours is None:
            raise CommandError(f"{path}: no checkpoint of a log of {name}", CONFIGURATION)
        here.add(int(ours[1]))  # also of a log of which nothing is left here
    logs = sorted(here)
    if args.door is not None:
        _door(args.door)  # what is wrong with it is said once, and first
    one = partial(_verify, _Asked(folder, settings, name, key, held, args.door))
    workers = min(len(logs), args.jobs or os.cpu_count() or 1)
    if workers == 1:
        yield from map(one, logs)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(one, logs)


def _verify(asked: _Asked, log: int) -> "Verified":
    from synthgate.crypto.notes import Verifier
    from synthgate.ledger.checkpoint import Published
    from synthgate.ledger.verify import Fault, LogVerifier

    origin = f"{asked.name}/{log:05d}"
    published = Published(asked.folder / "proofs" / f"{log:05d}", Verifier(origin, asked.key))
    held = [(path, note) for path, note in asked.held if note.startswith(f"{origin}\n")]
    door = None if asked.door is None else _door(asked.door)
    store = _store(asked.folder, asked.settings)
    found = LogVerifier(store, log, published, held=held, door=door).run()
    if found.entries and not found.checkpoints:
        detail = (
            "no checkpoint at all, nothing is signed; a worker signs within seconds of an append"
        )
        found.faults.append(Fault("checkpoint", str(published.folder), detail))
    return found


def _listed(path: Path) -> list[tuple[str, str]]:
    """The notes of a list, each with its line; an empty one would hold a log against nothing."""
    from pydantic import ValidationError

    from synthgate.events.decision import CheckpointRow

    found = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = CheckpointRow.model_validate_json(line)
        except ValidationError as error:
            raise CommandError(f"{path}:{number}: no row of checkpoints", CONFIGURATION) from error
        found.append((f"{path}:{number}", row.note))
    if not found:
        raise CommandError(f"{path}: no checkpoint in it", CONFIGURATION)
    return found


def _name(proofs: Path, held: list[tuple[str, str]]) -> str:
    """What the logs' origins begin with, as the first checkpoint says; its signature is checked later."""
    paths = sorted(proofs.glob("*/published/*")) + sorted(proofs.glob("*/checkpoint"))
    notes = [path.read_text("utf-8", errors="replace") for path in paths]
    notes += [note for _, note in held]
    for note in notes:
        found = re.match(r"([^\s+]+)/[0-9]{5,}\n", note)
        if found is not None:
            return found[1]
    return "unsigned"


def _proved_logs(proofs: Path) -> Iterator[int]:
    if proofs.is_dir():
        yield from (int(path.name) for path in proofs.iterdir() if path.name.isdigit())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read {path}: {error}", CONFIGURATION) from error


def _door(path: Path) -> "Taken":
    """What the door took, from its rows."""
    from pydantic import ValidationError

    from synthgate.events.decision import DoorRow
    from synthgate.ledger.taken import Taken

    rows = []
    for number, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(DoorRow.model_validate_json(line))
        except ValidationError as error:
            raise CommandError(f"{path}:{number}: no row of records.door", CONFIGURATION) from error
    if not rows:
        raise CommandError(f"{path}: no row of records.door in it", CONFIGURATION)
    return Taken(rows)


def _print(one: "Verified") -> None:
    print(
        f"log {one.log}: {one.entries} entries in {one.segments} segments, {one.bytes} bytes; "
        f"{one.checkpoints} checkpoints, {one.proved} entries under the newest"
    )
    if one.expired:
        print(f"  note: {one.expired} entries have expired; their hashes were checked")
    if one.proved < one.entries and not one.faults:
        print(f"  note: {one.entries - one.proved} entries are under no checkpoint yet")
    if one.holes:
        count, first = _counted(one.holes)
        print(
            f"  note: {count} source offsets are in no entry, the first {first}; "
            f"--door tells absent ones from lost ones"
        )
    if one.waiting:
        count, first = _counted(one.waiting)
        print(
            f"  note: the door took {count} source offsets behind the last entry, from {first} on:"
            f" they are on their way, or lost"
        )
    for fault in one.faults[:_FAULTS_SHOWN]:
        print(f"  FAULT {fault.kind}: {fault.where}: {fault.detail}")
    if len(one.faults) > _FAULTS_SHOWN:
        print(f"  … and {len(one.faults) - _FAULTS_SHOWN} faults more (--json lists all)")


def _counted(stretches: "list[tuple[str, int, int]]") -> tuple[int, str]:
    """How many offsets, and the first of them."""
    topic, start, _ = stretches[0]
    return sum(end - begin for _, begin, end in stretches), f"{topic}/{start}"
