"""``synthgate library``: lists checked, compared, tested and put in force."""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.events.facts import FeatureRow

SHOWN_MAX: Final = 50


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "library", "the feature library: lists checked, tested, put in force")
    leaf = command(under, "lint", lint, "what a person should look at; 1 if there is anything")
    _lists(leaf)
    leaf.add_argument(
        "--harmless", type=Path, metavar="FILE", help="texts that are to be left alone"
    )
    leaf.add_argument("--today", metavar="RFC3339", help="name what expired or is due by then")
    leaf = command(
        under, "stats", stats, "entries by risk against the published minimums; 1 if short"
    )
    _lists(leaf)
    leaf = command(under, "diff", diff, "what changed from one list to another; 1 if anything did")
    leaf.add_argument("old", type=Path)
    leaf.add_argument("new", type=Path)
    leaf.add_argument("--json", action="store_true", help="as JSON")
    leaf = command(under, "test", test, "the cases kept beside the lists; 1 if an outcome changed")
    _lists(leaf)
    leaf.add_argument("--cases", type=Path, required=True, metavar="FILE", help="JSON Lines")
    leaf = command(
        under, "import", import_, "check a list and send its entries; nothing is in force yet"
    )
    _lists(leaf)
    leaf.add_argument("--dry-run", action="store_true", help="check only")
    leaf = command(under, "export", export, "the entries of the topic as a list")
    leaf.add_argument("file", type=Path, help=".csv, .jsonl, or .txt for the PDQ hashes alone")
    leaf.add_argument(
        "--library-version", type=int, metavar="N", help="those in force in this version (all)"
    )
    leaf = command(under, "activate", activate, "put a version in force, or go back to one")
    leaf.add_argument("library_version", type=int, metavar="VERSION")
    leaf.add_argument("--by", required=True, help="who activates it")
    leaf.add_argument("--and-by", required=True, help="another person, who agrees")
    leaf.add_argument(
        "--urgent", action="store_true",
        help="both agree that what is new counts at once, and is not only watched first",
    )  # fmt: skip
    leaf = command(
        under, "rollback", rollback, "withdraw all versions after one, and undo what rested on them",
        epilog="Refusals are not decided again; counts, penalties, cases and notices that rested on the new\n"
        "entries of those versions alone are taken back. Their numbers never come into force again.",
    )  # fmt: skip
    leaf.add_argument("library_version", type=int, metavar="VERSION", help="the one to go back to")
    leaf.add_argument(
        "--list", type=Path, metavar="FILE", help="write who was affected, JSON Lines"
    )
    two_people(leaf)
    leaf = command(under, "guards", guards, "surges of refusals for which penalties wait; 1 if any")
    leaf.add_argument("--json", action="store_true", help="as JSON")
    leaf = command(under, "let-go", let_go, "a surge was right: what waited for it is counted")
    leaf.add_argument(
        "subject", metavar="SUBJECT", help="as `guards` names it: entry/ID, library/N, rule/ID"
    )
    two_people(leaf)


def two_people(leaf: argparse.ArgumentParser) -> None:
    """Who does it, who agrees, and why."""
    leaf.add_argument("--by", required=True, help="who does it")
    leaf.add_argument("--and-by", required=True, help="another person, who agrees")
    leaf.add_argument(
        "--reason", required=True, help="users concerned read it: no names, no numbers"
    )


def _lists(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument(
        "lists", type=Path, nargs="+", metavar="LIST", help=".csv, .jsonl, .toml or .txt (hashes)"
    )
    leaf.add_argument("--library-version", type=int, default=1, metavar="N", help="the version (1)")
    leaf.add_argument(
        "--default", action="append", default=[], metavar="FIELD=VALUE",
        help="a field of rows that do not say, such as risk=A.1f; may stand more than once",
    )  # fmt: skip
    leaf.add_argument("--json", action="store_true", help="as JSON")


def _rows(args: argparse.Namespace) -> "list[FeatureRow]":
    """Rows of all lists named.

    Raises:
        LibraryFileError: see ``read_rows``; or an entry stands in two lists.
    """
    from synthgate.library.files import LibraryFileError, read_rows

    defaults = _defaults(args)
    rows: dict[str, FeatureRow] = {}
    for path in args.lists:
        for row in read_rows(path, defaults):
            if row.entry in rows:
                raise LibraryFileError([f"{path}: {row.entry} stands in another list already"])
            rows[row.entry] = row
    return list(rows.values())


def _defaults(args: argparse.Namespace) -> Mapping[str, Any]:
    found: dict[str, Any] = {"from_version": args.library_version}
    for pair in args.default:
        name, equals, value = pair.partition("=")
        if not equals:
            raise CommandError(f"--default {pair}: write it as FIELD=VALUE", CONFIGURATION)
        found[name] = int(value) if value.isdecimal() and name != "value" else value
    return found


def lint(args: argparse.Namespace) -> int:
    """Print what was found."""
    from synthgate.library.survey import lint as look

    texts = [] if args.harmless is None else args.harmless.read_text(encoding="utf-8").split("\n")
    found = look(_rows(args), args.library_version, texts, args.today)
    if args.json:
        print(json.dumps([one._asdict() for one in found], ensure_ascii=False, indent=2))
    else:
        for one in found[:SHOWN_MAX]:
            print(f"{one.entry:24} {one.code:15} {one.sentence}")
        if len(found) > SHOWN_MAX:
            print(f"and {len(found) - SHOWN_MAX} more (--json shows all)")
        print(f"{len(found)} findings" if found else "nothing found")
    return 1 if found else 0


def stats(args: argparse.Namespace) -> int:
    """Print the numbers."""
    from synthgate.library.survey import statistics

    found = statistics(_rows(args), args.library_version)
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
        return 1 if found["short"] else 0
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items())
    print(f"version {found['version']}: {found['entries']} entries in force ({kinds})")
    print("  ".join(f"{risk} {count}" for risk, count in found["risks"].items()))
    for row in found["short"]:
        print(f"short: {row['risk']:5} {row['have']:>6} of {row['min']}")
    print(f"minimums by {found['minimums']}")
    return 1 if found["short"] else 0


def diff(args: argparse.Namespace) -> int:
    """Print what changed."""
    from synthgate.library.files import read_rows
    from synthgate.library.survey import difference

    first = {"from_version": 1}
    found = difference(read_rows(args.old, first), read_rows(args.new, first))
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for row in found:
            print(f"{row['change']:8} {row['entry']}  {' '.join(row.get('fields', ()))}".rstrip())
        print(f"{len(found)} entries differ" if found else "the same")
    return 1 if found else 0


def test(args: argparse.Namespace) -> int:
    """Print the cases whose outcome is not what the file says."""
    from synthgate.cli.library_cases import changed, read_cases

    cases = read_cases(args.cases)
    found = changed(_rows(args), args.library_version, cases)
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for row in found:
            print(
                f"{args.cases}:{row['line']}: {row['name']}: {row['what']}: {row['was']} is now {row['now']}"
            )
        print(f"{len(cases) - len({row['line'] for row in found})} of {len(cases)} cases as kept")
    return 1 if found else 0


def import_(args: argparse.Namespace) -> int:
    """Check all, then send all."""
    from synthgate.cli.library_import import send_whole

    rows = _rows(args)
    if args.dry_run:
        print(f"{len(rows)} entries are good; nothing was sent")
        return 0
    names = [path.name for path in args.lists]
    sent = finish(send_whole(load(args), rows, args.library_version, names))
    print(
        f"{sent} entries sent, {len(rows) - sent} stood there; nothing changes before a version is put in"
        f" force: synthgate library activate {args.library_version} --by A --and-by B"
    )
    return 0


def export(args: argparse.Namespace) -> int:
    """Write the list, whole or not at all."""
    from synthgate.cli.library_topic import entries
    from synthgate.library.files import written

    rows = finish(entries(load(args), args.library_version))
    text = "".join(written(rows, args.file.suffix.lower()))
    beside = args.file.with_name(args.file.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(args.file)
    print(f"{len(rows)} entries in {args.file}")
    return 0


def activate(args: argparse.Namespace) -> int:
    """Put a version in force once its entries are known to be good."""
    from synthgate.cli.library_topic import put_in_force

    _another(args)
    count, since = finish(
        put_in_force(load(args), args.library_version, args.by, args.and_by, urgent=args.urgent)
    )
    watched = "" if since is None else f"; what is new in it is only watched until {since}"
    print(f"version {args.library_version} is in force: {count} entries{watched}")
    return 0


def rollback(args: argparse.Namespace) -> int:
    """Withdraw, wait until it is carried out, and say what came of it."""
    from synthgate.cli.library_back import roll_back

    _another(args)
    begun = time.monotonic()
    found = finish(
        roll_back(load(args), args.library_version, args.by, args.and_by, args.reason.strip())
    )
    back = found.rollback
    print(
        f"version {back.to} is in force: {found.entries} entries; versions {back.to + 1} to {back.version} are"
        f" withdrawn\n{found.cases} cases overturned, {found.penalties} violations of {len(found.affected)}"
        f" users taken back, in {time.monotonic() - begun:.1f} s"
    )  # fmt: skip
    if found.left:
        print(
            f"{found.left} cases of those versions do not rest on their new entries alone: they stand"
        )
    for subject in found.waiting:
        print(f"penalties still wait for {subject}: synthgate library let-go {subject} --by …")
    if args.list is not None:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in found.affected]
        args.list.write_text("".join(lines), encoding="utf-8")
        print(f"users affected, by token: {args.list}")
    return 0


def guards(args: argparse.Namespace) -> int:
    """One line each."""
    from synthgate.cases.calendar import moment
    from synthgate.cli.library_back import guards as read

    found = finish(read(load(args)))
    if args.json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for row in found:
            print(
                f"{row['subject']:32} {moment(row['since'])}  {row['people']} people within the hour, usual"
                f" {row['usual']}; partitions {', '.join(map(str, row['partitions']))};"
                f" {row['answer'] or 'penalties wait'}"
            )
        print(f"{len(found)} surges" if found else "no surge was seen")
    return 1 if any(row["answer"] is None for row in found) else 0


def let_go(args: argparse.Namespace) -> int:
    """Let a guard go."""
    from synthgate.cli.library_back import let_go as go

    _another(args)
    finish(go(load(args), args.subject, args.by, args.and_by, args.reason.strip()))
    print(f"{args.subject}: what waited for it is counted; it is quiet for a day")
    return 0


def _another(args: argparse.Namespace) -> None:
    if args.by.strip() == args.and_by.strip():
        raise CommandError(
            "--and-by: another person than --by must agree (house policy)", CONFIGURATION
        )
