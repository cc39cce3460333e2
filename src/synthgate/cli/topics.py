"""``synthgate topics``: make, check and list the topics, and say who needs which rights."""

import argparse
import json
import shlex
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, group, load


def add(subparsers: Any) -> None:
    """Register the command."""
    under = group(subparsers, "topics", "make, check and list the topics")
    command(under, "create", create, "make the topics that are missing")
    command(under, "check", run, "name every difference between the broker and the table")
    listed = command(
        under, "list", show, "the table: who writes, who reads, by what key, kept how long"
    )
    listed.add_argument("--json", action="store_true", help="one JSON object a topic")
    rights = command(
        under, "acls", acls, "print the kafka-acls commands that give each part its least rights"
    )
    rights.add_argument(
        "--only", metavar="WHO", action="append",
        help="a duty, platform, desk, api, intake, canary, cli or eraser; may stand more than once",
    )  # fmt: skip
    rights.add_argument(
        "--principal", metavar="NAME",
        help="give it all to this one user, for instance User:synthgate-worker for a worker of several"
        " duties (each its own, User:synthgate-WHO)",
    )  # fmt: skip
    rights.add_argument(
        "--command-config", metavar="FILE",
        help="passed on to kafka-acls.sh: how it is let in itself",
    )  # fmt: skip
    from synthgate.cli import topic_loss

    topic_loss.add(under)


def run(args: argparse.Namespace) -> int:
    """Print every difference; 1 if there is one."""
    from synthgate.events.topics import TOPICS
    from synthgate.runtime import topic_admin

    settings = load(args)
    found = finish(topic_admin.differences(settings))
    for line in found:
        print(line)
    if not found:
        print(f"topics: {len(TOPICS)} on {settings.brokers}, as the table says")
    return 1 if found else 0


def create(args: argparse.Namespace) -> int:
    """Make what is missing; what differs is for ``check`` to say."""
    from synthgate.events.topics import TOPICS
    from synthgate.runtime import topic_admin

    settings = load(args)
    if settings.insync_min > settings.replicas:
        raise CommandError(
            f"insync_min is {settings.insync_min} with {settings.replicas} replicas: nothing could be"
            " written; for one broker use --set replicas=1 --set insync_min=1",
            CONFIGURATION,
        )
    made = finish(topic_admin.create_topics(settings))
    for name in made:
        print(f"made {name}: {settings.partitions} partitions, {settings.replicas} replicas")
    print(f"topics: {len(made)} made, {len(TOPICS) - len(made)} were there")
    return 0


def show(args: argparse.Namespace) -> int:
    """Print the table; no broker is asked."""
    from synthgate.events.topics import TOPICS

    settings = load(args)
    rows = [
        {
            "topic": settings.topic(topic.name),
            "writer": topic.writer,
            "readers": ", ".join(topic.readers),
            "key": topic.key,
            "kept": _kept(topic.kept_ms),
            "logged": topic.logged,
        }
        for topic in TOPICS
    ]
    if args.json:
        for row in rows:
            print(json.dumps(row, ensure_ascii=False))
        return 0
    widths = {name: max(len(name), *(len(row[name]) for row in rows)) for name in rows[0]}
    for line in ({name: name for name in widths}, *rows):
        print("  ".join(line[name].ljust(width) for name, width in widths.items()).rstrip())
    return 0


def acls(args: argparse.Namespace) -> int:
    """Print the commands; nothing is changed on the broker."""
    from synthgate.events.topic_configs import grants, rights, rights_outside
    from synthgate.events.topics import BESIDE

    settings = load(args)
    known = sorted({right.who for right in rights()})
    asked = args.only or known
    if strange := sorted(set(asked) - set(known)):
        raise CommandError(
            f"nobody is called {strange[0]}; there are {', '.join(known)}", CONFIGURATION
        )
    outside = rights_outside() if settings.intake_in and settings.intake_out else ()
    wanted = [right for right in (*rights(), *outside) if right.who in asked]
    if args.principal:
        wanted = [right._replace(who="") for right in wanted]
    let_in = ["--command-config", args.command_config] if args.command_config else []
    for grant in grants(wanted):
        words = ["kafka-acls.sh", "--bootstrap-server", settings.brokers, *let_in, "--add"]
        words += ["--allow-principal", args.principal or f"User:synthgate-{grant.who}"]
        for verb in grant.verbs:
            words += ["--operation", verb]
        for name in grant.names:
            ours = settings.group(name) if name in BESIDE else settings.topic(name)
            words += [f"--{grant.kind}", ours]
        print(shlex.join(words))
    return 0


def _kept(kept_ms: int | None) -> str:
    if kept_ms is None:
        return "compacted"
    hours = kept_ms // 3_600_000
    return f"{hours} h" if hours <= 72 else f"{hours // 24} days"
