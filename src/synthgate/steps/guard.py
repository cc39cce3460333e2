"""The blast guard: when refusals that rest on one thing surge, penalties that rest on it wait.

The refusals stand. Each worker judges its own partitions and tells the others on ``guards`` (ADR 0025). House
policy: a bad entry may refuse thousands within minutes, and nobody is to be punished for it.
"""

import logging
from collections import Counter
from typing import Final

from synthgate.cases.penalties import WAITS
from synthgate.events.decision import CaseRow, Decision
from synthgate.events.facts import GuardRow
from synthgate.law import LawBook
from synthgate.registries import UNREADABLE, Registries
from synthgate.registries.withdrawals import Rollback
from synthgate.settings import Settings
from synthgate.step import Work
from synthgate.steps.lookup import Lookup
from synthgate.steps.resting import Resting, Weighed, resting
from synthgate.steps.surges import HOURS, LIBRARY, Surges

log = logging.getLogger(__name__)
_QUIET_MS: Final = HOURS * 3_600_000
"""A guard two people let go does not fire again so long: until then what is usual was counted before."""


class Guard:
    """Judges surges; says what penalties wait for."""

    def __init__(
        self, settings: Settings, registries: Registries, surges: Surges, lookup: Lookup, book: LawBook
    ) -> None:  # fmt: skip
        self._users = settings.guard_users
        self._times = settings.guard_times
        self._registries = registries
        self._surges = surges
        self._lookup = lookup
        self._book = book

    def weigh(
        self, decision: Decision, held: CaseRow | None, work: Work, *, attributed: bool
    ) -> Weighed:
        """What a refusal for illegal content rests on, and whether it counts.

        held: its case, if it has one: what was said of it stands until it is rolled back. attributed: a person
        did it.

        Raises:
            Waiting: the log cannot be read now.
        """
        rests = None if held is None else Resting.of(held) or Resting()
        if rests is None:
            rests = resting(decision, self._lookup, self._book)
        rollback = self.withdrawn(rests)
        if rollback is not None:
            return Weighed(rests, rollback.id)
        first = held is None or held.cause == decision.decision
        if attributed and decision.user is not None and first:
            # Also of a case there is: the guard it fired may have been lost with a worker.
            self.hear(rests, decision.user, decision.decided_at, work)
        if held is not None:
            return Weighed(rests, held.detail.get("waits"))
        return Weighed(rests, WAITS if self.covers(rests) else None)

    def hear(self, rests: Resting, user: str, at: int, work: Work) -> None:
        """A person was refused at a time, Unix ms: a guard may fire."""
        self._surges.refused(work.partition, rests, user, at)
        back = self._registries.control.taken_back()
        came = {f"entry/{name}": one for name, one in zip(rests.entries, rests.came, strict=True)}
        for subject in rests.subjects():
            now, usual = self._surges.seen(work.partition, subject, at)
            if now < max(self._users, self._times * usual):
                continue
            if at < back.let_go.get(subject, -_QUIET_MS) + _QUIET_MS:
                continue
            surge = GuardRow(
                version=1, partition=work.partition, subject=subject, since=at, users=now,
                usual=usual, came=came.get(subject),
            )  # fmt: skip
            # What was refused before a rollback may be heard after it: that has been answered.
            if back.answer(surge) is None and not self._waits(subject):
                self._fire(surge, work)

    def covers(self, rests: Resting) -> bool:
        """Whether penalties that rest on this wait: every entry left of it is guarded, its version or its rule.

        What another's word carries too waits for the rule alone.
        """
        if any(self._waits(f"rule/{rule}") for rule in rests.rules):
            return True
        if not rests.alone:
            return False
        if self._waits(f"{LIBRARY}{rests.library}"):
            return True
        back = self._registries.control.taken_back().rollbacks
        left = [
            entry
            for entry, came in zip(rests.entries, rests.came, strict=True)
            if not any(one.withdraws(came) for one in back)
        ]
        return bool(left) and all(self._waits(f"entry/{entry}") for entry in left)

    def withdrawn(self, rests: Resting) -> Rollback | None:
        """The rollback that took back everything a refusal rests on."""
        if not rests.alone or rests.library is None:
            return None
        for one in self._registries.control.taken_back().rollbacks:
            if one.withdraws(rests.library) and rests.since > one.to:
                return one
        return None

    def waiting(self, partition: int) -> Counter[str]:
        """Surges of a partition nobody has answered, by what they rest on."""
        found = Counter(dict.fromkeys(("entry", "library", "rule"), 0))
        back = self._registries.control.taken_back()
        for row in self._registries.guards.rows():
            if row.partition == partition and back.answer(row) is None:
                found[row.subject.partition("/")[0]] += 1
        return found

    def _waits(self, subject: str) -> bool:
        rows = self._registries.guards.seen(subject)
        if not rows:
            return False
        back = self._registries.control.taken_back()
        return any(back.answer(row) is None for row in rows)

    def _fire(self, surge: GuardRow, work: Work) -> None:
        held = self._registries.guards.held(f"{work.partition}/{surge.subject}")
        if held is not None and held is not UNREADABLE:
            surge = surge.model_copy(update={"version": held.version + 1})
        self._say(surge, work)
        work.outputs.guards[surge.subject.partition("/")[0]] += 1
        log.warning(
            "blast guard: %s people refused within the hour on partition %s rest on %s (usual: %s);"
            " penalties that rest on it alone wait: `synthgate library guards`",
            surge.users, work.partition, surge.subject, surge.usual,
        )  # fmt: skip

    def say_again(self, work: Work) -> None:
        """Guards of this partition that do not stand last on the topic, or not yet."""
        guards = self._registries.guards
        for row in (*guards.overspoken(work.partition), *guards.owed(work.partition)):
            self._say(row, work)

    def _say(self, row: GuardRow, work: Work) -> None:
        key, value = f"{row.partition}/{row.subject}".encode(), row.model_dump_json().encode()
        self._registries.apply("guards", work.partition, -1, key, value)
        work.outputs.add("guards", key, value)
