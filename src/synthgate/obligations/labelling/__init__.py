"""Labelling: what was generated says so, to people in words and to machines in seven fields.

Law        DSP Art. 16-18; Labelling Measures Art. 4-6, 10; GB 45438-2025 5, 6, Annex E; TC260-PG-20252A
Rules      by duty, a file each: ``outputs`` (DSP 16, 17 ¶1), ``handed_over`` (LBL 4 ¶2), ``taken_in`` (LBL 6),
           ``transformed`` (DSP 18), ``unlabelled`` (LBL 9), ``scenes`` (DSP 17 ¶1(4)), ``offers`` (DSP 17 ¶2,
           LBL 6(4)), ``agreement`` (LBL 8)
Hears      generation.completed, generation.segment, scene.started, asset.exported,
           export.unlabelled_requested, content.published, content.ingested, content.transformed
Facts      what the duties before said, the template, our provider code, objects of ours that are named,
           files the event brings and what came of labelling them
Remembers  nothing (that a stream has begun with its label is read in the object store)
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Hold, Outcome, Reason, Verdict
from synthgate.law import Law
from synthgate.obligations.labelling import (
    agreement,
    handed_over,
    offers,
    outputs,
    scenes,
    taken_in,
    transformed,
    unlabelled,
)
from synthgate.obligations.labelling.events import (
    FROM_STORE,
    INGESTED,
    MADE,
    TRANSFORMED,
    UNLABELLED,
    is_made,
    is_scene,
    names_objects,
)
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.step import Obligation

NAME: Final = "labelling"
LABELLED_MEDIA: Final = ("text", "image", "audio", "video", "other")
SCENES_MEDIUM: Final = "virtual_scene"
_PARTS: Final = (
    outputs, handed_over, taken_in, transformed, unlabelled, scenes, offers, agreement,
)  # fmt: skip


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
    reasons = (
        *_configured(event, facts, law),
        *_faults(event, facts, law),
        *_read_back(facts, law),
    )
    outcome = Outcome.REFUSE if reasons else Outcome.PASS
    return Verdict(NAME, outcome, reasons, facts.row())


def _faults(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """What the duty the event falls under finds."""
    if is_made(event):
        yield from agreement.described(facts, law)
        yield from offers.offered(facts, law)
    if event.type == INGESTED:
        yield from taken_in.taken_in(event, facts, law)
        yield from offers.declared(facts, law)
    elif is_scene(event):
        yield from scenes.scene(event, facts, law)
    elif event.type == TRANSFORMED:
        yield from transformed.transformed(event, facts, law)
    elif event.type == UNLABELLED:
        yield from unlabelled.unlabelled(event, facts, law)
    elif names_objects(event):
        yield from handed_over.handed_over(event, facts, law)
    else:
        yield from outputs.own(event, facts, law)


def _configured(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """GB-E-4 and house policy: without a code of our own, a template and a labeller nothing is labelled."""
    media = (SCENES_MEDIUM,) if is_scene(event) else LABELLED_MEDIA
    if event.medium not in media:
        yield from law.fault("HOUSE-not_configured", "no_labeller", "/generation/medium")
    if not facts.registered:
        yield from law.fault(
            "HOUSE-not_configured", "template_unregistered", "/generation/template"
        )
    if facts.provider is not None:
        yield from law.fault("GB-E-4", facts.provider, "setting:provider_code")


def _read_back(facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """DSP-16-2: what cannot be read back does not travel with the content."""
    if not facts.readback_ok:
        yield from law.fault("DSP-16-2", "label_unreadable")


OBLIGATION = Obligation(
    name=NAME,
    articles=(
        "DSP 16",
        "DSP 17",
        "DSP 18",
        "LBL 4",
        "LBL 5",
        "LBL 6",
        "LBL 8",
        "LBL 9",
        "GB 45438",
        "TC260-PG-20252A",
    ),
    rules=tuple(dict.fromkeys(rule for part in _PARTS for rule in part.RULES)),
    hears=(*MADE, *FROM_STORE, UNLABELLED, TRANSFORMED, INGESTED),
    decide=decide,
)
