"""Objects of ours that an event names: each as it lies in the store now."""

import hashlib
from collections.abc import Mapping
from typing import Any

from synthgate.effects import text_label
from synthgate.effects.label import LabelError
from synthgate.effects.labelled_file import LabelledFile, read_object
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import LocalObjects
from synthgate.events.event import Event
from synthgate.obligations.labelling.facts import ObjectFact


class NamedObjects:
    """Reads them. producer: our code; sentence: the explicit label as it is configured."""

    def __init__(self, objects: LocalObjects, producer: str, sentence: str) -> None:
        self._objects = objects
        self._producer = producer
        self._sentence = sentence

    def facts(self, event: Event) -> tuple[ObjectFact, ...]:
        """One fact an object, in the order they are named.

        Raises:
            Waiting: the store cannot be read.
        """
        rows = event.content["objects"]
        return tuple(self._fact(event, row, alone=len(rows) == 1) for row in rows)

    def _fact(self, event: Event, row: Mapping[str, Any], *, alone: bool) -> ObjectFact:
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
            same_text=event.text is None or (alone and self._holds(found, event.text)),
        )

    def _holds(self, found: LabelledFile | LabelledText, text: str) -> bool:
        """Whether an object is this text under its sentence, and nothing else."""
        if isinstance(found, LabelledFile):
            return False
        sentence = found.explicit["text"] if found.explicit else self._sentence
        return text_label.carries(found.data.decode("utf-8", "replace"), text, sentence)
