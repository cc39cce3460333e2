"""Which label an output is given: one with a number of its own, or that of the object it comes from."""

from typing import Any

from synthgate.effects.label import Label
from synthgate.effects.produce_id import produce_id
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.obligations.labelling.events import TRANSFORMED, UNLABELLED, rows_to_label
from synthgate.obligations.labelling.facts import OutputFact
from synthgate.registries.control import Control
from synthgate.steps.named import NamedObjects
from synthgate.steps.outputs import Order, OutputFiles


class WhichLabel:
    """producer: our code; sentence: the explicit label as it is configured."""

    def __init__(self, control: Control, named: NamedObjects, producer: str, sentence: str) -> None:
        self._control = control
        self._named = named
        self._producer = producer
        self._sentence = sentence

    def first(self, passage: Passage) -> Label:
        """The label of a first write, with the number of the act."""
        event = passage.event
        number = produce_id(passage.root, event.tenant, event.source, event.id)
        return Label.first(self._producer, number)

    def labels(self, passage: Passage, count: int) -> list[Label]:
        """One for each of so many outputs: of a copy, its object's; of what was made of one object, its."""
        kind = passage.event.type
        held = self._named.labels(passage.event) if kind in (UNLABELLED, TRANSFORMED) else []
        if kind == UNLABELLED:
            return held[:count]
        one = held[0] if len(set(held)) == 1 else self.first(passage)
        return [one] * count

    def order(self, passage: Passage) -> Order:
        """How the files of a passage are labelled."""
        event = passage.event
        labels = self.labels(passage, len(rows_to_label(event)))
        return Order(passage, labels, None if event.type == UNLABELLED else self._sentence)

    def found(self, event: Event, files: OutputFiles) -> tuple[OutputFact, ...]:
        """Whether each file can be had; an original must be what the object in its place was made of.

        Raises:
            Waiting: the tenant's folder or the object store is away.
        """
        found = files.found(event)
        if event.type != UNLABELLED or not found:
            return found
        made_of = [*self._named.sources(event), *[None] * len(found)]
        return tuple(
            item if item.fault or row["sha256"] == source else OutputFact("original_differs")
            for item, row, source in zip(found, rows_to_label(event), made_of, strict=False)
        )

    def labels_clause(self, passage: Passage) -> str | None:
        """The clause of our terms on how we label, by its hash."""
        clauses = self._control.clauses(passage.event.tenant, passage.as_of)
        return None if clauses is None else clauses.labels

    def asks(self, passage: Passage) -> dict[str, Any]:
        """Facts of who asks for a copy without the explicit label, and what our terms say of it."""
        known = passage.verdict("identity") or {"facts": {}}
        clauses = self._control.clauses(passage.event.tenant, passage.as_of)
        return {
            "verified": known["facts"].get("verified") is True,
            "accepted_at": known["facts"].get("accepted_at"),
            "duty_clause": None if clauses is None else clauses.duty,
        }
