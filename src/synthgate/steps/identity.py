"""Identity's step: the door's findings, what is known of the person, and the fold of permitting facts."""

from collections.abc import Mapping, Sequence
from typing import Any

from synthgate.events import topics
from synthgate.events.facts import UserRow
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Verdict
from synthgate.law import LawBook
from synthgate.obligations.identity import OBLIGATION, IdentityFacts, fact_faults
from synthgate.registries import Registries
from synthgate.registries.users import FOLDED, FactConflict
from synthgate.step import Fresh, Work
from synthgate.steps.judge import Gathered


class IdentityDuty:
    """Gathers for identity."""

    obligation = OBLIGATION

    def __init__(self, registries: Registries, fresh: Fresh, book: LawBook) -> None:
        self._book = book
        self._registries = registries
        self._fresh = fresh

    async def gather(self, passages: Sequence[Passage], work: Work) -> Gathered:
        """Facts in order: a permit counts for what stands behind it in the same batch."""
        read = await work.fresh(self._fresh, topics.COPIES["identity"])
        for row in self._registries.users.overspoken(work.partition):
            _say(row, work)
        facts = [self._one(passage, work) for passage in passages]
        return Gathered(facts, read)

    def _one(self, passage: Passage, work: Work) -> IdentityFacts:
        event = passage.event
        if event.stub is not None or event.user is None:
            return IdentityFacts.of_stub(passage.findings)
        facts = self._gather(passage, work, passage.findings)
        if self._folds(passage, facts):
            findings = list(passage.findings)
            try:
                row = self._registries.users.fold(event, passage.event_hash)
                if row is not None:
                    _say(row, work)
            except FactConflict:
                findings.append({"code": "repeat_differs", "where": "id"})
            facts = self._gather(passage, work, findings)
        if passage.cites is None:
            return facts
        log, index = passage.cites
        return facts._replace(cites=(log, index))

    def _gather(
        self, passage: Passage, work: Work, findings: Sequence[Mapping[str, str]]
    ) -> IdentityFacts:
        return IdentityFacts.gather(
            passage.event,
            findings=findings,
            registries=self._registries,
            user_token=passage.user_token or "",
            as_of=passage.as_of,
            now_ms=work.now_ms,
        )

    def _folds(self, passage: Passage, facts: IdentityFacts) -> bool:
        """Only what passes is folded: no finding of the door, no fault of its own, no switch, no re-entry.

        Nor what retention is bound to refuse, because it may not be kept as long as the law asks.
        """
        event = passage.event
        if event.type not in FOLDED or passage.findings or passage.reentry is not None:
            return False
        law = self._book.at(passage.as_of)
        if any(fact_faults(event, facts, law)):
            return False
        floor = law.policy.retention.keep_days
        if event.keep_days is not None and event.keep_days < floor:
            return False
        return not self._registries.switches.off_for(event)

    async def carry_out(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], work: Work
    ) -> Sequence[tuple[Verdict, Mapping[str, Any] | None]]:
        """Identity does nothing to the world."""
        return [(verdict, None) for verdict in verdicts]


def _say(row: UserRow, work: Work) -> None:
    key = f"{row.tenant}/{row.user}".encode()
    value = row.model_dump_json(exclude_none=True).encode()
    work.outputs.add("registry.users", key, value)
