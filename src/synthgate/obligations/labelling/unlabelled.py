"""A copy without the explicit label goes only to a user who asked, is known, and agreed to label it.

Law        Labelling Measures Art. 9, 5
Hears      export.unlabelled_requested
"""

from collections.abc import Iterator, Mapping
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.obligations.labelling.handed_over import as_labelled

RULES: Final = ("LBL-9-1",)
FAULTS: Final[Mapping[str, str]] = {
    "label_foreign": "GB-E-2", "source_unlisted": "HOUSE-not_configured", "original_differs": "DSP-10-2",
}  # fmt: skip
"""Code of an original's fault to its rule; for any other it is that of the label in the file."""


def unlabelled(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Who asks may have it, and what is handed over is what was reviewed, under the same implicit label.

    It is made anew of the original: nothing here takes a label off. That a recipient is known is our choice.
    """
    if not facts.verified:
        yield from law.fault("HOUSE-recipient", "recipient_unverified", "user")
    if facts.duty_clause is None:
        yield from law.fault("LBL-9-1", "duty_clause_missing", "terms")
    elif facts.accepted_at is None:
        yield from law.fault("LBL-9-1", "duty_clause_not_accepted", "user")
    if not facts.objects:
        yield from law.fault("DSP-16-3", "object_missing", "/content/objects")
    for number, item in enumerate(facts.objects):
        where = f"object:{number}"
        if item.stored:
            yield from as_labelled(item, where, law)
        else:
            yield from law.fault("DSP-16-3", "object_missing", where)
    if not facts.text and len(facts.outputs) != len(facts.objects):
        yield from law.fault("DSP-16-1", "nothing_to_label", "/content/originals")
    for number, original in enumerate(facts.outputs):
        if original.fault is not None:
            rule = FAULTS.get(original.fault, "DSP-16-1")
            yield from law.fault(rule, original.fault, f"/content/originals/{number}")
