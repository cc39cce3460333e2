"""Files an event brings, made or taken in: looked for with the other facts, labelled once they pass."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Self

from synthgate.effects.explicit.speech import Clip
from synthgate.effects.isolated import Limits
from synthgate.effects.label import Label
from synthgate.effects.objects import Objects
from synthgate.effects.places import open_sources
from synthgate.effects.provenance.signer import Signer
from synthgate.effects.sources import SourceError
from synthgate.effects.workshop import Key, Outcome, Task, Workshop
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.obligations.labelling.events import TRANSFORMED, declared_of, rows_to_label
from synthgate.obligations.labelling.facts import OutputFact
from synthgate.settings import Settings

WAIT_SECONDS: Final = 5.0
"""A batch asks for so long at once; then it declares that it waits, and asks again."""


class Order(NamedTuple):
    """What is to be done with the files of a passage. labels: one for each; sentence: None for none."""

    passage: Passage
    labels: Sequence[Label]
    sentence: str | None


class OutputFiles:
    """The files of a batch. Work on them goes on while their batch waits."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    @classmethod
    def of(cls, settings: Settings, objects: Objects) -> Self:
        """With a workshop of its own.

        Raises:
            SettingsError: the certificates it is to sign with, or the spoken label, are wrong.
        """
        limits = Limits(settings.media_s, settings.media_memory_mib)
        return cls(
            Workshop(
                open_sources(settings), objects, limits, Signer.of(settings), Clip.of(settings)
            )
        )

    def found(self, event: Event) -> tuple[OutputFact, ...]:
        """Whether each can be had, before anything is done with it.

        Raises:
            Waiting: the tenant's folder is away.
        """
        return tuple(self._found(event.tenant, row) for row in rows_to_label(event))

    async def labelled(
        self, wanted: Sequence[Order], log: int
    ) -> Mapping[Passage, Sequence[Outcome]]:
        """What came of the files of these passages, in the order they are named.

        Raises:
            Waiting: they are not all done yet, or a folder or the object store is away.
        """
        tasks: dict[Key, Task] = {}
        for order in wanted:
            event = order.passage.event
            files = zip(rows_to_label(event), order.labels, strict=True)
            for number, (row, label) in enumerate(files):
                tasks[order.passage.origin, number] = Task(
                    log, event.tenant, row, event.medium, order.sentence, label, declared_of(event),
                    derived=event.type == TRANSFORMED,
                )  # fmt: skip
        if not tasks:
            return {}
        done = await asyncio.to_thread(self._workshop.outcomes, tasks, WAIT_SECONDS)
        return {
            order.passage: [
                done[order.passage.origin, number] for number in range(len(order.labels))
            ]
            for order in wanted
        }

    def _found(self, tenant: str, row: Mapping[str, Any]) -> OutputFact:
        try:
            self._workshop.sources.check(tenant, row)
        except SourceError as error:
            return OutputFact(error.code)
        return OutputFact()


def facts_of(outcomes: Sequence[Outcome]) -> tuple[OutputFact, ...]:
    """What labelling showed, as facts to be decided on."""
    return tuple(
        OutputFact(outcome.fault, outcome.unshown, outcome.found, outcome.signs, outcome.kept)
        for outcome in outcomes
    )
