"""``synthgate inspect``: what files say of themselves, in four values. Needs no Kafka and changes nothing."""

import argparse
import functools
import json
from pathlib import Path
from typing import Any, Final

from synthgate.cli import files
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, load

_ZH: Final = {
    "compliant": "合规", "non_compliant": "不合规", "not_found": "未发现", "inconclusive": "无法判定",
}  # fmt: skip
_EPILOG: Final = (
    "compliant: exactly one right label. non_compliant: the clause says why. not_found: read whole, no label."
    "\ninconclusive: not read whole, for whatever reason; this never means that there is no label."
    "\nA C2PA manifest is named, and read with the extra c2pa; c2pa_roots names whom to trust."
    "\nExit code 0 if all are compliant, else 1."
)


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "inspect", run, "read the implicit labels of files (GB 45438)", epilog=_EPILOG
    )
    files.arguments(leaf)


def run(args: argparse.Namespace) -> int:
    """Print a row for each file."""
    paths = files.listed(args.files)
    work = functools.partial(inspect_one, mib_max=args.max_mib, roots=_roots(args))
    rows = list(files.each(work, paths, args.jobs))
    if args.json:
        print(json.dumps({"files": rows}, ensure_ascii=False, indent=2))
    elif rows:
        print(files.table([_line(row) for row in rows]))
    good = bool(rows) and all(row["conclusion"] == "compliant" for row in rows)
    return 0 if good else 1


def _roots(args: argparse.Namespace) -> bytes:
    """Authorities by which C2PA manifests are trusted, if any are set."""
    name = load(args).c2pa_roots
    try:
        return Path(name).read_bytes() if name else b""
    except OSError as error:
        raise CommandError(f"c2pa_roots {name}: {error.strerror}", CONFIGURATION) from None


def inspect_one(path: Path, mib_max: int, roots: bytes = b"") -> dict[str, Any]:
    """One file's row, ready for JSON."""
    from synthgate.effects import files as labels
    from synthgate.effects.objects import SIDECAR_SUFFIX

    row: dict[str, Any] = {"file": files.shown(path)}
    try:
        data = files.read(path, mib_max)
        found = labels.inspect(data, path.name, files.beside(path, SIDECAR_SUFFIX, 1), roots)
    except files.FileError as error:
        return row | labels.unread(str(error))
    return row | found.row()


def _line(row: dict[str, Any]) -> list[str]:
    labels = [place["label"] for place in row["places"] if place["label"]]
    if row["faults"]:
        said = "; ".join(row["faults"])
    elif row["findings"]:
        said = "; ".join(
            f"{finding['clause']} ({finding['force']}): {finding['detail']}"
            for finding in row["findings"]
        )
    elif labels:
        label = labels[0]
        said = f"Label {label['Label']}, {label['ContentProducer']}, {label['ProduceID']}"
        if label["ContentPropagator"] != label["ContentProducer"]:
            said += f", by {label['ContentPropagator']}"
    else:
        said = ""
    notes = f" [{'; '.join(row['notes'])}]" if row["notes"] else ""
    conclusion = row["conclusion"]
    return [
        row["file"],
        row["carrier"] or "-",
        f"{conclusion} {_ZH[conclusion]}",
        _plain(said + notes),
    ]


def _plain(text: str) -> str:
    """One line, without what steers a terminal: labels are written by others."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)[
        :400
    ]
