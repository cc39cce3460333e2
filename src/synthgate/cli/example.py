"""``synthgate example``: send an event that shows something, with the facts it needs."""

import argparse
import json
import secrets
from typing import TYPE_CHECKING, Any, Final

from synthgate.cli.errors import CommandError
from synthgate.cli.options import command, finish, load

if TYPE_CHECKING:
    from synthgate.cli.example_acts import Scene
    from synthgate.client import Gate
    from synthgate.settings import Settings

SOURCE: Final = "synthgate-example"
WAIT_S = 20.0
NAMES: Final = {
    "chat": "a verified user asks, the model answers, the answer is labelled",
    "style": "text in a real person's manner, with that person's consent",
    "publish": "a labelled answer is published, citing the pass it was released with",
    "reviewed": "a prompt a person must judge, and the reviewer who lets it pass",
    "refused": "everything missing at once: no identity, no consent, no network fields",
}


def add(subparsers: Any) -> None:
    """Register the command."""
    names = "\n".join(f"  {name:<10} {about}" for name, about in NAMES.items())
    leaf = command(
        subparsers,
        "example",
        run,
        "send an event and the facts it needs",
        epilog=f"names:\n{names}",
    )
    leaf.add_argument("name", metavar="NAME", choices=tuple(NAMES), help=", ".join(NAMES))
    leaf.add_argument("--tenant", default="example", help="whose (example)")
    leaf.add_argument("--user", default="example-user", help="whose act it is (example-user)")
    leaf.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="S", help=f"for an answer ({WAIT_S:g} s)"
    )
    leaf.add_argument(
        "--print", action="store_true", help="send nothing: print the lines for `synthgate produce`"
    )


def run(args: argparse.Namespace) -> int:
    """Send and wait for the answers; 0 if they came."""
    settings = load(args)
    if args.print:
        return _print(args)
    return finish(_send(args, settings))


def _print(args: argparse.Namespace) -> int:
    from synthgate.cli.example_acts import PRINTABLE, facts, opening
    from synthgate.client import Events

    if args.name not in PRINTABLE:
        raise CommandError(
            f"{args.name} carries the pass of a decision before it and cannot be printed ahead;"
            f" {', '.join(PRINTABLE)} can"
        )
    for topic, members in facts(args.name, args.tenant):
        print(json.dumps({"topic": topic, "data": members}, ensure_ascii=False))
    events = Events(args.tenant, SOURCE)
    for event in opening(args.name, events, args.user, f"demo-{args.name}"):
        # The time is when it is sent; an id of ours is kept, so that sending again is a repeat.
        attrs = {name: event.attrs[name] for name in ("type", "source")}
        if event.type == "generation.requested":
            attrs["id"] = event.id
        print(json.dumps({**attrs, "data": event.data}, ensure_ascii=False))
    return 0


async def _send(args: argparse.Namespace, settings: "Settings") -> int:
    from synthgate.cli import example_acts
    from synthgate.client import Gate

    async with Gate.from_settings(settings, tenant=args.tenant, source=SOURCE) as gate:
        await _library(settings, gate)
        for topic, members in example_acts.facts(args.name, args.tenant):
            placed = await gate.facts.write(topic, **members)
            print(f"fact      {placed.topic}/{placed.partition}  offset {placed.offset}")
        scene: Scene = example_acts.Scene(gate, args.user, args.wait)
        last = await example_acts.play(args.name, scene, f"{args.name}-{secrets.token_hex(4)}")
    if not scene.answered:
        raise CommandError(
            f"no decision within {args.wait:g} s: does the chain run (`synthgate status`)?", 75
        )
    print(f"\nWhy: synthgate explain {last}")
    return 0


async def _library(settings: "Settings", gate: "Gate") -> None:
    """With no feature library in force every text is refused; an example may bring the sample."""
    from synthgate.cli.positions import records
    from synthgate.library.sample import SAMPLE_VERSION, sample_rows

    async for record in records(settings, "control", whole=True, follow=False):
        if record.key == b"library":
            return
    for row in sample_rows():
        await gate.facts.write("facts.features", **row.model_dump(exclude={"version"}))
    await gate.facts.activate_library(SAMPLE_VERSION, by="synthgate-example", and_by="you")
    print("library   no feature library was in force: the SAMPLE now is (it is no real one)")
