"""What all carriers have in common: read what is there, write exactly one label, read it back.

A carrier works on bytes and never decodes pixels or samples: what is not metadata is copied as it is. Its
``parse`` and ``rewrite`` may raise ``CarrierError`` and nothing else; ``read`` turns whatever is raised into
a fault, because a file that could not be read whole is never "without a label".
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from synthgate.effects.label import Label, LabelError

KEY: Final = "AIGC"
"""Annex E a: the name of the field, or of what holds it, contains this."""
VALUE_BYTES_MAX: Final = 64 * 1024
"""More than any label (8 KiB) with room for a wrapper; longer values are named and not read."""
TRAILING: Final = "bytes after the end of the file's format"


class CarrierError(Exception):
    """A file that cannot be read whole, or cannot be given a label.

    ``code``: broken, truncated, too_much, encrypted, signed, no_room, unsupported, label, readback.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Place(NamedTuple):
    """One place where a label stands, or something under its name that is none.

    proper: the place the practice guides name for this format. fault: why it is no label.
    """

    where: str
    label: Label | None
    proper: bool = True
    fault: str | None = None


class Parsed(NamedTuple):
    """What a parser saw. notes: what a reader should know and is no error (foreign provenance, trailers)."""

    places: list[Place]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says of itself. faults: what could not be read; with any, nothing is sure."""

    carrier: str
    places: tuple[Place, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels found, in the order of their places."""
        return tuple(place.label for place in self.places if place.label is not None)


@dataclass(frozen=True, slots=True)
class Carrier:
    """One format. guide: the practice guide that names its place. rewrite: file and value to file.

    claims: whether bytes begin like this format. suffixes: the first is the usual one.
    """

    name: str
    medium: str
    media_type: str
    suffixes: tuple[str, ...]
    place: str
    guide: str
    claims: Callable[[bytes], bool]
    parse: Callable[[bytes], Parsed]
    rewrite: Callable[[bytes, bytes], bytes]
    wraps: bool = False

    def read(self, data: bytes) -> Reading:
        """Everything under the label's name, wherever it stands. Never raises."""
        try:
            places, notes = self.parse(data)
        except CarrierError as error:
            return Reading(self.name, faults=(f"{error.code}: {error}",))
        except Exception as error:  # noqa: BLE001 (any error of a parser means: not read)
            return Reading(self.name, faults=(f"parser: {type(error).__name__}",))
        return Reading(self.name, tuple(places), (), tuple(notes))

    def write(self, data: bytes, label: Label, *, wrapped: bool | None = None) -> bytes:
        """The file with this label and no other, read back. wrapped: ``{"AIGC":{…}}`` instead of bare.

        Raises:
            CarrierError: the label breaks Annex E, the file cannot carry it, or it reads back otherwise.
        """
        if faults := label.faults():
            raise CarrierError("label", f"the label breaks Annex E in {', '.join(faults)}")
        wrapped = self.wraps if wrapped is None else wrapped
        value = label.wrapped() if wrapped else label.bare()
        try:
            self.parse(data)  # what cannot be read whole is not written to
            made = self.rewrite(data, value)
        except CarrierError:
            raise
        except Exception as error:
            raise CarrierError("broken", f"the parser failed: {type(error).__name__}") from error
        again = self.read(made)
        if again.faults or again.labels != (label,) or len(again.places) != 1:
            raise CarrierError("readback", f"written and not read back as one label: {again}")
        if not again.places[0].proper:
            raise CarrierError("readback", f"the label stands in {again.places[0].where}")
        return made


def place(where: str, value: bytes | str, *, proper: bool = True) -> Place:
    """A place from the value that stands there."""
    raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
    try:
        return Place(where, Label.read(raw), proper)
    except LabelError as error:
        return Place(where, None, proper, str(error))


def trailing(data: bytes, end: int, parsed: Parsed) -> None:
    """Note what follows the end of the format.

    Raises:
        CarrierError: the label's name stands in it, where no reader of this format looks.
    """
    count = len(data) - end
    if count <= 0:
        return
    if data.find(KEY.encode(), end) >= 0:
        raise CarrierError("broken", f"{count} {TRAILING}, with the label's name among them")
    parsed.notes.append(f"{count} {TRAILING}")
