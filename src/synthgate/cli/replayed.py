"""What ``synthgate replay`` is over: logs, offsets of a topic, a time, or an evidence bundle."""

import argparse
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from synthgate.cli.errors import CONFIGURATION, CommandError

if TYPE_CHECKING:
    from synthgate.ledger.bundle_check import Opened
    from synthgate.settings import Settings
    from synthgate.steps.replay_range import Content

Parsed = TypeVar("Parsed")


@dataclass(slots=True)
class Over:
    """``said``: as the report names it. ``bundle``: what was handed over; None: logs of one's own."""

    said: Mapping[str, Any]
    entries: "Iterator[Content]"
    bundle: "Sequence[Opened] | None" = None


def options(leaf: argparse.ArgumentParser) -> None:
    """The options that say so."""
    leaf.add_argument("--log", metavar="N", type=int, help="one log (all)")
    leaf.add_argument("--from", dest="start", metavar="INDEX", type=int, help="from this entry")
    leaf.add_argument(
        "--to", dest="end", metavar="INDEX", type=int, help="up to, not including (the head)"
    )
    leaf.add_argument(
        "--origins", metavar="EPOCH/TOPIC/PARTITION/FROM..TO",
        help="what came of these offsets of a source topic, the last not included",
    )  # fmt: skip
    leaf.add_argument("--time", metavar="FROM..TO", help="events of this time (RFC 3339)")
    leaf.add_argument(
        "--bundle", metavar="FILE", type=Path,
        help="what an evidence bundle holds (made with --content); needs no log and no keys",
    )  # fmt: skip
    leaf.add_argument(
        "--key", metavar="FILE", type=Path, help="with --bundle: checkpoint.pub (of the key folder)"
    )
    leaf.add_argument(
        "--open", metavar="FILE", type=Path, help="with --bundle: private key of a sealed one"
    )


def chosen(args: argparse.Namespace, settings: "Settings") -> Over:
    """What the command line names. Raises CommandError."""
    indexes = args.log is not None or args.start is not None or args.end is not None
    named = [name for name in ("origins", "time", "bundle") if getattr(args, name) is not None]
    if len(named) > 1 or (indexes and named not in ([], ["time"])):
        raise CommandError(
            "--origins, --bundle, and --time or --log, --from and --to are three questions",
            CONFIGURATION,
        )
    if args.bundle is None and (args.key is not None or args.open is not None):
        raise CommandError("--key and --open go with --bundle", CONFIGURATION)
    if args.bundle is not None:
        return _bundle(args, settings)
    return _logs(args, settings)


def _logs(args: argparse.Namespace, settings: "Settings") -> Over:
    from synthgate.ledger import LogReader
    from synthgate.ledger.log_ids import decided
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import called, open_store
    from synthgate.steps import replay_range

    store = open_store(settings)
    every = decided(store.logs())
    origins = _parsed("--origins", args.origins, replay_range.Origins.parse)
    times = _parsed("--time", args.time, replay_range.Times.parse)
    wanted = args.log if origins is None else origins.partition
    logs = every if wanted is None else [wanted]
    if not logs or not set(logs) <= set(every):
        raise CommandError(f"no such log in {called(settings)}", CONFIGURATION)
    ring = open_ring(settings)
    start = args.start or 0

    def entries() -> "Iterator[Content]":
        for log in logs:
            reader = LogReader(store, ring, log)
            if origins is not None:
                yield from replay_range.of_origins(reader, origins)
                continue
            head = reader.find_head()
            end = head if args.end is None else min(args.end, head)
            if times is None:
                yield from replay_range.of_indexes(reader, start, end)
            else:
                yield from replay_range.of_times(reader, start, end, times)

    said: dict[str, Any] = {"logs": logs}
    if origins is not None:
        said = {"origins": args.origins}
    elif args.start is not None or args.end is not None:
        said |= {"from": start, "to": args.end}
    if times is not None:
        said["time"] = args.time
    return Over(said, entries())


def _parsed(option: str, text: str | None, parse: Callable[[str], Parsed]) -> Parsed | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}", CONFIGURATION) from None


def _bundle(args: argparse.Namespace, settings: "Settings") -> Over:
    """Nothing is decided on what is not whole."""
    from synthgate.cli.options import hex_key
    from synthgate.cli.verify_bundle import unsealed
    from synthgate.ledger.bundle import BundleDamaged, decode_bundle
    from synthgate.ledger.bundle_check import check_bundle
    from synthgate.steps.replay_range import of_bundle

    public = hex_key(args.key or settings.keys_dir / "checkpoint.pub")
    try:
        data = args.bundle.read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {args.bundle}: {error.strerror}", CONFIGURATION) from error
    try:
        bundle = decode_bundle(unsealed(data, args.open), public, str(args.bundle))
    except BundleDamaged as error:
        raise CommandError(str(error)) from error
    found = check_bundle(bundle, public)
    if found.faults:
        raise CommandError(f"{args.bundle}: {found.faults[0]}: run `synthgate verify` on it")
    said = {
        "bundle": hashlib.sha256(data).hexdigest(), "asked": bundle.manifest.get("asked"),
        "made": bundle.manifest.get("made"),
    }  # fmt: skip
    return Over(said, of_bundle(found.entries), found.entries)
