"""``synthgate scan``: no plain phone, identity, card or credit-code number stands anywhere but in content."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import TRY_LATER, CommandError
from synthgate.cli.options import command, finish, load

if TYPE_CHECKING:
    from synthgate.cli.scan_places import Place
    from synthgate.settings import Settings

METRICS_BYTES_MAX = 64 << 20
METRICS_TIMEOUT_S = 10.0

_SEARCHED = """\
Searched: keys, headers, attributes, declared fields and verdicts on every topic; quarantine; ledger; stores;
envelopes of objects; and the logs, traces and metrics you name. Content (prompts, outputs, unknown members)
may hold any words and is not searched. A finding is told by place, never by number; exit code 1 if the chain
wrote one."""


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers,
        "scan",
        run,
        "search everything the chain wrote for plain phone, identity, card and credit-code numbers",
        epilog=_SEARCHED,
    )
    leaf.add_argument(
        "--file", metavar="PATH", type=Path, action="append", default=[],
        help="log files or trace exports, or a folder of them; may stand more than once",
    )  # fmt: skip
    leaf.add_argument(
        "--metrics", metavar="URL", action="append", default=[], help="a worker's /metrics page"
    )
    leaf.add_argument("--newest", metavar="N", type=int, help="only so many records a partition")
    leaf.add_argument("--no-topics", action="store_true", help="files and pages alone")


def run(args: argparse.Namespace) -> int:
    """Search and tell; 1 if a number stands where the chain wrote."""
    settings = load(args)
    places = [] if args.no_topics else finish(_topics(settings, args.newest))
    places += _folders(settings)
    places += [_file(path) for path in args.file]
    places += [_page(url) for url in args.metrics]
    for place in places:
        told = f"{place.count} found" if place.count else "0 found"
        said = "  (as sent to us; refused)" if place.sent and place.count else ""
        print(f"{place.name:<28} {place.searched:>9} searched  {told}{said}{place.note}")
        for where in place.found:
            print(f"    {where}")
    ours = sum(place.count for place in places if not place.sent)
    print(f"scan: {ours} found in what the chain wrote")
    return 1 if ours else 0


async def _topics(settings: "Settings", newest: int | None) -> list["Place"]:
    from synthgate.cli.positions import records
    from synthgate.cli.scan_places import SENT, Place, in_record
    from synthgate.events.topics import TOPICS

    found = []
    for topic in TOPICS:
        place = Place(topic.name, sent=topic.kind in SENT)
        found.append(place)
        try:
            async for record in records(
                settings, topic.name, whole=True, follow=False, newest=newest
            ):
                place.searched += 1
                for where in in_record(topic.name, record):
                    place.add(f"{record.partition}/{record.offset} {where}")
        except CommandError:
            place.note = "  (no such topic here)"
    return found


def _folders(settings: "Settings") -> list["Place"]:
    from synthgate.bucket import Bucket
    from synthgate.cli.scan_places import Place, in_bucket, in_files, in_stores
    from synthgate.effects.objects import SIDECAR_SUFFIX

    ledger, envelopes, stores = Place("ledger"), Place("envelopes of objects"), Place("stores")
    if settings.ledger_dir.is_dir():
        in_files(settings.ledger_dir, ledger)
    if settings.place is not None:
        in_bucket(Bucket.open(settings, settings.place.below("ledger"), "ledger"), ledger)
    if settings.objects_dir.is_dir():
        in_files(settings.objects_dir, envelopes, f"*{SIDECAR_SUFFIX}")
    if settings.place is not None:
        objects = Bucket.open(settings, settings.place.below("objects"), "object store")
        in_bucket(objects, envelopes, SIDECAR_SUFFIX)
    in_stores(settings.data_dir / "registries", stores)
    return [ledger, envelopes, stores]


def _file(path: Path) -> "Place":
    from synthgate.cli.scan_places import Place, in_files

    if not path.exists():
        raise CommandError(f"--file {path}: there is no such file or folder")
    place = Place(path.name)
    in_files(path, place)
    return place


def _page(url: str) -> "Place":
    from urllib.request import urlopen

    from synthgate.cli.scan_places import Place
    from synthgate.events.plain_identity import holds_plain_identity

    if not url.startswith(("http://", "https://")):
        raise CommandError(f"--metrics {url}: write the whole address, http://host:port/metrics")
    place = Place("metrics", note=f"  {url}")
    try:
        with urlopen(url, timeout=METRICS_TIMEOUT_S) as answer:
            page = answer.read(METRICS_BYTES_MAX).decode(errors="replace")
    except OSError as error:
        raise CommandError(f"--metrics {url}: no page there ({error})", TRY_LATER) from None
    for line in page.splitlines():
        place.searched += 1
        if holds_plain_identity(line):
            place.add(f"line {place.searched}")
    return place
