"""The part of ``synthgate erase`` that lies on topics: tombstones, read back until nothing is left."""

from collections import Counter
from typing import TYPE_CHECKING, Final

from synthgate.cli.errors import TRY_LATER, CommandError

if TYPE_CHECKING:
    from synthgate.settings import Settings
    from synthgate.steps.erasure_topics import Person, Place, Reach, Rows

ROUNDS: Final = 3
"""A worker that folded something at the same moment writes its row once more; the next round removes it."""


async def erase_rows(
    settings: "Settings", person: "Person", now_ms: int, keep_days: int
) -> "tuple[Counter[str], Reach]":
    """Remove what is due; rows removed by topic, and what stays.

    Raises:
        CommandError: rows kept coming back: somebody is using the account.
    """
    from synthgate.cli.positions import writer

    removed: dict[Place, None] = {}
    for _ in range(ROUNDS):
        reach = (await _rows(settings, person)).reach(now_ms, keep_days)
        if not reach.due:
            return Counter(place.topic for place in removed), reach
        async with writer(settings) as producer:
            for place in reach.due:
                await producer.send_and_wait(
                    settings.topic(place.topic), value=None, key=place.key, partition=place.partition
                )  # fmt: skip
                removed[place] = None
    left = (await _rows(settings, person)).reach(now_ms, keep_days)
    if left.due:
        raise CommandError(
            f"{left.due[0].topic} is written again and again for this person: is the account still in use?"
            " Close it, and run this again",
            TRY_LATER,
        )
    return Counter(place.topic for place in removed), left


async def _rows(settings: "Settings", person: "Person") -> "Rows":
    from synthgate.cli.positions import records
    from synthgate.steps.erasure_topics import READ, Rows

    rows = Rows(person)
    for topic in READ:
        async for record in records(settings, topic, whole=True, follow=False):
            rows.put(topic, record.partition, record.key, record.value)
    return rows
