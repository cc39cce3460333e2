"""Content from elsewhere is marked as what it is: generated, perhaps, suspected; nobody's label is lost.

Law        DSP Art. 18; Labelling Measures Art. 6, 10
Hears      content.ingested
"""

from collections.abc import Iterator, Mapping
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.events import brings_words, declared_of
from synthgate.obligations.labelling.facts import LabellingFacts, OutputFact

RULES: Final = ("DSP-18-1", "LBL-6-1", "LBL-6-2", "LBL-6-3")
FAULTS: Final[Mapping[str, str]] = {
    "label_altered": "DSP-18-1", "source_unlisted": "HOUSE-not_configured",
}  # fmt: skip
"""Code of a file's fault to its rule; for any other it is that of whoever must read it."""


def taken_in(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Files or words from elsewhere: each can be read, and people are told what it is."""
    if not facts.outputs:
        yield from law.fault("HOUSE-not_configured", "no_labeller", "/content/objects")
    for number, item in enumerate(facts.outputs):
        where = "/content/text" if brings_words(event) else f"/content/objects/{number}"
        if item.fault is not None:
            yield from law.fault(FAULTS.get(item.fault, "LBL-6-1"), item.fault, where)
        elif not facts.interface_label:
            for owed in _prompted(event, item):
                yield from law.fault(owed, facts.interface_fault or "notice_missing", where)


def _prompted(event: Event, item: OutputFact) -> Iterator[str]:
    """The rule by which people must be told what a file is; none if nothing says that it is generated."""
    if item.found is not None:
        yield "LBL-6-1"
    elif declared_of(event):
        yield "LBL-6-2"
    elif item.signs:
        yield "LBL-6-3"
