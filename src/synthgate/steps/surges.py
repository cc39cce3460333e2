"""How many people are refused for illegal content, by what it rests on: within the hour, and usually.

Counted from content cases, so that a worker that takes a partition over knows what the one before it knew; a
case heard again counts nobody twice. Hours are hours of the clock.
"""

from collections import defaultdict
from typing import Final

from synthgate.cases.penalties import HOUR_MS
from synthgate.events.decision import CaseRow
from synthgate.steps.resting import Resting

HOURS: Final = 24
"""What is usual in an hour is the mean of so many before it."""
LIBRARY: Final = "library/"
_ANY: Final = "library"
"""All versions together: what is usual for one is what was usual for those before it."""


class Surges:
    """People by partition, subject and hour."""

    def __init__(self) -> None:
        self._people: dict[int, dict[str, dict[int, set[str]]]] = defaultdict(dict)
        self._newest: dict[int, int] = {}
        """The latest hour anything was counted in, by partition."""

    def noted(self, partition: int, row: CaseRow) -> None:
        """A case as it is now."""
        if row.kind != "content" or row.user is None:
            return
        rests = Resting.of(row)
        if rests is None:
            return
        if row.status == "overturned":
            self._forget(partition, rests, row.user, row.opened_at)
        else:
            self.refused(partition, rests, row.user, row.opened_at)

    def refused(self, partition: int, rests: Resting, user: str, at: int) -> None:
        """A person was refused at a time, Unix ms."""
        hour = at // HOUR_MS
        if hour > self._newest.get(partition, -1):
            self._newest[partition] = hour
            self._prune(partition, hour)
        for subject in _counted(rests):
            self._people[partition].setdefault(subject, {}).setdefault(hour, set()).add(user)

    def _prune(self, partition: int, hour: int) -> None:
        """What nobody asks for any more goes, of versions and entries long gone too."""
        people = self._people[partition]
        for subject, hours in list(people.items()):
            for old in [one for one in hours if one < hour - HOURS]:
                del hours[old]
            if not hours:
                del people[subject]

    def _forget(self, partition: int, rests: Resting, user: str, at: int) -> None:
        """It was no violation after all."""
        for subject in _counted(rests):
            self._people[partition].get(subject, {}).get(at // HOUR_MS, set()).discard(user)

    def seen(self, partition: int, subject: str, at: int) -> tuple[int, int]:
        """People refused in the hour of a time (Unix ms), and how many are usual in one, rounded up."""
        people = self._people[partition]
        hour = at // HOUR_MS
        now = len(people.get(subject, {}).get(hour, ()))
        before = people.get(_ANY if subject.startswith(LIBRARY) else subject, {})
        usual = sum(len(who) for when, who in before.items() if hour - HOURS <= when < hour)
        return now, -(-usual // HOURS)

    def drop(self, partition: int) -> None:
        """Not ours any more."""
        self._people.pop(partition, None)
        self._newest.pop(partition, None)


def _counted(rests: Resting) -> tuple[str, ...]:
    return (*rests.subjects(), *((_ANY,) if rests.entries else ()))
