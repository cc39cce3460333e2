"""A labelled file as it lies in the store: its label in its bytes, beside it what people perceive of it.

The note ``<name>.shown.json``, ``{"object":{…},"explicit":{…}|null,"source":SHA-256}``, is ours and no label:
where the mark stands in picture, sound or film cannot be read off the bytes later, and an export must know if
there is one; and that a file is what an object was made of is known by its hash alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson

from synthgate.effects import files
from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import Carrier, CarrierError
from synthgate.effects.explicit import perceived
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.speech import Clip
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_text import Held, LabelledText
from synthgate.effects.objects import NOTE_SUFFIX, TEXT_SUFFIX, object_name
from synthgate.events.origin import Origin

_NOTE_BYTES_MAX: Final = 8_192
MEDIA: Final[Mapping[str, tuple[str, ...]]] = {
    "image": ("image",), "audio": ("audio",), "video": ("video",), "text": ("text",), "other": ("text",),
}  # fmt: skip
"""Medium of an event to the media of carriers its files may be; a document is text, or other."""
_TYPES: Final = {".webm": "video/webm", ".mka": "audio/x-matroska", ".apng": "image/apng"}
"""Media types of names that say more than their format."""
BROKEN: Final = {
    "broken": "file_broken", "truncated": "file_broken", "too_much": "file_too_large",
    "signed": "file_closed", "encrypted": "file_closed", "readback": "label_unreadable",
}  # fmt: skip
"""Code of a carrier or an explicit label to that of a file nothing can be done with."""
_UNSHOWN: Final = {
    "too_small": "label_too_small", "program": "label_program_missing", "wording": "label_sentence_invalid",
    "readback": "label_unreadable", "unsupported": "label_unplaceable", "signed": "file_closed",
}  # fmt: skip
"""Code of an explicit label to why a file has none: it may still be shown where the file is played."""
KEPT: Final = "kept"
MISSING: Final = "missing"
ALTERED: Final = "altered"


class Unlabelled(Exception):
    """A file that cannot be labelled. ``code`` is a reason code (law/reasons.toml)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Marked:
    """A file with its labels. unshown: why it has none people perceive; None if it has one."""

    data: bytes
    media_type: str
    suffix: str
    explicit: Mapping[str, Any] | None
    unshown: str | None


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """One labelled object that is no text. ``explicit``: what people perceive, or None.

    source: SHA-256 of the file it was made of; None of objects that were made before this was noted.
    """

    name: str
    data: bytes
    label: Label
    explicit: Mapping[str, Any] | None
    media_type: str
    source: str | None

    @classmethod
    def make(
        cls, log: int, origin: Origin, marked: Marked, label: Label, source: str | None
    ) -> Self:
        """Give a file its name in the store."""
        name = object_name(log, origin, marked.data, marked.suffix)
        return cls(name, marked.data, label, marked.explicit, marked.media_type, source)

    @classmethod
    def read(cls, store: Held, name: str) -> Self | None:
        """Read an object and its note back; None if either is missing.

        Raises:
            LabelError: it does not carry exactly one label, or the note is none or of another object.
            Waiting: the store cannot be read.
        """
        data, note = store.get(name), store.get(name + NOTE_SUFFIX)
        if data is None or note is None:
            return None
        try:
            carrier = catalogue.of(data, name)
        except CarrierError as error:
            raise LabelError(str(error)) from None
        reading = carrier.read(data)
        if reading.faults or len(reading.places) != 1 or len(reading.labels) != 1:
            raise LabelError(f"{len(reading.labels)} labels in {len(reading.places)} places")
        row = _note(note)
        media_type = media_type_of(carrier, name)
        source = row.get("source")
        found = cls(name, data, reading.labels[0], row["explicit"], media_type, source)
        if row["object"] != found.row():
            raise LabelError("the note is of another object")
        return found

    def row(self) -> dict[str, Any]:
        """The object as decisions name it."""
        return {
            "name": self.name,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "media_type": self.media_type,
            "size_bytes": len(self.data),
        }

    def files(self) -> dict[str, bytes]:
        """What is put into the store: the file and its note."""
        note = orjson.dumps(
            {"object": self.row(), "explicit": self.explicit, "source": self.source}
        )
        return {self.name: self.data, self.name + NOTE_SUFFIX: note}


def read_object(store: Held, name: str) -> "LabelledFile | LabelledText | None":
    """A labelled object of ours, be it a text or a file. Raises as their ``read``."""
    kind = LabelledText if name.endswith(TEXT_SUFFIX) else LabelledFile
    return kind.read(store, name)


def mark(
    data: bytes,
    name: str,
    medium: str,
    sentence: str | None,
    label: Label,
    *,
    restores: bool = False,
    clip: Clip | None = None,
) -> Marked:
    """Put both labels into a generated file: what people perceive, then the seven fields, read back.

    medium: of the event. sentence: None for a copy that people perceive no label in (LBL 9). A label of our own
    that is there already gives way; anybody else's stays, and the file is refused; so is one that cannot be
    read, unless this restores it. clip: spoken, in front of sounds instead of the rhythm.

    Raises:
        Unlabelled: it cannot be labelled.
    """
    carrier = carrier_of(data, name, medium)
    reading = carrier.read(data)
    if reading.faults:
        raise Unlabelled("file_broken")
    ours = (label.content_producer, label.content_propagator)
    if any(
        not restores if place.label is None else place.label.content_producer not in ours
        for place in reading.places
    ):
        raise Unlabelled("label_foreign")
    explicit, unshown = None, None
    try:
        if sentence is not None:
            data, explicit = perceived.put(carrier, data, sentence, clip=clip)
    except (CarrierError, ExplicitError) as error:
        unshown = _UNSHOWN.get(error.code)
        if unshown is None:
            raise Unlabelled(BROKEN.get(error.code, "file_broken")) from None
    try:
        made = carrier.write(data, label)
    except CarrierError as error:
        raise Unlabelled(BROKEN.get(error.code, "file_broken")) from None
    suffix = next(end for end in carrier.suffixes if name.lower().endswith(end))
    return Marked(made, media_type_of(carrier, name), suffix, explicit, unshown)


def held_against(data: bytes, name: str, medium: str, parent: Label) -> str:
    """How a file made of a labelled one carries its label: kept | missing | altered (DSP 18).

    Raises:
        Unlabelled: it cannot be read whole.
    """
    reading = carrier_of(data, name, medium).read(data)
    if reading.faults:
        raise Unlabelled("file_broken")
    if not reading.places:
        return MISSING
    return KEPT if {place.label for place in reading.places} == {parent} else ALTERED


def carrier_of(data: bytes, name: str, medium: str) -> Carrier:
    """The format of a file, which must be what its name and the event say.

    Raises:
        Unlabelled: it is not, or the format is unknown here.
    """
    try:
        carrier = catalogue.of(data, name)
    except CarrierError:
        raise Unlabelled("file_unsupported") from None
    if carrier.medium not in MEDIA.get(medium, ()) or files.wrong_name(carrier, name):
        raise Unlabelled("file_mismatch")
    return carrier


def media_type_of(carrier: Carrier, name: str) -> str:
    """The media type of a file of that format and name."""
    at = name.rfind(".")
    return _TYPES.get(name[at:].lower() if at >= 0 else "", carrier.media_type)


def _note(data: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(data) if len(data) <= _NOTE_BYTES_MAX else None
    except ValueError:
        row = None
    if not (
        isinstance(row, dict)
        and row.keys() - {"source"} == {"object", "explicit"}
        and isinstance(row["explicit"], dict | None)
        and isinstance(row.get("source"), str | None)
    ):
        raise LabelError("the note beside the object is none")
    return row
