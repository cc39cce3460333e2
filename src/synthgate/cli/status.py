"""``synthgate status``: per partition where each stage stands, what was logged last, what waits for what."""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from synthgate.cli.options import command, finish, load

if TYPE_CHECKING:
    from synthgate.cli.standing import Partition


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "status", run, "where each stage stands, what was logged last, what waits",
        epilog="A cell is position+lag; - is a group that never read there. Reads the broker and the"
        " ledger folder;\nfences nobody.",
    )  # fmt: skip
    leaf.add_argument(
        "--worker", metavar="URL", action="append", default=[],
        help="ask this worker what it waits for (http://host:port); may stand more than once",
    )  # fmt: skip
    leaf.add_argument("--json", action="store_true", help="everything as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Print; 0 even when the chain lags: a status is not a check."""
    return finish(_status(args))


async def _status(args: argparse.Namespace) -> int:
    from synthgate.cases import calendar
    from synthgate.cli import standing
    from synthgate.law import load as load_law

    settings = load(args)
    found = await standing.partitions(settings)
    await standing.account(settings, found)
    active = await standing.active(settings)
    now = standing.now_ms()
    book = load_law()
    versions = {"law": book.hash, "law_at": book.at(now).hash, "active": active}
    workers = [standing.ask(url) for url in args.worker]
    if args.json:
        rows = [partition.row() for partition in found]
        whole = {
            "partitions": rows, "versions": versions, "workers": workers, "at": now,
            "calendar": {"years_lacking": calendar.lacking(now)},
        }  # fmt: skip
        print(json.dumps(whole, ensure_ascii=False, indent=2))
        return 0
    for line in _table(found, now):
        print(line)
    print()
    remarks = (*_remarks(found, now), *_paused(active["paused"], now), *_waits(workers, now))
    for line in (*remarks, *_versions(versions), *_calendar(calendar.missing(now))):
        print(line)
    return 0


def _table(found: "Sequence[Partition]", now: int) -> Iterator[str]:
    from synthgate.cli.standing import STAGES

    head = ["partition", "sources end", *STAGES, "log head", "last logged", "oldest unaccounted"]
    rows = [head]
    for partition in found:
        logged = "-" if partition.logged_at is None else f"{_age(now - partition.logged_at)} ago"
        since = partition.unaccounted_since
        rows.append(
            [
                str(partition.number),
                str(sum(partition.sources.values())),
                *(_cell(partition, duty) for duty in STAGES),
                "-" if partition.head is None else str(partition.head),
                logged,
                "none" if since is None else f"{partition.unaccounted}, {_age(now - since)}",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(partition: "Partition", duty: str) -> str:
    stands = partition.duties.get(duty, ())
    if all(stand.at is None for stand in stands):
        return "-" if partition.lag(duty) == 0 else f"-+{partition.lag(duty)}"
    lost = " LOST" if any(stand.lost for stand in stands) else ""
    return f"{sum(stand.at or 0 for stand in stands)}+{partition.lag(duty)}{lost}"


def _remarks(found: "Sequence[Partition]", now: int) -> Iterator[str]:
    """What a person should do about, and whether one may switch topologies."""
    from synthgate.cli.standing import FUSED_INPUT
    from synthgate.events.topics import RECORDS

    for partition in found:
        for stage, stands in partition.duties.items():
            for stand in stands:
                place = f"{stand.topic}/{partition.number}"
                mend = f"`synthgate topics accept-loss {stand.topic} {partition.number}`"
                if stage == RECORDS:
                    mend = (
                        "Kafka's own `kafka-consumer-groups.sh --reset-offsets` (src/RECOVERY.md)"
                    )
                if stand.lost:
                    yield f"{stage}: {stand.lost} records of {place} were deleted unread; {mend}"
    middle = ("consent", "moderation", "labelling", "retention")
    left = sum(partition.lag(duty) for partition in found for duty in middle)
    fused = any(
        stand.topic == FUSED_INPUT
        for partition in found
        for stand in partition.duties.get("identity", ())
    )
    yield f"topology: {'fused' if fused else 'separate'} (identity's group says so)"
    yield (
        "between the duties: nothing is on the way, the topology may be switched"
        if left == 0
        else f"between the duties: {left} passages are on the way; wait for 0 before switching"
    )


def _paused(rows: Sequence[dict[str, Any]], now: int) -> Iterator[str]:
    """Who stopped what, since when and why."""
    from synthgate.events.event import time_ms

    alike: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        named = (row["duty"], row["by"], row["reason"], row["at"])
        alike.setdefault(named, []).append(row["partition"])
    for (duty, by, reason, at), numbers in alike.items():
        where = ", ".join(map(str, sorted(numbers)))
        since = _age(now - time_ms(at))
        yield f"paused: {duty} on partition {where}, by {by} ({reason}), {since}; `synthgate resume {duty}`"


def _waits(workers: Sequence[dict[str, Any]], now: int) -> Iterator[str]:
    if not workers:
        yield "waits: not asked (--worker URL)"
    for worker in workers:
        if "fault" in worker:
            yield f"{worker['worker']}: no answer ({worker['fault']})"
            continue
        waits = worker.get("waits", [])
        said = "ready" if worker.get("ready") else "not ready"
        yield f"{worker['worker']}: {said}, {'waits:' if waits else 'waits for nothing'}"
        for wait in waits:
            since = _age(now - round(wait["since"] * 1000))
            yield f"  {wait['duty']} {wait['where']} waits for {wait['what']}, {since}"


def _versions(versions: dict[str, Any]) -> Iterator[str]:
    active = versions["active"]
    law = active["law"]
    if law is None:
        said = "no law set was activated; workers use the one they carry"
    elif law == versions["law"]:
        said = "that set is active"
    else:
        said = f"ANOTHER set is active ({law[:12]}): workers with this one wait"
    yield f"law: book {versions['law'][:12]} (its rows in force now: {versions['law_at'][:12]}); {said}"
    library = active["library"]
    yield (
        "library: none is active; every text is refused as not configured"
        if library is None
        else f"library: version {library}"
    )


def _calendar(missing: str | None) -> Iterator[str]:
    if missing is not None:
        yield f"calendar: {missing}"


def _age(ms: int) -> str:
    seconds = max(0, ms) / 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
