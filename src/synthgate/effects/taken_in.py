"""Content that came from elsewhere: what its file says of itself, and the propagator's fields (LBL 6).

Nobody's label is written over: a label that is there keeps its producer and its number and has us added as its
propagator. One that was tampered with is not mended by guessing.
"""

import hashlib
import json
from typing import Final, NamedTuple

from synthgate.effects import text_label
from synthgate.effects.carriers.carrier import CarrierError, Reading
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_file import BROKEN, Marked, Unlabelled, carrier_of, media_type_of
from synthgate.effects.provenance import manifest

POSSIBLE: Final = "2"
SUSPECTED: Final = "3"
"""Values of the field Label (Annex E) for what a user declared, and for what shows signs."""
_SIGNS: Final = (
    "XMP says trained algorithmic media", "a generator's metadata: ", manifest.SAYS_GENERATED,
)  # fmt: skip
"""How notes of a reader begin that speak of generation; a C2PA manifest alone does not: cameras write them."""


class Taken(NamedTuple):
    """A file with the propagator's fields, if any are due. found: value of the label it came with.

    signs: it bears traces of generation. label: what was written; None if nothing says that it is generated.
    """

    marked: Marked
    found: str | None
    signs: bool
    label: Label | None


def take_in(data: bytes, name: str, medium: str, ours: Label, *, declared: bool) -> Taken:
    """Read a file and add what a propagator adds. ours: a first label with our code and number.

    Raises:
        Unlabelled: it cannot be read whole or labelled, or its label was tampered with.
    """
    carrier = carrier_of(data, name, medium)
    reading = carrier.read(data)
    if reading.faults:
        raise Unlabelled("file_broken")
    found = _found(reading)
    said = (*reading.notes, *manifest.notes(data, carrier))
    signs = any(note.startswith(_SIGNS) for note in said)
    label = _label(found, ours, declared=declared, signs=signs)
    made = data
    if label is not None:
        try:
            made = carrier.write(data, label)
        except CarrierError as error:
            raise Unlabelled(BROKEN.get(error.code, "file_broken")) from None
    suffix = next(end for end in carrier.suffixes if name.lower().endswith(end))
    marked = Marked(made, media_type_of(carrier, name), suffix, None, None)
    return Taken(marked, None if found is None else found.label, signs, label)


class TakenText(NamedTuple):
    """A plain text, as ``Taken`` is a file: its label lies beside it."""

    found: str | None
    signs: bool
    label: Label | None


def take_in_text(text: str, envelope: str | None, ours: Label, *, declared: bool) -> TakenText:
    """Read a text and the envelope that came with it. An explicit label in its words is a trace (LBL 6(3)).

    Raises:
        Unlabelled: the envelope is none, is of another text, or its label was tampered with.
    """
    found = None if envelope is None else _enveloped(text, envelope.encode())
    signs = any(text_label.is_label(line) for line in _edges(text))
    label = _label(found, ours, declared=declared, signs=signs)
    return TakenText(None if found is None else found.label, signs, label)


def _enveloped(text: str, envelope: bytes) -> Label:
    try:
        found = Label.read(envelope)
        row = json.loads(envelope)
    except LabelError:
        raise Unlabelled("label_altered") from None
    about = row.get("object")
    named = about.get("sha256") if isinstance(about, dict) else None
    if named != hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() or found.faults():
        raise Unlabelled("label_altered")
    return found


def _edges(text: str) -> tuple[str, ...]:
    """Its first and its last line that is not blank: where a text's label stands (GB 45438 5.1)."""
    lines = [line for line in text.splitlines() if line.strip()]
    return (lines[0], lines[-1]) if lines else ()


def _found(reading: Reading) -> Label | None:
    """The one label of a file, right in all its fields; None if there is none."""
    if any(place.label is None for place in reading.places) or len(set(reading.labels)) > 1:
        raise Unlabelled("label_altered")
    found = next(iter(reading.labels), None)
    if found is not None and found.faults():
        raise Unlabelled("label_altered")
    return found


def _label(found: Label | None, ours: Label, *, declared: bool, signs: bool) -> Label | None:
    if found is not None:
        value = POSSIBLE if declared and found.label == SUSPECTED else found.label
        return Label(
            value, found.content_producer, found.produce_id, found.reserved_code_1,
            ours.content_propagator, ours.propagate_id, "",
        )  # fmt: skip
    if not declared and not signs:
        return None
    value = POSSIBLE if declared else SUSPECTED
    return Label(
        value, ours.content_producer, ours.produce_id, "", ours.content_propagator, ours.propagate_id, "",
    )  # fmt: skip
