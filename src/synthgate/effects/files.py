"""Files labelled and inspected by their bytes and their names: what the command line does without a chain.

Order: limits, explicit label, implicit label, read back. Nobody's label is written over: a file that carries
another producer's label keeps it, and may have us added as its propagator (Labelling Measures Art. 6).
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import orjson

from synthgate.effects import provider_code, text_label
from synthgate.effects.carriers import catalogue
from synthgate.effects.carriers.carrier import Carrier, CarrierError, Place, Reading
from synthgate.effects.carriers.conclusion import Conclusion, Finding, conclude
from synthgate.effects.explicit import perceived, words
from synthgate.effects.explicit.badge import Corner
from synthgate.effects.explicit.errors import ExplicitError
from synthgate.effects.explicit.speech import Clip
from synthgate.effects.label import Label, LabelError
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import SIDECAR_SUFFIX
from synthgate.effects.provenance import manifest
from synthgate.effects.provenance.signer import Signer

TEXT: Final = "text"
"""Name of the carrier that is none: plain text, its label beside it."""
_PREFIX: Final = "SG1-"
_HASH_BYTES: Final = 20
_WAY_OUT: Final = "; --implicit-only writes the fields alone, for what shows its label beside it"
_NO_WAY_OUT: Final = ("wording", "broken", "signed")
"""Codes of explicit labels: the words or the file itself are wrong."""
SAMPLE_NOTE: Final = "the sample code, of no real provider: not for publication"


class Refused(Exception):
    """A file that is not labelled. ``code``: of the carrier or the explicit label, or one of these.

    name, foreign, mixed, manifest.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Inspected(NamedTuple):
    """What a file says of itself. ``carrier`` None: no format known here."""

    carrier: str | None
    conclusion: Conclusion
    findings: tuple[Finding, ...]
    reading: Reading

    def row(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "carrier": self.carrier,
            "conclusion": self.conclusion.value,
            "places": [
                {"where": place.where, "label": place.label.row() if place.label else None}
                for place in self.reading.places
            ],
            "findings": [finding._asdict() for finding in self.findings],
            "faults": list(self.reading.faults),
            "notes": list(self.reading.notes),
        }


def unread(fault: str) -> dict[str, Any]:
    """The row of a file that could not be read: nothing is said of its label."""
    return {
        "carrier": None, "conclusion": Conclusion.INCONCLUSIVE.value, "places": [], "findings": [],
        "faults": [fault], "notes": [],
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """How to label. ``sentence`` None: no explicit label, it is shown beside the content or there already.

    propagate: on another producer's label, name us as its propagator. signer: of a manifest, put in last.
    clip: spoken, in front of sounds instead of the rhythm.
    """

    code: str
    sentence: str | None = "AI生成"
    corner: Corner = "bottom-right"
    wrapped: bool | None = None
    propagate: bool = False
    signer: Signer | None = None
    clip: Clip | None = None


class Done(NamedTuple):
    """What came of it. ``files``: new bytes by suffix to the name ("": itself); none if all was right."""

    carrier: str
    label: Label
    files: Mapping[str, bytes]
    explicit: Mapping[str, Any] | None
    notes: tuple[str, ...]


def inspect(data: bytes, name: str, sidecar: bytes | None = None, roots: bytes = b"") -> Inspected:
    """Read a file's label. sidecar: the envelope beside it, if there is one (plain text). Never raises.

    roots: PEM, authorities by which its C2PA manifest is trusted.
    """
    try:
        carrier = catalogue.of(data, name)
    except CarrierError as error:
        if catalogue.is_text(data, name):
            return _inspect_text(data, name, sidecar)
        reading = Reading("", faults=(f"{error.code}: {error}",))
        return Inspected(None, Conclusion.INCONCLUSIVE, (), reading)
    reading = carrier.read(data)
    if note := wrong_name(carrier, name):
        reading = Reading(carrier.name, reading.places, reading.faults, (*reading.notes, note))
    conclusion, findings = conclude(reading, carrier.guide)
    if said := tuple(manifest.notes(data, carrier, roots)):
        kept = (note for note in reading.notes if note != "C2PA manifest")
        reading = replace(reading, notes=(*kept, *said))
    return Inspected(carrier.name, conclusion, findings, _with_sample(reading))


def label(data: bytes, name: str, order: Order, sidecar: bytes | None = None) -> Done:
    """Label a file.

    Raises:
        Refused: it cannot be labelled as ordered; nothing is half done.
    """
    try:
        return _label(data, name, order, sidecar)
    except CarrierError as error:
        raise Refused(error.code, str(error)) from None
    except ExplicitError as error:
        way_out = "" if error.code in _NO_WAY_OUT else _WAY_OUT
        raise Refused(error.code, f"{error}{way_out}") from None
    except manifest.ManifestError as error:
        raise Refused("manifest", str(error)) from None


def renamed(done: Done, name: str) -> dict[str, bytes]:
    """The files to be written under a name; an envelope is made for that very name."""
    if done.carrier != TEXT or not done.files:
        return dict(done.files)
    made = LabelledText(name, done.files[""], done.label, done.explicit).files()
    return {"": made[name], SIDECAR_SUFFIX: made[name + SIDECAR_SUFFIX]}


def number(code: str, data: bytes) -> str:
    """The produce id of a file: a hash over its bytes and its producer, so the same file has the same one."""
    act = orjson.dumps(["file", code, hashlib.sha256(data).hexdigest()])
    return _PREFIX + base64.b32encode(hashlib.sha256(act).digest()[:_HASH_BYTES]).decode()


def _label(data: bytes, name: str, order: Order, sidecar: bytes | None) -> Done:
    try:
        carrier = catalogue.of(data, name)
    except CarrierError:
        if not catalogue.is_text(data, name):
            raise
        return _label_text(data, name, order, sidecar)
    if note := wrong_name(carrier, name):
        raise Refused("name", note)
    source, reading = data, carrier.read(data)
    if reading.faults:
        raise Refused("broken", reading.faults[0])
    found = _found(reading)
    ours = _ours(found, data, order)
    right = conclude(reading)[0] is Conclusion.COMPLIANT
    if found == ours and right:
        return Done(carrier.name, ours, {}, None, reading.notes)
    explicit = None
    if found is None and order.sentence is not None:
        data, explicit = perceived.put(carrier, data, order.sentence, order.corner, order.clip)
    made = carrier.write(data, ours, wrapped=order.wrapped)
    if found is None and order.signer is not None:
        made = manifest.put(made, carrier, ours, order.signer, source)
    return Done(carrier.name, ours, {"": made}, explicit, reading.notes)


def _found(reading: Reading) -> Label | None:
    """The one label a file carries, be it in several places."""
    if any(place.label is None for place in reading.places):
        raise Refused(
            "mixed", "something stands under the label's name that is none; inspect it first"
        )
    labels = set(reading.labels)
    if len(labels) > 1:
        raise Refused("mixed", f"{len(labels)} different labels; which one holds a person must say")
    return next(iter(labels), None)


def _ours(found: Label | None, data: bytes, order: Order) -> Label:
    """The label to be written."""
    if found is None:
        return Label.first(order.code, number(order.code, data))
    if order.code in (found.content_producer, found.content_propagator):
        return found
    if not order.propagate:
        raise Refused(
            "foreign",
            f"it carries the label of {found.content_producer[:64]}, which nobody may replace (Labelling"
            " Measures Art. 10); --propagate adds you as its propagator",
        )
    return Label(
        found.label, found.content_producer, found.produce_id, found.reserved_code_1,
        order.code, number(order.code, data), "",
    )  # fmt: skip


def _label_text(data: bytes, name: str, order: Order, sidecar: bytes | None) -> Done:
    inspected = _inspect_text(data, name, sidecar)
    if inspected.conclusion is Conclusion.INCONCLUSIVE:
        raise Refused("broken", inspected.reading.faults[0])
    found = _found(inspected.reading)
    ours = _ours(found, data, order)
    if found == ours:
        return Done(TEXT, ours, {}, None, ())
    text, explicit = data.decode(), None
    if found is None and order.sentence is not None:
        words.check(order.sentence)
        text, place = text_label.put(text, order.sentence)
        explicit = {"text": order.sentence, **place._asdict()}
    made = LabelledText(name, text.encode(), ours, explicit).files()
    return Done(
        TEXT, ours, {"": made[name], SIDECAR_SUFFIX: made[name + SIDECAR_SUFFIX]}, explicit, ()
    )


class _Beside:
    """A file and its envelope as the store they would lie in."""

    def __init__(self, name: str, data: bytes, sidecar: bytes | None) -> None:
        self._held = {name: data, name + SIDECAR_SUFFIX: sidecar}

    def get(self, name: str) -> bytes | None:
        """The bytes of an object, or None."""
        return self._held.get(name)


def _inspect_text(data: bytes, name: str, sidecar: bytes | None) -> Inspected:
    places: tuple[Place, ...] = ()
    faults: tuple[str, ...] = ()
    try:
        name = _name_in_store(name, sidecar)
        found = LabelledText.read(_Beside(name, data, sidecar), name)
        if found is not None:
            places = (Place(f"sidecar {SIDECAR_SUFFIX}", found.label),)
    except (LabelError, ValueError) as error:
        faults = (f"sidecar: {error}",)
    reading = Reading(TEXT, places, faults)
    conclusion, findings = conclude(reading)
    return Inspected(TEXT, conclusion, findings, _with_sample(reading))


def _name_in_store(name: str, sidecar: bytes | None) -> str:
    """What a chain calls this file: its envelope says so, with the folder of the log before the name."""
    try:
        told = json.loads(sidecar or b"")["object"]["name"]
        return str(told) if told.rpartition("/")[2] == name else name
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return name


def _with_sample(reading: Reading) -> Reading:
    """The reading with a note if the sample's name stands in a label."""
    named = (
        code
        for label in reading.labels
        for code in (label.content_producer, label.content_propagator)
    )
    if not any(provider_code.is_sample(code) for code in named):
        return reading
    return replace(reading, notes=(*reading.notes, SAMPLE_NOTE))


def wrong_name(carrier: Carrier, name: str) -> str | None:
    """What is wrong with a file's name, given what it is; None if nothing is."""
    if name.lower().endswith(carrier.suffixes):
        return None
    suffix = "." + name.rpartition(".")[2] if "." in name else "no suffix"
    return f"it is {carrier.name} ({', '.join(carrier.suffixes)}) and is named {suffix[:20]}"
