"""``synthgate topics accept-loss``: let a reader go on past records the broker no longer has.

The range goes onto ``control``. Of a source the door writes it to ``records.door`` and retention into the
ledger as never read; of a passages topic nothing is lost for good, because the door can read again.
Nothing else moves: this is an admission, signed by whoever runs it.
"""

import argparse
import getpass
from typing import Any

from synthgate.cli.errors import CONFIGURATION, CommandError
from synthgate.cli.options import command, finish, load


def add(subparsers: Any) -> None:
    """Register the command under ``topics``."""
    leaf = command(
        subparsers, "accept-loss", run, "admit that records were lost before they were read"
    )
    leaf.add_argument("topic", metavar="TOPIC", help="for instance generation.events")
    leaf.add_argument("partition", metavar="PARTITION", type=int)
    leaf.add_argument("--reason", required=True, help="what happened; goes into the ledger")
    leaf.add_argument("--by", default=None, help="who admits it (the user running this)")


def run(args: argparse.Namespace) -> int:
    """Write the row, if anything was lost."""
    return finish(_accept(args))


async def _accept(args: argparse.Namespace) -> int:
    from synthgate.cli.operator_word import say
    from synthgate.events.topics import SOURCES

    settings = load(args)
    duty = reader_of(args.topic)
    start, end = await _lost(settings, args.topic, args.partition, duty)
    who = args.by or getpass.getuser()
    body = {"to": end, "by": who, "reason": args.reason}
    await say(settings, {f"loss/{args.topic}/{args.partition}/{start}": body}, who)
    print(
        f"accepted: offsets {start} to {end - 1} of {args.topic}/{args.partition} count as never read"
    )
    if args.topic not in SOURCES:
        print("now let the door read again from before them: synthgate rewind --help")
    return 0


def reader_of(topic: str) -> str:
    """The duty whose group reads a topic record by record.

    Raises:
        CommandError: no duty does; copies are simply read anew, and what logs it is no duty.
    """
    from synthgate.events.topics import BY_NAME, INPUTS

    if topic not in BY_NAME:
        raise CommandError(
            f"no topic {topic} in the table; see `synthgate topics list`", CONFIGURATION
        )
    for duty, names in INPUTS.items():
        if topic in names:
            return duty
    raise CommandError(
        f"no duty reads {topic} record by record: there is no position to move; of what logs it src/RECOVERY.md"
        " says how it goes on"
    )


async def _lost(settings: Any, topic: str, partition: int, duty: str) -> tuple[int, int]:
    """The range from the duty's position up to what the broker still has.

    Raises:
        CommandError: nothing is lost there.
    """
    from synthgate.cli.positions import committed, place_of, reader

    group = settings.group(duty)
    place = await place_of(settings, topic, partition)
    async with reader(settings, group) as consumer:
        position = (await committed(consumer, [place]))[place]
        start = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
    if position is None:
        raise CommandError(f"nothing is lost: {group} has never read {topic}/{partition}")
    if position > end:
        raise CommandError(
            f"{topic}/{partition} ends at {end} but was read up to {position}: it is another topic of"
            " that name; raise `epoch` and start again instead"
        )
    if position >= start:
        raise CommandError(
            f"nothing is lost: {topic}/{partition} begins at {start} and is read up to {position}"
        )
    return position, start
