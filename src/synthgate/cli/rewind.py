"""``synthgate rewind``: the one repair for any hole. The door reads again from there; repeats are safe.

Only the committed position of the door's group moves, only back, only while nobody is in the group. What is
logged already is answered again from the log, byte for byte; what is not is decided.
"""

import argparse
from typing import Any

from synthgate.cli.errors import CONFIGURATION, TRY_LATER, CommandError
from synthgate.cli.options import command, finish, load


def add(subparsers: Any) -> None:
    """Register the command."""
    leaf = command(
        subparsers, "rewind", run, "let the door read a source again; repeats are safe",
        epilog="Stop the workers of identity (or the fused ones) first; start them again afterwards.",
    )  # fmt: skip
    leaf.add_argument("topic", metavar="TOPIC", help="a source, for instance generation.events")
    leaf.add_argument("partition", metavar="PARTITION", type=int)
    to = leaf.add_mutually_exclusive_group(required=True)
    to.add_argument("--offset", type=int, metavar="N", help="read again from this offset")
    to.add_argument("--time", metavar="RFC3339", help="read again from this append time")


def run(args: argparse.Namespace) -> int:
    """Move the position back."""
    return finish(_rewind(args))


async def _rewind(args: argparse.Namespace) -> int:
    from synthgate.cli.positions import committed, place_of, reader
    from synthgate.events.topics import SOURCES

    settings = load(args)
    if args.topic not in SOURCES:
        raise CommandError(
            f"{args.topic} is not read by the door; it reads {', '.join(SOURCES)}. Any hole further on is"
            " mended from there too",
            CONFIGURATION,
        )
    group = settings.group("identity")
    place = await place_of(settings, args.topic, args.partition)
    async with reader(settings, group) as consumer:
        position = (await committed(consumer, [place]))[place]
        start = (await consumer.beginning_offsets([place]))[place]
        end = (await consumer.end_offsets([place]))[place]
        wanted = args.offset if args.time is None else await _at(consumer, place, args.time, end)
        if position is None:
            raise CommandError(
                f"{group} has never read {args.topic}/{args.partition}: it begins at {start} by itself"
            )
        if wanted < start:
            raise CommandError(
                f"offset {wanted} is gone: {args.topic}/{args.partition} begins at {start}; what lies"
                " before cannot be read again"
            )
        if wanted > position:
            raise CommandError(
                f"a rewind never goes forward: {group} stands at {position}, you asked for {wanted}"
            )
        if wanted == position:
            print(f"nothing to do: {group} stands at {position} of {args.topic}/{args.partition}")
            return 0
        await _commit(consumer, place, wanted, group)
    print(
        f"{group}: {args.topic}/{args.partition} from {position} back to {wanted};"
        f" {position - wanted} offsets will be read again"
    )
    return 0


async def _at(consumer: Any, place: Any, time: str, end: int) -> int:
    """First offset appended at or after a time; the end if there is none."""
    from synthgate.events.event import time_ms

    try:
        at_ms = time_ms(time)
    except ValueError as error:
        raise CommandError(f"--time: {error}; write it like 2026-11-21T10:15:00+08:00") from None
    found = (await consumer.offsets_for_times({place: at_ms}))[place]
    return end if found is None else int(found.offset)


async def _commit(consumer: Any, place: Any, offset: int, group: str) -> None:
    """Commit for a group without members: the broker refuses it while there are any."""
    from aiokafka.errors import CommitFailedError, IllegalGenerationError, UnknownMemberIdError

    # An offset is committed by whoever holds the partition; nothing is fetched from it here.
    consumer.assign([place])
    consumer.pause(place)
    try:
        await consumer.commit({place: offset})
    except (CommitFailedError, IllegalGenerationError, UnknownMemberIdError):
        raise CommandError(
            f"{group} has members: stop the workers of identity first. A worker that died still counts"
            " until its session_timeout_s is over",
            TRY_LATER,
        ) from None
