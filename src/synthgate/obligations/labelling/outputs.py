"""Output of a model is labelled before delivery: seven fields in the file or beside it, words for people.

Law        DSP Art. 16, 17 ¶1; Labelling Measures Art. 4 ¶1, 5; GB 45438-2025 5, 6, Annex E
Hears      generation.completed, generation.segment; exports and publications that repeat their text
"""

from collections.abc import Iterator, Mapping
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.obligations.labelling.shown import missing, must_show, shown_by

RULES: Final = (
    "DSP-16-1", "DSP-16-2", "DSP-17-1", "DSP-17-2", "DSP-17-3", "DSP-17-4", "DSP-17-6", "GB-E-1", "GB-E-2",
    "GB-E-3", "GB-E-4",
)  # fmt: skip
FAULTS: Final[Mapping[str, str]] = {
    "label_foreign": "GB-E-2", "source_unlisted": "HOUSE-not_configured",
    "manifest_unsigned": "HOUSE-not_configured",
}  # fmt: skip
"""Code of a file's fault to its rule; for any other it is that of whoever must read and label it."""


def own(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """A text or files to be labelled now."""
    if event.medium != "text" and not facts.outputs:
        yield from law.fault("DSP-16-1", "nothing_to_label", "/content/objects")
    elif not facts.text and not facts.outputs:
        yield from law.fault("DSP-16-2", "nothing_to_label", "/content/text")
    yield from _files(event, facts, law)
    yield from own_label(event, facts, law)
    later = facts.segment is not None and facts.segment > 0
    if later and must_show(facts) and not facts.stream_labelled:
        yield from law.fault("DSP-17-1", missing(facts), "/generation/segment")


def own_label(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """The label to be written, and the sentence people are to read."""
    for name in facts.faults:
        yield from law.fault("GB-E-1", "label_invalid", f"field:{name}")
    if not facts.first_write:
        yield from law.fault("GB-E-3", "propagator_differs")
    if not _says_both(facts, law):
        yield from law.fault(shown_by(event), "label_sentence_invalid", "setting:label_text")


def _files(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Files a model made: each can be had and labelled, and people perceive it or are told beside it."""
    for number, item in enumerate(facts.outputs):
        where = f"/content/objects/{number}"
        if item.fault is not None:
            yield from law.fault(FAULTS.get(item.fault, "DSP-16-1"), item.fault, where)
        elif item.unshown is not None and must_show(facts):
            yield from law.fault(shown_by(event), facts.interface_fault or item.unshown, where)


def _says_both(facts: LabellingFacts, law: Law) -> bool:
    """The configured sentence holds a word of each group, and is a line that can stand as a label."""
    groups = law.policy.labelling.elements
    return facts.sentence_valid and all(
        any(word in facts.sentence for word in group) for group in groups
    )
