"""``synthgate report``: a case's report to the authorities. Nothing is sent from here.

A named person submits the document through the authority's channel; the case's clock stops when the receipt
is entered, and not before.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.case import acted, acting, file_hash, named, told
from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, language_option, load
from synthgate.cli.written import printing, write_new

if TYPE_CHECKING:
    from synthgate.settings import Settings


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "report", "reports to authorities: preview, approve, receipt")
    leaf = command(
        under, "preview", preview, "the report of a case as it stands; pending items say so"
    )
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("--unit", required=True, help="who reports")
    leaf.add_argument("--format", choices=("json", "html", "pdf"), default="json")
    leaf.add_argument("--out", metavar="FILE", type=Path, help="where to; must not be there")
    language_option(leaf)
    leaf = command(under, "approve", approve, "approve the draft by name")
    leaf.add_argument("case", metavar="CASE")
    acting(leaf)
    leaf = command(
        under, "hand-over", handed, "hand the report to your own gateway; the clock runs on",
        epilog="A gateway's 200 is no receipt: enter the authority's with `synthgate report receipt`.",
    )  # fmt: skip
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("--unit", required=True, help="who reports")
    leaf.add_argument("--to", metavar="URL", required=True, help="the gateway, over https")
    leaf.add_argument("--key-file", required=True, help="key shared with it (HMAC-SHA-256)")
    acting(leaf)
    leaf = command(
        under, "receipt", receipt, "enter the authority's receipt; this stops the clock",
        epilog="A gateway's 200 is no receipt: give the authority's reference, or the receipt as a file.",
    )  # fmt: skip
    leaf.add_argument("case", metavar="CASE")
    leaf.add_argument("--channel", required=True, help="how it was submitted, for instance 12387")
    which = leaf.add_mutually_exclusive_group(required=True)
    which.add_argument("--reference", help="the authority's number")
    which.add_argument("--file", help="the receipt; its SHA-256 is kept, the file stays with you")
    leaf.add_argument("--summary", action="store_true", help="of the summary after handling")
    acting(leaf)


def preview(args: argparse.Namespace) -> int:
    """Print the document, or write it into a file."""
    from synthgate.cases.reports import page

    settings = load(args)
    if args.format == "pdf" and args.out is None:
        raise CommandError("--out is needed: a PDF is written into a file", CONFIGURATION)
    if args.out is not None and args.out.exists():
        raise CommandError(f"{args.out} is there already", CONFIGURATION)
    face = printing(settings) if args.format == "pdf" else None
    report = finish(_document(settings, args.case, args.unit))
    if face is not None:
        from synthgate.printed.document import pdf

        data = pdf(page(report, args.lang), face)
    elif args.format == "html":
        data = page(report, args.lang).encode()
    else:
        data = json.dumps(report, ensure_ascii=False, indent=2).encode() + b"\n"
    if args.out is None:
        print(data.decode(), end="")
        return 0
    write_new(args.out, data)
    print(f"{args.out}: {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")
    return 0


async def _document(settings: "Settings", case: str, unit: str) -> dict[str, Any]:
    from synthgate.cases.reports import document
    from synthgate.cli.casebook import read

    book = await read(settings)
    held = book.named(case)
    try:
        return document(held.row, book.works(held.row.case), unit)
    except KeyError:
        raise CommandError(
            f"{held.row.case}: no report is made of a {held.row.kind} case"
        ) from None


def approve(args: argparse.Namespace) -> int:
    """Note who approved it."""
    return acted(args, args.case, "report.approved", [])


def handed(args: argparse.Namespace) -> int:
    """Send it, and note on the case that it was."""
    from synthgate.cli.handing_over import hand_over, read_key

    key = read_key(args.key_file)
    report = finish(_document(load(args), args.case, args.unit))
    body = json.dumps(report, ensure_ascii=False, sort_keys=True).encode()
    done = hand_over(args.to, body, report=report["report"], key=key)
    detail = [f"status={done.status}", f"attempts={done.attempts}", f"sha256={done.sha256}"]
    return acted(args, report["case"], "report.handed_over", detail)


def receipt(args: argparse.Namespace) -> int:
    """Enter it."""
    from synthgate.cli.casebook import answer, read

    settings = load(args)
    held = finish(read(settings)).named(args.case)
    what = "summary.receipted" if args.summary else "report.receipted"
    shown = (
        f"reference={args.reference}"
        if args.file is None
        else f"file_sha256={file_hash(args.file, '--file')}"
    )
    detail = named([f"channel={args.channel}", shown])
    row, refused = finish(
        answer(settings, held, what, by=args.by, reason=args.reason, detail=detail)
    )
    return told(args, row, what, refused)
