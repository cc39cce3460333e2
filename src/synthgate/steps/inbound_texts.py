"""Plain texts from elsewhere: read with the envelope that came beside them, stored under a name of ours."""

import hashlib
from collections.abc import Sequence
from typing import Any

from synthgate.effects.labelled_file import Unlabelled
from synthgate.effects.labelled_text import MEDIA_TYPE, LabelledText
from synthgate.effects.objects import Objects, object_name
from synthgate.effects.taken_in import TakenText, take_in_text
from synthgate.effects.workshop import Outcome
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.obligations.labelling.events import brings_words, declared_of
from synthgate.obligations.labelling.facts import OutputFact
from synthgate.steps.which_label import WhichLabel


class InboundTexts:
    """Texts of a batch are stored in one go."""

    def __init__(self, objects: Objects, which: WhichLabel) -> None:
        self._objects = objects
        self._which = which

    def found(self, passage: Passage) -> tuple[OutputFact, ...]:
        """What a text says of itself; nothing of an event that brings none."""
        if not brings_words(passage.event):
            return ()
        try:
            taken = self._taken(passage)
        except Unlabelled as error:
            return (OutputFact(error.code),)
        return (OutputFact(found=taken.found, signs=taken.signs),)

    def stored(self, passages: Sequence[Passage], log: int) -> dict[Passage, list[Outcome]]:
        """What came of the texts of these passages, which all could be read.

        Raises:
            Waiting: the object store is away.
        """
        done: dict[Passage, list[Outcome]] = {}
        files: dict[str, bytes] = {}
        for passage in passages:
            if brings_words(passage.event):
                outcome, put = self._made(passage, log)
                done[passage] = [outcome]
                files |= put
        conflicts = self._objects.put_all(files)
        for passage, (outcome,) in done.items():
            if outcome.object is not None and _spoilt(outcome.object["name"], conflicts):
                done[passage] = [Outcome("label_unreadable")]
        return done

    def _made(self, passage: Passage, log: int) -> tuple[Outcome, dict[str, bytes]]:
        taken = self._taken(passage)
        if taken.label is not None:
            made = LabelledText.make(log, passage.origin, _text(passage.event), None, taken.label)
            return Outcome(
                None, made.row(), label=taken.label.row(), found=taken.found, signs=taken.signs
            ), made.files()
        data = _text(passage.event).encode("utf-8", "replace")
        row: dict[str, Any] = {
            "name": object_name(log, passage.origin, data), "sha256": hashlib.sha256(data).hexdigest(),
            "media_type": MEDIA_TYPE, "size_bytes": len(data),
        }  # fmt: skip
        return Outcome(None, row), {row["name"]: data}

    def _taken(self, passage: Passage) -> TakenText:
        event = passage.event
        envelope = event.content.get("envelope")
        return take_in_text(
            _text(event), envelope, self._which.first(passage), declared=bool(declared_of(event))
        )


def _text(event: Event) -> str:
    return event.text or ""


def _spoilt(name: str, conflicts: frozenset[str]) -> bool:
    return any(other.startswith(name) for other in conflicts)
