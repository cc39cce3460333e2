"""``synthgate explain``: one screen on one event. What each duty said, on what article, what to send next."""

import argparse
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from synthgate.cli.options import command, finish, language_option, load

if TYPE_CHECKING:
    from synthgate.cli.found import Found
    from synthgate.settings import Settings


LOOK_S: Final = 0.5


class Incidents(NamedTuple):
    """The sixth verdict. ``heard`` None: not known, because the decision has left the topic."""

    outcome: str
    reasons: list[dict[str, str]]
    heard: bool | None


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "explain", run, "why an event was decided as it was, and what to send next"
    )
    leaf.add_argument("event", metavar="EVENT_ID", help="event id, origin or decision id")
    leaf.add_argument("--json", action="store_true", help="as one JSON object")
    leaf.add_argument(
        "--wait", type=float, default=0.0, metavar="S", help="for a decision that is not there yet"
    )
    language_option(leaf)


def run(args: argparse.Namespace) -> int:
    """Print the screen."""
    return finish(_explain(args))


async def _explain(args: argparse.Namespace) -> int:
    from synthgate.cli import explain_text

    settings = load(args)
    found = await _found(settings, args.event, args.wait)
    latest = found[-1]
    incidents = await incidents_of(settings, latest)
    if args.json:
        whole = explain_text.data(latest.row, incidents, args.lang)
        whole["revisions"] = [
            {
                "revision": one.row["revision"],
                "action": one.row["action"],
                "receipt": one.row["receipt"],
            }
            for one in found
        ]
        print(json.dumps(whole, ensure_ascii=False, indent=2))
    else:
        print(explain_text.screen(latest.row, incidents, found, args.lang))
    return 0


async def _found(settings: "Settings", asked: str, wait_s: float) -> "list[Found]":
    """Decisions by revision, waited for on the topic. CommandError if there is none."""
    import asyncio
    import time

    from synthgate.cli.found import find, on_topic

    until = time.monotonic() + wait_s
    while time.monotonic() < until:
        if found := await on_topic(settings, asked):
            return found
        await asyncio.sleep(LOOK_S)
    return await find(settings, asked)


async def incidents_of(settings: "Settings", found: "Found") -> Incidents:
    """What incidents says of a decision: its ``decide`` on the same facts, and whether it has heard it."""
    from synthgate.events.decision import Decision
    from synthgate.events.verdicts import reason_row
    from synthgate.law import load as load_law
    from synthgate.obligations.incidents import decide, facts_of

    decision = Decision.model_validate_json(json.dumps(found.row))
    law = load_law().at(decision.decided_at)
    verdict = decide(decision, facts_of(decision), law, decision.decided_at)
    reasons = [reason_row(reason) for reason in verdict.reasons]
    return Incidents(verdict.outcome.value, reasons, await _heard(settings, found))


async def _heard(settings: "Settings", found: "Found") -> bool | None:
    if found.offset is None:
        return None
    from aiokafka import TopicPartition

    from synthgate.cli.positions import committed, reader

    place = TopicPartition(settings.topic("decisions"), found.partition)
    async with reader(settings, settings.group("incidents")) as consumer:
        position: int | None = (await committed(consumer, [place]))[place]
    return position is not None and position > found.offset
