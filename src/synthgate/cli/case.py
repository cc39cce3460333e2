"""``synthgate case``: what is open, how a case came to be as it is, and a person's act on one."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.cli.casebook import Held
    from synthgate.events.decision import CaseRow

KINDS = (
    "content",
    "appeal",
    "complaint",
    "incident",
    "rumour",
    "order",
    "bypass",
    "deletion",
    "erasure",
    "page",
    "filing",
    "upkeep",
    "user",
    "hold",
)


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "case", "cases: list, look at one, act on one")
    leaf = command(under, "list", listed, "cases, the oldest first")
    leaf.add_argument("--kind", action="append", choices=KINDS, help="of this kind (all but holds)")
    leaf.add_argument("--all", action="store_true", help="closed ones too")
    as_json(leaf)
    leaf = command(under, "show", show, "one case: timeline, deadlines, work, links")
    leaf.add_argument("case", metavar="CASE", help="its id, or an end of it that fits one alone")
    as_json(leaf)
    leaf = command(
        under, "find", find, "report a finding: it opens a case, or adds to the one of its name",
        epilog="Types: incident.detected, incident.closed, rumour.detected, spread.found, leak.suspected,\n"
        "flaw.found, app_store.requested, page.checked, service.started, service.ended, filing.changed,\n"
        "feature.released, growth.surged, policy.reviewed, algorithm.reviewed. The clock runs from now; an\n"
        "incident nobody can grade runs the strictest.",
    )  # fmt: skip
    leaf.add_argument("found", metavar="TYPE")
    finding(leaf)
    leaf = command(
        under, "reach", reach, "who made what a case is about, what came of it, whom it reached",
        epilog="--owe tells incidents, a thousand recipients at a time: each batch is a notice to deliver.\n"
        "Run again after new deliveries; what was told is not told twice.",
    )  # fmt: skip
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("--owe", action="store_true", help="have them told")
    as_json(leaf)
    leaf = command(
        under, "act", act, "act on a case; what it does not take is refused with a sentence",
        epilog="Acts by kind: content case.closed; appeal appeal.taken, appeal.upheld, appeal.rejected;\n"
        "complaint complaint.taken, .upheld, .rejected, .appealed; order order.carried_out,\n"
        "order.answered; erasure erasure.proved (by `synthgate erase --case`); filing case.closed;\n"
        "user penalty.lifted (--detail penalty=ID); any note.added.",
    )  # fmt: skip
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("act", metavar="ACT", help="for instance appeal.upheld")
    acting(leaf)
    leaf.add_argument("--detail", metavar="NAME=VALUE", action="append", default=[])


def finding(leaf: argparse.ArgumentParser) -> None:
    """Whose finding it is, and what is known of it."""
    leaf.add_argument("name", metavar="NAME", help="the platform's own name of it; no slash")
    leaf.add_argument("--tenant", required=True)
    leaf.add_argument(
        "--detail", metavar="NAME=VALUE", action="append", default=[],
        help="for instance measures.loss_cny=5000000 or produce_id=…; no words of users, no numbers of persons",
    )  # fmt: skip
    as_json(leaf)


def as_json(leaf: argparse.ArgumentParser) -> None:
    """``--json``."""
    leaf.add_argument("--json", action="store_true", help="as JSON, one line each")


def acting(leaf: argparse.ArgumentParser) -> None:
    """Who acts and why."""
    leaf.add_argument("--by", required=True, help="who acts")
    leaf.add_argument("--reason", help="why; the person concerned reads it: no names, no numbers")
    as_json(leaf)


def listed(args: argparse.Namespace) -> int:
    """One line each."""
    return show_list(args, tuple(args.kind or (kind for kind in KINDS if kind != "hold")))


def show_list(args: argparse.Namespace, kinds: tuple[str, ...]) -> int:
    """Cases of some kinds."""
    from synthgate.cli.casebook import read

    book = finish(read(load(args)))
    for held in book.of(*kinds):
        if held.row.state == "open" or args.all:
            print(as_line(held) if args.json else line(held.row))
    return 0


def as_line(held: "Held") -> str:
    """JSON in one line, with the partition it lives on."""
    row = held.row.model_dump(mode="json") | {"partition": held.partition}
    return json.dumps(row, ensure_ascii=False)


def line(row: "CaseRow") -> str:
    """A case in one line: opened, due, status, id, rules."""
    from synthgate.cases.calendar import moment

    due = "" if row.due_at is None else f"due {moment(row.due_at)[:16]}"
    overdue = sum(d.reached_at is not None and d.met_at is None for d in row.deadlines)
    late = f" OVERDUE {overdue}" if overdue else ""
    rules = " ".join(row.rules)
    return f"{moment(row.opened_at)[:16]}  {due:<20}  {row.status:<12}  {row.case}  {rules}{late}".rstrip()


def show(args: argparse.Namespace) -> int:
    """Everything about one."""
    from synthgate.cli.casebook import read

    book = finish(read(load(args)))
    held = book.named(args.case)
    works = book.works(held.row.case)
    if args.json:
        row = held.row.model_dump(mode="json") | {"partition": held.partition}
        print(
            json.dumps(
                row | {"work": [one.model_dump(mode="json") for one in works]}, ensure_ascii=False
            )
        )
        return 0
    for text in _lines(held, works):
        print(text)
    return 0


def _lines(held: "Held", works: list["CaseRow"]) -> list[str]:
    from synthgate.cases.calendar import moment

    row = held.row
    lines = [
        f"{row.case}  {row.status or row.state}  (partition {held.partition}, version {row.version})"
    ]
    lines.append(
        f"  opened {moment(row.opened_at)} by {row.cause}; rules {' '.join(row.rules) or 'none'}"
    )
    for name, values in row.links.items():
        lines.append(f"  {name}: {', '.join(values)}")
    for one in row.deadlines:
        kind = "internal target" if one.internal else "law"
        met = "met" if one.met_at else "OVERDUE" if one.reached_at else "waiting"
        lines.append(f"  due {moment(one.due_at)}  {one.id}  {one.rule} ({kind})  {met}")
    lines.extend(
        f"  work {one.status:<7} {one.detail['work']['kind']:<16} {one.detail['work']['id']}"
        for one in works
    )
    for noted in row.timeline:
        by = f" by {noted.by}" if noted.by else ""
        why = f": {noted.reason}" if noted.reason else ""
        no = f"  REFUSED: {noted.refused}" if noted.refused else ""
        lines.append(f"  {moment(noted.at)}  {noted.type}{by}{why}  -> {noted.status}{no}")
    return lines


def find(args: argparse.Namespace) -> int:
    """Write it, and say what case it is."""
    return opened(args, args.found)


def opened(args: argparse.Namespace, found: str) -> int:
    """Write a finding and wait for its case."""
    from synthgate.cli.casebook import find as write

    row = finish(write(load(args), args.tenant, found, args.name, nested(args.detail)))
    if args.json:
        print(json.dumps({"case": row.case, "status": row.status, "version": row.version}))
    else:
        print(f"{row.case}: {row.status or row.state}")
    return 0


def reach(args: argparse.Namespace) -> int:
    """Follow it through the logs."""
    from synthgate.cli.reached import owe, reached

    settings = load(args)
    held, found = finish(reached(settings, args.case))
    if args.owe:
        finish(owe(settings, held, found))
    said = {
        "case": held.row.case, "generators": sorted(found.generators),
        "generations": sorted(found.generations), "copies": found.copies,
        "recipients": len(found.recipients), "unreadable": found.unreadable,
    }  # fmt: skip
    if args.json:
        print(json.dumps(said))
    else:
        for name, value in said.items():
            print(f"{name:<12} {', '.join(value) if isinstance(value, list | dict) else value}")
    return 0


def act(args: argparse.Namespace) -> int:
    """Act, and say what came of it."""
    return acted(args, args.case, args.act, args.detail)


def acted(args: argparse.Namespace, case: str, what: str, pairs: list[str]) -> int:
    """Act on a case and print what came of it; 1 if the case did not take it."""
    from synthgate.cli.casebook import act as send

    detail = named(pairs)
    row, refused = finish(
        send(load(args), case, what, by=args.by, reason=args.reason, detail=detail)
    )
    return told(args, row, what, refused)


def told(args: argparse.Namespace, row: "CaseRow", what: str, refused: str | None) -> int:
    """Print what came of an act."""
    if args.json:
        said = {"case": row.case, "act": what, "status": row.status, "refused": refused}
        print(json.dumps(said, ensure_ascii=False))
    else:
        print(f"{row.case}: {what}: refused: {refused}" if refused else f"{row.case}: {row.status}")
    return 1 if refused else 0


def named(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs.

    Raises:
        CommandError: no ``=``.
    """
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"--detail {pair}: write it as NAME=VALUE", CONFIGURATION)
        found[name] = value
    return found


def file_hash(path: str, option: str) -> str:
    """SHA-256 of a file that stays with who acts.

    Raises:
        CommandError: it cannot be read.
    """
    import hashlib

    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CommandError(f"{option} {path}: {error.strerror}") from None


def nested(pairs: list[str]) -> dict[str, Any]:
    """NAME=VALUE pairs, where a dot in a name nests and a value that is JSON is what it says."""
    found: dict[str, Any] = {}
    for name, text in named(pairs).items():
        holder = found
        *outer, last = name.split(".")
        for step in outer:
            holder = holder.setdefault(step, {})
            if not isinstance(holder, dict):
                raise CommandError(f"--detail {name}: {step} is a value already", CONFIGURATION)
        try:
            holder[last] = json.loads(text)
        except ValueError:
            holder[last] = text
    return found
