"""What was labelled goes out as it was labelled: the very objects, read back again; an exported file shows it.

Law        DSP Art. 16; Labelling Measures Art. 4 ¶2, 5; GB 45438-2025 Annex E
Hears      asset.exported and content.published that name objects of ours
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts, ObjectFact
from synthgate.obligations.labelling.shown import missing, must_show, shown_by

RULES: Final = ("DSP-16-3", "LBL-4-7")


def handed_over(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Objects labelled before: each must be ours, unchanged, rightly labelled, and what was reviewed."""
    for number, item in enumerate(facts.objects):
        where = f"object:{number}"
        if not item.stored:
            yield from law.fault("DSP-16-3", "object_missing", where)
            continue
        yield from as_labelled(item, where, law)
        if not item.explicit and facts.a17_item is not None and event.type == "asset.exported":
            yield from law.fault("LBL-4-7", "label_missing", where)
        elif not item.explicit and must_show(facts):
            yield from law.fault(shown_by(event), missing(facts), where)


def as_labelled(item: ObjectFact, where: str, law: Law) -> Iterator[Reason]:
    """What is wrong with the label of an object that is there, or with what lies under it."""
    for name in item.faults:
        yield from law.fault("GB-E-1", "label_invalid", f"{where} {name}")
    if not item.first_write:
        yield from law.fault("GB-E-3", "propagator_differs", where)
    if not item.producer_ours:
        yield from law.fault("GB-E-4", "producer_differs", where)
    if not item.same_text:
        yield from law.fault("DSP-10-2", "object_differs", where)
