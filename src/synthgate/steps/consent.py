"""Consent's step: templates, grants and revocations from their copies, the prompt from identity's verdict."""

from collections.abc import Mapping, Sequence
from typing import Any

from synthgate.events import topics
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Verdict
from synthgate.obligations.consent import OBLIGATION, ConsentFacts
from synthgate.registries import Registries
from synthgate.step import Fresh, Work
from synthgate.steps.judge import Gathered
from synthgate.steps.receipts import Receipts


class ConsentDuty:
    """Gathers for consent."""

    obligation = OBLIGATION

    def __init__(self, registries: Registries, fresh: Fresh, receipts: Receipts) -> None:
        self._registries = registries
        self._fresh = fresh
        self._receipts = receipts
        self._topics = tuple(t for t in topics.COPIES["consent"] if t in registries.tables)

    async def gather(self, passages: Sequence[Passage], work: Work) -> Gathered:
        """What is registered of each event's template and persons, as fresh as the broker.

        Raises:
            Waiting: a copy lags behind.
        """
        read = await work.fresh(self._fresh, self._topics)
        return Gathered([self._one(passage) for passage in passages], read)

    def _one(self, passage: Passage) -> ConsentFacts:
        identity = passage.verdict("identity")
        return ConsentFacts.gather(
            passage.event,
            {} if identity is None else identity["facts"],
            registries=self._registries,
            as_of=passage.as_of,
            signed=self._receipts.signed(passage.event.tenant, passage.event.subjects),
        )

    async def carry_out(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], work: Work
    ) -> Sequence[tuple[Verdict, Mapping[str, Any] | None]]:
        """Consent does nothing to the world."""
        return [(verdict, None) for verdict in verdicts]
