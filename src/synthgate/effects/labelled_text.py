"""A labelled text as it lies in the store: the text itself, and beside it the envelope with its label.

Plain text has no header to carry the seven fields, so they travel in an envelope (DSP 16):
``<name>.aigc.json``, ``{"AIGC":{seven fields},"object":{…},"explicit":{…}|null}``. Both are read back before
anything is released.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import orjson

from synthgate.effects import text_label
from synthgate.effects.label import LABEL_BYTES_MAX, Label, LabelError
from synthgate.effects.objects import SIDECAR_SUFFIX, object_name
from synthgate.events.origin import Origin

MEDIA_TYPE: Final = "text/plain; charset=utf-8"


class Held(Protocol):
    """Where a text and its envelope are kept."""

    def get(self, name: str) -> bytes | None:
        """The bytes of a name, or None if there are none."""


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One labelled object. ``explicit``: text, place, start and end, or None if the text carries none."""

    name: str
    data: bytes
    label: Label
    explicit: Mapping[str, Any] | None

    @classmethod
    def make(cls, log: int, origin: Origin, text: str, sentence: str | None, label: Label) -> Self:
        """Label a text. ``sentence`` None: a later part of a stream, whose first part carries it."""
        explicit = None
        if sentence is not None:
            text, place = text_label.put(text, sentence)
            explicit = {"text": sentence, **place._asdict()}
        data = text.encode("utf-8", "replace")
        return cls(object_name(log, origin, data), data, label, explicit)

    @classmethod
    def read(cls, store: Held, name: str) -> Self | None:
        """Read an object and its envelope back; None if either is missing.

        Raises:
            LabelError: the envelope is none, is of another object, or claims words the text does not hold.
            Waiting: the store cannot be read.
        """
        data = store.get(name)
        sidecar = store.get(name + SIDECAR_SUFFIX)
        if data is None or sidecar is None:
            return None
        label = Label.read(sidecar)
        envelope = json.loads(sidecar)
        explicit = envelope.get("explicit")
        if not (explicit is None or isinstance(explicit, dict)):
            raise LabelError("explicit is no object")
        found = cls(name, data, label, explicit)
        if envelope.get("object") != found.row():
            raise LabelError("the envelope is of another object")
        if found.explicit is not None and not found._stands_there(found.explicit):
            raise LabelError("the text does not hold the label its envelope claims")
        return found

    def row(self) -> dict[str, Any]:
        """The object as decisions name it."""
        return {
            "name": self.name,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "media_type": MEDIA_TYPE,
            "size_bytes": len(self.data),
        }

    def files(self) -> dict[str, bytes]:
        """What is put into the store: the text and its envelope."""
        envelope = orjson.dumps(
            {"AIGC": self.label.row(), "object": self.row(), "explicit": self.explicit}
        )
        if len(envelope) > LABEL_BYTES_MAX:
            raise LabelError(f"the envelope is longer than {LABEL_BYTES_MAX} bytes")
        return {self.name: self.data, self.name + SIDECAR_SUFFIX: envelope}

    def _stands_there(self, explicit: Mapping[str, Any]) -> bool:
        sentence = explicit.get("text")
        if not isinstance(sentence, str) or not text_label.valid(sentence):
            return False
        place = (explicit.get("place"), explicit.get("start"), explicit.get("end"))
        return place in text_label.read(self.data.decode("utf-8", "replace"), sentence)
