"""The service agreement says how content is labelled before any is given out.

Law        Labelling Measures Art. 8
Hears      generation.completed, generation.segment, scene.started
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts

RULES: Final = ("LBL-8-1",)


def described(facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """The terms in force, of which users were told, have a clause on method and style of the labels."""
    if facts.labels_clause is None:
        yield from law.fault("LBL-8-1", "labels_undescribed", "terms")
