"""What is made of labelled content stays labelled: a label lost or altered on the way is restored, and said so.

Law        DSP Art. 18; Labelling Measures Art. 10
Hears      content.transformed
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.obligations.labelling.outputs import own

RULES: Final = ("DSP-18-1",)


def transformed(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Every parent is an object of ours under its own label; what was made of them can be given it again."""
    if not facts.objects:
        yield from law.fault("DSP-18-1", "parent_missing", "/content/parents")
    for number, parent in enumerate(facts.objects):
        where = f"/content/parents/{number}"
        if not parent.stored:
            yield from law.fault("DSP-16-3", "object_missing", where)
        elif parent.faults or not parent.producer_ours:
            yield from law.fault("DSP-18-1", "label_altered", where)
    yield from own(event, facts, law)
