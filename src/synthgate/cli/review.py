"""``synthgate review``: what waits for a person. Look, claim, decide, escalate; and how the desk is doing."""

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from synthgate.cli.errors import CommandError
from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.desk.tasks import Task
    from synthgate.settings import Settings

_BLIND = (
    "Some tasks need two people: a sample, and those that were escalated. What the first one said\n"
    "is not shown to the second; if they differ, a third decides."
)


def add(subparsers: Any) -> None:
    """Register the commands."""
    under = group(subparsers, "review", "judge what waits for a person")
    first = command(under, "next", show, "the most urgent task you may take, with a preview")
    first.add_argument("--claim", action="store_true", help="take it at once")
    first.add_argument("--tenant", help="of this tenant alone")
    take = command(under, "claim", claim, "take a task for the time of a lease")
    give = command(under, "decide", decide, "pass or refuse a task you have claimed", epilog=_BLIND)
    give.add_argument("outcome", choices=("pass", "refuse"))
    give.add_argument(
        "--risk",
        action="append",
        default=[],
        metavar="CODE",
        help="what you saw (A.1h); may repeat",
    )
    up = command(under, "escalate", escalate, "hand a task you have claimed to two others")
    for leaf in (take, give, up):
        leaf.add_argument("case", metavar="CASE", help="hold/<root> or the root alone")
    for leaf in (first, take, give, up):
        leaf.add_argument("--reviewer", required=True, help="your name as the tenant lists it")
    for leaf in (first, take):
        leaf.add_argument("--full", action="store_true", help="all words, not only around the hits")
    told = command(under, "stats", stats, "what waits, for how long, and how it was answered")
    told.add_argument("--hours", type=int, default=24, help="of closed tasks, the last hours (24)")
    for leaf in (first, take, told):
        leaf.add_argument("--json", action="store_true", help="as one JSON object")


def show(args: argparse.Namespace) -> int:
    """The next task."""
    return finish(_show(args, load(args)))


async def _show(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli.review_topics import check_listed, look
    from synthgate.desk.tasks import queue

    seen = await look(settings)
    waiting = seen.tasks(settings)
    for task in queue(waiting, args.reviewer, _now_ms()):
        if args.tenant is not None and task.case.tenant != args.tenant:
            continue
        medium = str(task.case.detail["medium"])
        if args.reviewer not in seen.registries.control.reviews(task.case.tenant, medium):
            continue
        if args.claim:
            check_listed(seen, task, args.reviewer)
            await _claim(settings, task.case.case, args.reviewer)
        _print(args, settings, task)
        return 0
    print("{}" if args.json else f"review: nothing for {args.reviewer} ({len(waiting)} open)")
    return 0


def claim(args: argparse.Namespace) -> int:
    """Take one."""
    return finish(_take(args, load(args)))


async def _take(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli.review_topics import check_listed, look

    seen = await look(settings)
    task = seen.task(settings, args.case)
    check_listed(seen, task, args.reviewer)
    barred = task.barred(args.reviewer, _now_ms())
    if barred is not None:
        raise CommandError(f"{task.case.case}: {barred}")
    await _claim(settings, task.case.case, args.reviewer)
    _print(args, settings, task)
    return 0


async def _claim(settings: "Settings", case: str, name: str) -> None:
    """Write the claim, and look whether it was the first.

    Raises:
        CommandError: somebody else was.
    """
    from synthgate.cli.review_topics import act, look

    task = (await look(settings)).task(settings, case)
    await act(settings, task, "claimed", name, seconds=settings.lease_minutes * 60)
    task = (await look(settings)).task(settings, case)
    if task.holder != name:
        raise CommandError(f"{case}: {task.barred(name, _now_ms()) or 'somebody else was first'}")


def decide(args: argparse.Namespace) -> int:
    """Judge one."""
    return finish(_decide(args, load(args)))


async def _decide(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli.review_topics import act, answer, check_listed, look
    from synthgate.desk.tasks import NotYours, judge
    from synthgate.law.policy import RISKS

    unknown = [risk for risk in args.risk if risk not in RISKS]
    if unknown:
        raise CommandError(f"--risk {unknown[0]}: no risk code; they run from A.1a to A.5b")
    seen = await look(settings)
    task = seen.task(settings, args.case)
    check_listed(seen, task, args.reviewer)
    try:
        said = judge(task, args.reviewer, args.outcome, args.risk, _now_ms())
    except NotYours as why:
        raise CommandError(f"{task.case.case}: {why}") from None
    more = {"outcome": args.outcome, "risks": args.risk}
    if said.outcome is None:
        await act(settings, task, "opinion", args.reviewer, **more)
        print(f"review: {task.case.case}: your opinion is kept; another person judges it too")
        return 0
    await answer(settings, task, said.outcome, said.risks, said.by)
    await act(settings, task, "answered", args.reviewer, **more)
    print(f"review: {task.case.case}: {said.outcome}, sent; the chain decides again in full")
    return 0


def escalate(args: argparse.Namespace) -> int:
    """Hand one on."""
    return finish(_escalate(args, load(args)))


async def _escalate(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli.review_topics import act, look

    task = (await look(settings)).task(settings, args.case)
    if task.holder != args.reviewer or not task.is_held(_now_ms()):
        raise CommandError(f"{task.case.case}: claim it first; only who has it hands it on")
    await act(settings, task, "escalated", args.reviewer)
    print(f"review: {task.case.case}: escalated; two others judge it, before anything else")
    return 0


def stats(args: argparse.Namespace) -> int:
    """Figures."""
    return finish(_stats(args, load(args)))


async def _stats(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli.review_topics import look
    from synthgate.desk.figures import figures

    seen = await look(settings)
    now = _now_ms()
    told = figures(
        seen.cases, seen.acts, now, target_minutes=settings.review_minutes,
        since_ms=now - args.hours * 3_600_000, sample_percent=settings.second_opinion_percent,
    )  # fmt: skip
    if args.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
        return 0
    for name, value in told.items():
        shown = (
            ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        )
        print(f"{name:<20} {'-' if shown in (None, '') else shown}")
    return 0


def _print(args: argparse.Namespace, settings: "Settings", task: "Task") -> None:
    detail = task.case.detail
    row = {
        "case": task.case.case, "tenant": task.case.tenant, "type": detail["type"],
        "medium": detail["medium"], "codes": detail["codes"], "risks": detail["risks"],
        "priority": task.priority, "people": task.needs,
        "waits_since": _moment(task.waits_since),
        "due": _moment(task.waits_since + settings.review_minutes * 60_000),
        "expires": _moment(int(detail["expires_at"])),
        "preview": _preview(settings, task, full=args.full),
    }  # fmt: skip
    if args.json:
        print(json.dumps(row, ensure_ascii=False, indent=2))
        return
    for name, value in row.items():
        if name != "preview":
            print(f"{name:<12} {', '.join(value) if isinstance(value, list) else value}")
    print("\n".join(f"  {line}" for line in row["preview"]))


def _preview(settings: "Settings", task: "Task", *, full: bool) -> list[str]:
    """From the log, if it lies here."""
    from synthgate.desk.preview import preview
    from synthgate.ledger import LogReader
    from synthgate.ledger.log_ids import decided
    from synthgate.ledger.rings import open_ring
    from synthgate.ledger.stores import open_store
    from synthgate.step import Waiting
    from synthgate.steps.lookup import Lookup

    receipt = task.case.receipt
    store = open_store(settings)
    if receipt is None or receipt.log not in decided(store.logs()):
        return ["(no preview: the log does not lie on this machine, see data_dir)"]
    ring = open_ring(settings)
    try:
        found = Lookup(lambda log: LogReader(store, ring, log)).fetch(receipt.log, receipt.index)
    except (KeyError, Waiting):
        return ["(no preview: the log holds no such entry, or it was erased)"]
    verdict = found.passage.verdict("moderation") or {"facts": {}}
    return preview(found.passage.event, verdict["facts"], full=full)


def _moment(at_ms: int) -> str:
    from synthgate.client.build import rfc3339

    return rfc3339(at_ms)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
