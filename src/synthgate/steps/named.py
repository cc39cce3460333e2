"""Objects of ours that an event names: each as it lies in the store now."""

import hashlib
from collections.abc import Mapping
from typing import Any

from synthgate.effects import text_label
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_file import LabelledFile, read_object
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import Objects
from synthgate.events.event import Event
from synthgate.obligations.labelling.events import TRANSFORMED, rows_of_ours
from synthgate.obligations.labelling.facts import ObjectFact


class NamedObjects:
    """Reads them. producer: our code; sentence: the explicit label as it is configured."""

    def __init__(self, objects: Objects, producer: str, sentence: str) -> None:
        self._objects = objects
        self._producer = producer
        self._sentence = sentence

    def facts(self, event: Event) -> tuple[ObjectFact, ...]:
        """One fact an object, in the order they are named.

        Raises:
            Waiting: the store cannot be read.
        """
        rows = rows_of_ours(event)
        text = None if event.type == TRANSFORMED else event.text
        return tuple(self._fact(row, text, alone=len(rows) == 1) for row in rows)

    def labels(self, event: Event) -> list[Label]:
        """The label of each, once the facts said that all are there and rightly labelled."""
        found = [read_object(self._objects, row["name"]) for row in rows_of_ours(event)]
        return [item.label for item in found if item is not None]

    def sources(self, event: Event) -> list[str | None]:
        """Hash of the file each was made of; None of a text, or if nobody can say."""
        return [self._source(row["name"]) for row in rows_of_ours(event)]

    def _source(self, name: str) -> str | None:
        try:
            found = read_object(self._objects, name)
        except LabelError:
            return None
        return found.source if isinstance(found, LabelledFile) else None

    def _fact(self, row: Mapping[str, Any], text: str | None, *, alone: bool) -> ObjectFact:
        try:
            found = read_object(self._objects, row["name"])
        except LabelError:
            return ObjectFact(stored=True, faults=("envelope",), explicit=False)
        if found is None or hashlib.sha256(found.data).hexdigest() != row["sha256"]:
            return ObjectFact(stored=False)
        return ObjectFact(
            stored=True,
            faults=found.label.faults(),
            first_write=found.label.is_first_write(),
            producer_ours=found.label.content_producer == self._producer,
            explicit=found.explicit is not None,
            same_text=text is None or (alone and self._holds(found, text)),
        )

    def _holds(self, found: LabelledFile | LabelledText, text: str) -> bool:
        """Whether an object is this text under its sentence, and nothing else."""
        if isinstance(found, LabelledFile):
            return False
        sentence = found.explicit["text"] if found.explicit else self._sentence
        return text_label.carries(found.data.decode("utf-8", "replace"), text, sentence)
