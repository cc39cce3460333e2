"""``synthgate label``: write the labels into files, without Kafka. No label of others is ever replaced."""

import argparse
import functools
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from synthgate.cli import files
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, load

_BESIDE: Final = ".labelled"
_EPILOG: Final = (
    "The producer's code is the setting provider_code; --sample tries it without one. By default NAME.ext gives"
    "\nNAME.labelled.ext beside it, with words people see, where this can put them (else say --implicit-only),"
    "\nand the seven fields, read back. What --sample labels is for looking at: its producer does not exist,"
    "\n`synthgate inspect` says so, and a chain with a code of its own refuses it."
    "\nWith c2pa_chain and c2pa_key set, files that can have one get a C2PA manifest, last of all."
    "\nExit code 0 if all were labelled, 1 if one was refused, 78 for a wrong setting."
)


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "label", run, "label files: words people see, and seven fields", epilog=_EPILOG
    )
    files.arguments(leaf)
    where = leaf.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="write into this folder")
    where.add_argument("--in-place", action="store_true", help="replace the files themselves")
    leaf.add_argument(
        "--sample", action="store_true", help="the sample code: to try it, not for publication"
    )
    leaf.add_argument("--text", default="AI生成", help="the words (AI生成)")
    leaf.add_argument(
        "--corner", default="bottom-right", help="bottom-right, bottom-left, top-right or top-left"
    )
    leaf.add_argument(
        "--implicit-only",
        action="store_true",
        help="the fields alone; the words are there or shown beside",
    )
    leaf.add_argument(
        "--propagate", action="store_true", help="on a label of others: add us as its propagator"
    )
    leaf.add_argument(
        "--wrapped", action="store_true", help='write {"AIGC":{…}} instead of the bare object'
    )


def run(args: argparse.Namespace) -> int:
    """Label each file and print a row for it."""
    order = _order(args)
    paths = files.listed(args.files)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    work = functools.partial(
        label_one, order=order, out=args.out, in_place=args.in_place, mib_max=args.max_mib
    )
    rows = list(files.each(work, paths, args.jobs))
    if args.json:
        print(json.dumps({"files": rows}, ensure_ascii=False, indent=2))
    elif rows:
        print(files.table([_line(row) for row in rows]))
    return 0 if rows and all(row["outcome"] != "refused" for row in rows) else 1


def _order(args: argparse.Namespace) -> Any:
    from synthgate.effects import text_label
    from synthgate.effects.explicit.badge import CORNERS
    from synthgate.effects.explicit.speech import Clip
    from synthgate.effects.files import Order
    from synthgate.effects.provenance.signer import Signer

    code = _code(args)
    if args.corner not in CORNERS:
        raise CommandError(f"--corner {args.corner}: one of {', '.join(CORNERS)}", CONFIGURATION)
    if not args.implicit_only and not text_label.valid(args.text):
        raise CommandError(
            "--text: it must name AI (or 人工智能) and 生成 or 合成, deny neither, in one line of at most 64"
            " characters (GB 45438-2025 5)",
            CONFIGURATION,
        )
    sentence = None if args.implicit_only else args.text
    settings = load(args)
    signer, clip = Signer.of(settings), Clip.of(settings)
    wrapped = args.wrapped or None
    return Order(code, sentence, args.corner, wrapped, args.propagate, signer, clip)


def _code(args: argparse.Namespace) -> str:
    """The producer's code, checked."""
    from synthgate.effects import provider_code

    settings = load(args)
    given, allowed = settings.provider_code, settings.provider_sample
    if args.sample:
        if given and not provider_code.is_sample(given):
            raise CommandError("--sample: provider_code is set; say one of the two", CONFIGURATION)
        given, allowed = provider_code.SAMPLE_CODE, True
    try:
        return provider_code.parse(given, sample_allowed=allowed).text
    except provider_code.ProviderCodeError as error:
        raise CommandError(
            f"{error}: set it with --set provider_code=… or SYNTHGATE_PROVIDER_CODE, or try it with --sample",
            CONFIGURATION,
        ) from None


def label_one(
    path: Path, order: Any, out: Path | None, *, in_place: bool, mib_max: int
) -> dict[str, Any]:
    """Label one file; its row, ready for JSON."""
    from synthgate.effects import files as labels
    from synthgate.effects.objects import SIDECAR_SUFFIX
    from synthgate.effects.provider_code import is_sample

    row: dict[str, Any] = {"file": files.shown(path), "written": []}
    try:
        data = files.read(path, mib_max)
        done = labels.label(data, path.name, order, files.beside(path, SIDECAR_SUFFIX, 1))
        target = _target(path, out, in_place=in_place)
        made = _renamed(done, target)
        # The file itself last: an envelope without its file harms nobody, a file without its envelope does.
        for suffix, new in sorted(made.items(), reverse=True):
            written = target.with_name(target.name + suffix)
            _write(written, new, over=in_place)
            row["written"].append(files.shown(written))
    except (files.FileError, labels.Refused) as error:
        return row | {"outcome": "refused", "why": str(error)}
    except OSError as error:
        return row | {"outcome": "refused", "why": error.strerror or type(error).__name__}
    return row | {
        "outcome": "labelled" if made else "already",
        "carrier": done.carrier,
        "label": done.label.row(),
        "explicit": done.explicit,
        "notes": [*done.notes, *([labels.SAMPLE_NOTE] if is_sample(order.code) else [])],
    }


def _target(path: Path, out: Path | None, *, in_place: bool) -> Path:
    if in_place:
        return path
    return path.with_name(f"{path.stem}{_BESIDE}{path.suffix}") if out is None else out / path.name


def _renamed(done: Any, target: Path) -> dict[str, bytes]:
    """The files to write; an envelope names the file it belongs to."""
    from synthgate.effects.files import renamed

    return renamed(done, target.name)


def _write(path: Path, data: bytes, *, over: bool) -> None:
    """Create a file whole and durable, or not at all. over: in place of what is there.

    Raises:
        FileError: something of that name is there already.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with part.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if over:
            part.chmod(path.stat().st_mode & 0o7777) if path.exists() else None
            part.replace(path)
        else:
            path.hardlink_to(part)
    except FileExistsError:
        raise files.FileError(f"{files.shown(path)} is there already") from None
    finally:
        part.unlink(missing_ok=True)


def _line(row: dict[str, Any]) -> list[str]:
    if row["outcome"] == "refused":
        return [row["file"], "refused", row["why"]]
    explicit = row["explicit"]
    seen = "fields only"
    if explicit is not None:
        seen = f"{explicit.get('text') or explicit['rhythm']} at {explicit['place']}"
    if row["outcome"] == "already":
        return [row["file"], "already", f"{row['label']['ProduceID']} stands in it"]
    said = f"{row['written'][-1]}: {seen}, {row['label']['ProduceID']}"
    return [row["file"], "labelled", "; ".join([said, *row["notes"]])]
