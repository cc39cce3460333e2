"""What labelling decides on: files an event brings, objects of ours it names, how to label."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self


@dataclass(frozen=True, slots=True)
class OutputFact:
    """A file the event brings. fault: why it cannot be had or labelled (a reason code), None if it can.

    unshown: why people do not perceive a label in it, None if they do or nobody has tried yet. found, signs: of
    what came from elsewhere, the value of the label it came with, and whether it bears traces of generation.
    kept: how a file made of a labelled one carried its label: kept | missing | altered.
    """

    fault: str | None = None
    unshown: str | None = None
    found: str | None = None
    signs: bool = False
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectFact:
    """An object the event names, as it lies in the store.

    stored: it is there, with the hash named and an envelope. faults: fields of its label that break Annex E,
    or ``envelope`` if that cannot be read. explicit: it begins with a label people can see.
    same_text: it holds the text the event gives, and nothing else; true if the event gives none.
    """

    stored: bool
    faults: tuple[str, ...] = ()
    first_write: bool = True
    producer_ours: bool = True
    explicit: bool = True
    same_text: bool = True


@dataclass(frozen=True, slots=True)
class LabellingFacts:
    """What the label rests on. No content.

    upstream: refuse | hold, if a duty before said so; held: the kind of hold. provider: fault code of the
    configured provider code, None if it is good. faults, first_write: of the label to be written.
    interface_label: the interface shows the label, by the contract ``interface`` (surface and version) in force
    and rightly worded; interface_fault: why it does not, though the template says so (a reason code).
    stream_labelled: the first part of this stream carried the sentence. readback_ok: what was written was read
    back the same; false only in a verdict given after carrying out. verified: the real
    identity of whoever asks is known. labels_clause, duty_clause: hashes of the clauses of the terms in force
    on how we label, and on what a user owes who takes a copy without the explicit label; accepted_at: when the
    user accepted these terms, Unix ms. prompt: the contract by which the app shows what this event calls for
    beside the label (start frame, offer, declaration); prompt_fault: why none counts (a reason code).
    """

    upstream: str | None = None
    held: str | None = None
    registered: bool = False
    a17_item: int | None = None
    interface_label: bool = False
    provider: str | None = None
    sentence: str = ""
    sentence_valid: bool = False
    text: bool = False
    faults: tuple[str, ...] = ()
    first_write: bool = True
    segment: int | None = None
    stream_labelled: bool = False
    objects: tuple[ObjectFact, ...] = ()
    readback_ok: bool = True
    outputs: tuple[OutputFact, ...] = ()
    interface: str | None = None
    interface_fault: str | None = None
    verified: bool = False
    labels_clause: str | None = None
    duty_clause: str | None = None
    accepted_at: int | None = None
    prompt: str | None = None
    prompt_fault: str | None = None

    def row(self) -> dict[str, Any]:
        """As recorded in the verdict."""
        row = {name: getattr(self, name) for name in _FIELDS}
        if self.objects:
            row["objects"] = [asdict(item) for item in self.objects]
        row["outputs"] = [asdict(item) for item in self.outputs]
        return row

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the verdict, for replay."""
        values = dict(row)
        values["faults"] = tuple(row["faults"])
        values["objects"] = tuple(
            ObjectFact(**{**item, "faults": tuple(item["faults"])}) for item in row["objects"]
        )
        values["outputs"] = tuple(OutputFact(**item) for item in row.get("outputs", ()))
        return cls(**values)


_FIELDS: Final = tuple(item.name for item in fields(LabellingFacts))
