"""Labelling: what was generated says so, to people in words and to machines in seven fields.

Law        DSP Art. 16-18; Labelling Measures Art. 4-6, 10; GB 45438-2025 5, 6, Annex E; TC260-PG-20252A
Rules      DSP-16-1 a file carries the label   DSP-16-2 so does content that has no file
           DSP-16-3 content is found by its number   DSP-17-1 people can see it in text, 17-2 hear it in sound,
           17-3 see it in pictures, 17-4 in film, 17-6 in what else there is
           LBL-4-7 an exported file shows it   GB-E-1 the seven fields are right   GB-E-2 there is one label
           DSP-18-1 no label is tampered with   LBL-6-1 what says it is generated is marked as such
           LBL-6-2 so is what its user declares   LBL-6-3 and what bears traces
           GB-E-3 the first write names its producer twice   GB-E-4 the provider code is valid and our own
Hears      generation.completed, generation.segment, asset.exported, content.published, content.ingested
Facts      what the duties before said, the template, our provider code, objects of ours that are named,
           files the event brings and what came of labelling them
Remembers  nothing (that a stream has begun with its label is read in the object store)
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, Self

from synthgate.events.event import Event
from synthgate.events.verdicts import Hold, Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.step import Obligation

NAME: Final = "labelling"
LABELLED_TYPES: Final = (
    "generation.completed", "generation.segment", "asset.exported", "content.published",
    "content.ingested",
)  # fmt: skip
"""Events this duty can label."""
FROM_STORE: Final = ("asset.exported", "content.published")
"""Events that may name labelled objects of ours instead of repeating their text."""
INGESTED: Final = "content.ingested"
"""The event that brings content from elsewhere."""
FILES_FROM: Final = ("generation.completed", "generation.segment", INGESTED)
"""Events whose objects are not ours yet: output of a model, or taken in from elsewhere."""
LABELLED_MEDIA: Final = ("text", "image", "audio", "video", "other")
SHOWN: Final[Mapping[str, str]] = {
    "text": "DSP-17-1", "audio": "DSP-17-2", "image": "DSP-17-3", "video": "DSP-17-4",
}  # fmt: skip
"""Medium to the rule by which people must perceive the label; for any other it is ``SHOWN_ELSE``."""
SHOWN_ELSE: Final = "DSP-17-6"
FAULTS: Final[Mapping[str, str]] = {
    "label_foreign": "GB-E-2", "label_altered": "DSP-18-1", "source_unlisted": "HOUSE-not_configured",
}  # fmt: skip
"""Code of a file's fault to its rule; for any other it is that of whoever must read and label it."""


@dataclass(frozen=True, slots=True)
class OutputFact:
    """A file the event brings. fault: why it cannot be had or labelled (a reason code), None if it can.

    unshown: why people do not perceive a label in it, None if they do or nobody has tried yet. found, signs: of
    what came from elsewhere, the value of the label it came with, and whether it bears traces of generation.
    """

    fault: str | None = None
    unshown: str | None = None
    found: str | None = None
    signs: bool = False


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
    back the same; false only in a verdict given after carrying out.
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


def decide(event: Event, facts: LabellingFacts, law: Law, as_of: int) -> Verdict:
    """Pass if everything that will be delivered carries, or can be given, a right label; else say why not.

    Pure and total. What a duty before refused or holds is not labelled: refused or held here too.
    """
    cell = law.cell(event.type, event.role, event.medium, NAME)
    if not cell.applies:
        return Verdict(NAME, Outcome.NOT_APPLICABLE, (), facts.row(), cell=cell.id)
    held = facts.upstream == "hold"
    before = law.fault("HOUSE-upstream", "upstream_held" if held else "upstream_refused")
    if held and before:
        hold = Hold.RETRY if facts.held == Hold.RETRY.value else Hold.REVIEW
        return Verdict(NAME, Outcome.HOLD, before, facts.row(), hold=hold)
    if facts.upstream is not None and before:
        return Verdict(NAME, Outcome.REFUSE, before, facts.row())
    if event.type == INGESTED:
        about = _ingested(event, facts, law)
    else:
        about = (_objects if names_objects(event) else _own)(event, facts, law)
    reasons = (
        *_configured(event, facts, law),
        *about,
        *_read_back(facts, law),
    )
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict(NAME, outcome, reasons, facts.row())


def names_objects(event: Event) -> bool:
    """Whether the event delivers objects labelled before, rather than a text to be labelled now."""
    return event.type in FROM_STORE and bool(event.content.get("objects"))


def brings_files(event: Event) -> bool:
    """Whether the event brings files that are to be labelled now."""
    return event.type in FILES_FROM and bool(event.content.get("objects"))


def declared_of(event: Event) -> bool | None:
    """Whether its user says that what an event brings is generated; None if it is output of a model."""
    return event.data.get("declared_ai") is True if event.type == INGESTED else None


def _configured(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """GB-E-4 and house policy: without a code of our own, a template and a labeller nothing is labelled."""
    if event.type not in LABELLED_TYPES or event.medium not in LABELLED_MEDIA:
        yield from law.fault("HOUSE-not_configured", "no_labeller", "/generation/medium")
    if not facts.registered:
        yield from law.fault(
            "HOUSE-not_configured", "template_unregistered", "/generation/template"
        )
    if facts.provider is not None:
        yield from law.fault("GB-E-4", facts.provider, "setting:provider_code")


def _own(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """A text or files to be labelled now."""
    if event.medium != "text" and not facts.outputs:
        yield from law.fault("DSP-16-1", "nothing_to_label", "/content/objects")
    elif not facts.text and not facts.outputs:
        yield from law.fault("DSP-16-2", "nothing_to_label", "/content/text")
    yield from _outputs(event, facts, law)
    for name in facts.faults:
        yield from law.fault("GB-E-1", "label_invalid", f"field:{name}")
    if not facts.first_write:
        yield from law.fault("GB-E-3", "propagator_differs")
    if not _says_both(facts, law):
        yield from law.fault(_shown(event), "label_sentence_invalid", "setting:label_text")
    later = facts.segment is not None and facts.segment > 0
    if later and _must_show(facts) and not facts.stream_labelled:
        yield from law.fault("DSP-17-1", _missing(facts), "/generation/segment")


def _outputs(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Files brought: each can be had and carries what it must, and people perceive it or are told beside it."""
    taken_in = event.type == INGESTED
    for number, item in enumerate(facts.outputs):
        where = f"/content/objects/{number}"
        if item.fault is not None:
            rule = FAULTS.get(item.fault, "LBL-6-1" if taken_in else "DSP-16-1")
            yield from law.fault(rule, item.fault, where)
        elif taken_in and not facts.interface_label:
            for owed in _prompted(event, item):
                yield from law.fault(owed, facts.interface_fault or "notice_missing", where)
        elif item.unshown is not None and _must_show(facts):
            yield from law.fault(_shown(event), facts.interface_fault or item.unshown, where)


def _ingested(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Files from elsewhere."""
    if not facts.outputs:
        yield from law.fault("HOUSE-not_configured", "no_labeller", "/content/objects")
    yield from _outputs(event, facts, law)


def _prompted(event: Event, item: OutputFact) -> Iterator[str]:
    """The rule by which people must be told what a file is; none if nothing says that it is generated."""
    if item.found is not None:
        yield "LBL-6-1"
    elif declared_of(event):
        yield "LBL-6-2"
    elif item.signs:
        yield "LBL-6-3"


def _objects(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Objects labelled before: each must be ours, unchanged, rightly labelled, and what was reviewed."""
    for number, item in enumerate(facts.objects):
        where = f"object:{number}"
        if not item.stored:
            yield from law.fault("DSP-16-3", "object_missing", where)
            continue
        for name in item.faults:
            yield from law.fault("GB-E-1", "label_invalid", f"{where} {name}")
        if not item.first_write:
            yield from law.fault("GB-E-3", "propagator_differs", where)
        if not item.producer_ours:
            yield from law.fault("GB-E-4", "producer_differs", where)
        if not item.same_text:
            yield from law.fault("DSP-10-2", "object_differs", where)
        if not item.explicit and facts.a17_item is not None and event.type == "asset.exported":
            yield from law.fault("LBL-4-7", "label_missing", where)
        elif not item.explicit and _must_show(facts):
            yield from law.fault(_shown(event), _missing(facts), where)


def _read_back(facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """DSP-16-2: what cannot be read back does not travel with the content."""
    if not facts.readback_ok:
        yield from law.fault("DSP-16-2", "label_unreadable")


def _shown(event: Event) -> str:
    """The rule by which people must perceive the label."""
    return SHOWN.get(event.medium, SHOWN_ELSE)


def _missing(facts: LabellingFacts) -> str:
    """Why people perceive no label: there is none, or that beside the content does not count."""
    return facts.interface_fault or "label_missing"


def _must_show(facts: LabellingFacts) -> bool:
    """The content itself must show it: a service of Art. 17 ¶1 without a lasting prompt in its interface."""
    return facts.a17_item is not None and not facts.interface_label


def _says_both(facts: LabellingFacts, law: Law) -> bool:
    """The configured sentence holds a word of each group, and is a line that can stand as a label."""
    groups = law.policy.labelling.elements
    return facts.sentence_valid and all(
        any(word in facts.sentence for word in group) for group in groups
    )


OBLIGATION = Obligation(
    name=NAME,
    articles=("DSP 16", "DSP 17", "LBL 4", "LBL 5", "GB 45438", "TC260-PG-20252A"),
    rules=(
        "DSP-16-1", "DSP-16-2", "DSP-16-3", "DSP-17-1", "DSP-17-2", "DSP-17-3", "DSP-17-4", "DSP-17-6",
        "DSP-18-1", "LBL-4-7", "LBL-6-1", "LBL-6-2", "LBL-6-3", "GB-E-1", "GB-E-2", "GB-E-3", "GB-E-4",
    ),
    hears=LABELLED_TYPES,
    decide=decide,
)  # fmt: skip
