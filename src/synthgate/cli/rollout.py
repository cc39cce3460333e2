"""``synthgate rollout``: see what would be refused before anybody has to obey, and say when they must."""

import argparse
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from synthgate.cli.options import command, finish, group, load

if TYPE_CHECKING:
    from synthgate.settings import Settings

DUTIES = ("identity", "consent", "moderation", "labelling", "retention")
EXAMPLES = 3


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "rollout", "observe what would be refused; then enforce it")
    note = (
        "Observing is not complying: the law binds from the first day, whatever is enforced here."
    )
    watch = command(
        under, "observe", observe, "do not enforce some duties for some users", epilog=note
    )
    watch.add_argument("--duty", action="append", required=True, choices=DUTIES)
    watch.add_argument("--percent", type=int, required=True, help="of the users, 1 to 100")
    obey = command(under, "enforce", enforce, "enforce every duty for every user of a tenant again")
    for leaf in (watch, obey):
        leaf.add_argument("--tenant", required=True)
        leaf.add_argument("--by", required=True, help="who decided it")
        leaf.add_argument("--reason", required=True, help="why; it is kept with the switch")
    report = command(
        under, "report", run, "what was not enforced, by rule, with examples", epilog=note
    )
    report.add_argument("--tenant", help="of this tenant alone")
    report.add_argument(
        "--newest", metavar="N", type=int, help="only so many decisions a partition"
    )


def observe(args: argparse.Namespace) -> int:
    """Write the switch."""
    if not 1 <= args.percent <= 100:
        from synthgate.cli.errors import CommandError

        raise CommandError("--percent: 1 to 100; `synthgate rollout enforce` ends observing")
    return _switch(args, {"duties": sorted(set(args.duty)), "percent": args.percent})


def enforce(args: argparse.Namespace) -> int:
    """Write that nothing is observed any more."""
    return _switch(args, {"duties": [], "percent": 0})


def _switch(args: argparse.Namespace, body: dict[str, Any]) -> int:
    finish(_write(load(args), args, body | {"reason": args.reason}))
    what = (
        f"{', '.join(body['duties'])} observed for {body['percent']} %"
        if body["duties"]
        else "all enforced"
    )
    print(f"rollout: {args.tenant}: {what}, from the acknowledgement of this on")
    return 0


async def _write(settings: "Settings", args: argparse.Namespace, body: dict[str, Any]) -> None:
    from synthgate.client import Facts, Writer

    async with Writer.from_settings(settings, "control") as writer:
        await Facts(writer, args.tenant).control(f"observe/{args.tenant}", body, by=args.by)


def run(args: argparse.Namespace) -> int:
    """Read the decisions and count."""
    return finish(_report(load(args), args.tenant, args.newest))


async def _report(settings: "Settings", tenant: str | None, newest: int | None) -> int:
    import orjson

    from synthgate.cli.positions import records

    rules: Counter[tuple[str, str]] = Counter()
    examples: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    seen = observed = 0
    async for record in records(settings, "decisions", whole=True, follow=False, newest=newest):
        row = orjson.loads(record.value or b"{}")
        if row.get("v") != 1 or (tenant is not None and row["tenant"] != tenant):
            continue
        seen += 1
        if row["enforced"] or row["action"] == "release":
            continue
        observed += 1
        for name in {(reason["rule"], reason["code"]) for reason in row["reasons"]}:
            rules[name] += 1
            if len(examples[name]) < EXAMPLES:
                examples[name].append(f"{row['event_id'] or row['origin']}")
    for (rule, code), count in rules.most_common():
        print(f"{count:>8}  {rule:<22} {code:<26} {', '.join(examples[rule, code])}")
    print(f"rollout: {observed} of {seen} decisions were refusals or holds that nobody had to obey")
    return 0
