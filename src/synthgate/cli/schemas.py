"""``synthgate schemas``: write, check or release the schema files."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from synthgate.cli.errors import CommandError
from synthgate.cli.options import command

Files = dict[str, str]
"""Text by file name."""

_SCHEMA_FILE = re.compile(r"(?P<topic>.+)\.v(?P<version>[1-9]\d*)\.schema\.json")


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers,
        "schemas",
        run,
        "write JSON Schema, AsyncAPI and OpenAPI files from the models",
        epilog="A released version only grows: released/ holds what was promised, --release adds to it.",
    )
    leaf.add_argument("--dir", type=Path, default=Path("schemas"), help="folder (./schemas)")
    act = leaf.add_mutually_exclusive_group()
    act.add_argument("--check", action="store_true", help="write nothing; fail on any difference")
    act.add_argument("--release", action="store_true", help="promise the current shapes")


def run(args: argparse.Namespace) -> int:
    """Write the files, or say what differs."""
    folder: Path = args.dir
    if not folder.is_dir():
        raise CommandError(f"no folder {folder}: run this in a checkout, or name one with --dir")
    made = files()
    if args.check:
        found = differences(folder, made) + broken_promises(folder, made)
        for line in found:
            print(line)
        print(f"schemas: {len(found)} faults" if found else "schemas: as the models say")
        return 1 if found else 0
    if args.release:
        return _release(folder, made)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    for path in _orphans(folder, made):
        path.unlink()
    print(f"schemas: {len(made)} files in {folder}")
    return 0


def files() -> Files:
    """Every generated file by name."""
    from synthgate.api import document
    from synthgate.events import asyncapi, schema

    documents = schema.documents() | {"asyncapi.json": asyncapi.document()}
    documents["openapi.json"] = document.openapi()
    return {name: render(document) for name, document in documents.items()}


def render(document: Any) -> str:
    """As the files hold it: two spaces, Chinese readable, one newline at the end."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def differences(folder: Path, made: Files) -> list[str]:
    """Files that are missing, differ or that nothing makes any more."""
    found = []
    for name, text in made.items():
        path = folder / name
        if not path.is_file():
            found.append(f"{path}: missing; `synthgate schemas` writes it")
        elif path.read_text(encoding="utf-8") != text:
            found.append(f"{path}: differs from the models; `synthgate schemas` writes it")
    found += [f"{path}: nothing makes this file" for path in _orphans(folder, made)]
    return found


def broken_promises(folder: Path, made: Files) -> list[str]:
    """What a released version held and the models no longer do."""
    from synthgate.events import growth, schema

    found = []
    for path in sorted((folder / "released").glob("*.schema.json")):
        named = _SCHEMA_FILE.fullmatch(path.name)
        if named is None or named["topic"] not in schema.VERSIONS:
            found.append(f"{path}: no topic of that name; a released topic stays")
            continue
        topic, version = named["topic"], int(named["version"])
        if version < schema.VERSIONS[topic]:
            continue  # An older version: a promise kept by being over.
        if version > schema.VERSIONS[topic]:
            found.append(f"{path}: version {version} was released; the models say an older one")
            continue
        old = json.loads(path.read_text(encoding="utf-8"))
        new = json.loads(made[path.name])
        found += [
            f"{topic}.v{version}{fault} (raise its version in events/schema.py, or undo)"
            for fault in growth.faults(old, new, said=schema.said(topic))
        ]
    return found


def _release(folder: Path, made: Files) -> int:
    found = differences(folder, made) + broken_promises(folder, made)
    if found:
        raise CommandError(f"nothing was released: {found[0]} ({len(found)} in all)")
    released = folder / "released"
    released.mkdir(exist_ok=True)
    for name, text in made.items():
        if name.endswith(".schema.json"):
            (released / name).write_text(text, encoding="utf-8")
    print(f"schemas: released as they are, in {released}")
    return 0


def _orphans(folder: Path, made: Files) -> list[Path]:
    return sorted(path for path in folder.glob("*.json") if path.name not in made)
