"""``synthgate fuzz``: damaged files without number, against one reader and writer or all of them."""

import argparse
import hashlib
from pathlib import Path
from typing import Any, Final

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command

_ALL: Final = "all"
_QUICK_SECONDS: Final = 1.0
_LONG_SECONDS: Final = 15.0
_COUNT: Final = 1_000_000
_EPILOG: Final = (
    "A find is an input that crashed a parser, cost more than a second or 512 MiB, or was labelled and read"
    "\nback otherwise. Each is kept in --finds under its hash. Exit code 0 without finds, else 1."
)


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers,
        "fuzz",
        run,
        "try readers and writers of labels on damaged files",
        epilog=_EPILOG,
    )
    leaf.add_argument("carrier", metavar="CARRIER", help="its name, or `all`")
    leaf.add_argument(
        "--corpus", type=Path, metavar="DIR", default=Path("tests/effects/carriers/files"),
        help="good files to damage (those of the tests)",
    )  # fmt: skip
    leaf.add_argument(
        "--explicit", action="store_true",
        help="labels people see too, but for films, which take seconds each",
    )  # fmt: skip
    leaf.add_argument("--quick", action="store_true", help="one second for each carrier")
    leaf.add_argument("--seconds", type=float, metavar="S", help=f"for each ({_LONG_SECONDS:g})")
    leaf.add_argument(
        "--count", type=int, default=_COUNT, metavar="N", help="inputs for each, at most"
    )
    leaf.add_argument("--seed", type=int, default=0, metavar="N", help="another seed, other damage")
    leaf.add_argument(
        "--finds", type=Path, metavar="DIR", default=Path("var/fuzz"), help="where finds are kept"
    )


def run(args: argparse.Namespace) -> int:
    """Fuzz, and print a row for each carrier."""
    from synthgate.cli.files import table
    from synthgate.effects.carriers import fuzzing
    from synthgate.effects.carriers.catalogue import CARRIERS
    from synthgate.effects.label import Label
    from synthgate.effects.provider_code import SAMPLE_CODE

    names = [carrier.name for carrier in CARRIERS]
    if args.carrier not in (_ALL, *names):
        raise CommandError(f"{args.carrier}: one of all, {', '.join(names)}", CONFIGURATION)
    seeds = _seeds(args.corpus)
    seconds = args.seconds or (_QUICK_SECONDS if args.quick else _LONG_SECONDS)
    rows, total, bad = (
        [["carrier", "inputs", "read", "written", "seen", "slowest ms", "MiB", "finds"]],
        0,
        0,
    )
    for carrier in CARRIERS:
        if args.carrier not in (_ALL, carrier.name):
            continue
        if carrier.name not in seeds:
            raise CommandError(
                f"{args.corpus}: no good file of {carrier.name} there", CONFIGURATION
            )
        tally = fuzzing.run(
            carrier, seeds[carrier.name], Label.first(SAMPLE_CODE, "P-1"),
            count=args.count, seconds=seconds, seed=args.seed,
            put=_put(carrier, seeds) if args.explicit and carrier.medium != "video" else None,
        )  # fmt: skip
        total, bad = total + tally.inputs, bad + len(tally.finds)
        rows.append([
            carrier.name, f"{tally.inputs:,}", f"{tally.read:,}", f"{tally.written:,}", f"{tally.put:,}",
            f"{tally.slowest_seconds * 1000:.0f}", f"{tally.memory_mib:.0f}", _kept(tally, args.finds),
        ])  # fmt: skip
    print(table(rows))
    print(f"{total:,} inputs, {bad} finds")
    return 1 if bad else 0


def _put(carrier: Any, seeds: dict[str, list[bytes]]) -> Any:
    """What gives a file of a carrier a label people see; of sounds that are joined, our joint alone."""
    from synthgate.effects.explicit import aac, opus, perceived

    if carrier.name == "m4a":
        front = [bytes(range(40))] * 80
        return lambda data: (aac.form(data), aac.joined(data, front)[0])[1]
    if carrier.name == "ogg":
        heard = next(data for data in seeds["ogg"] if b"OpusHead" in data[:64])
        return lambda data: (opus.channels(data), opus.joined(data, heard)[0])[1]
    return lambda data: perceived.put(carrier, data, "AI生成")[0]


def _seeds(corpus: Path) -> dict[str, list[bytes]]:
    """Good files by carrier: those that can be labelled."""
    from synthgate.effects.carriers import catalogue
    from synthgate.effects.carriers.carrier import CarrierError
    from synthgate.effects.label import Label
    from synthgate.effects.provider_code import SAMPLE_CODE

    if not corpus.is_dir():
        raise CommandError(
            f"{corpus}: no such folder; --corpus names one of good files", CONFIGURATION
        )
    found: dict[str, list[bytes]] = {}
    for path in sorted(corpus.iterdir()):
        data = path.read_bytes() if path.is_file() else b""
        try:
            carrier = catalogue.of(data, path.name)
            carrier.write(data, Label.first(SAMPLE_CODE, "P-1"))
        except CarrierError:
            continue
        found.setdefault(carrier.name, []).append(data)
    return found


def _kept(tally: Any, folder: Path) -> str:
    """The finds by name; their bytes are kept as files."""
    said = []
    for find in tally.finds.values():
        folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(find.data).hexdigest()[:16]
        (folder / name).write_bytes(find.data)
        said.append(f"{find.why}: {folder / name}")
    return "; ".join(said) or "none"
