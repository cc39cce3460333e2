"""Where no label is owed people are offered one; where content is taken in they are reminded to declare it.

Law        DSP Art. 17 ¶2; Labelling Measures Art. 6(4), 10
Hears      generation.completed, generation.segment, scene.started; content.ingested
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts

RULES: Final = ("DSP-17-7", "LBL-6-4")


def offered(facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """DSP-17-7: what is no service of Art. 17 ¶1 offers a label function, and says that one may use it."""
    if facts.registered and facts.a17_item is None and facts.prompt is None:
        yield from law.fault("DSP-17-7", _why(facts), "interface:offer")


def declared(facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """LBL-6-4: whoever brings content finds a way to declare it, and a reminder to."""
    if facts.prompt is None:
        yield from law.fault("LBL-6-4", _why(facts), "interface:declaration")


def _why(facts: LabellingFacts) -> str:
    return facts.prompt_fault or "interface_unknown"
