"""Which rule says that people must perceive the label, and whether the content itself must show it."""

from collections.abc import Mapping
from typing import Final

from synthgate.events.event import Event
from synthgate.obligations.labelling.facts import LabellingFacts

SHOWN: Final[Mapping[str, str]] = {
    "text": "DSP-17-1", "audio": "DSP-17-2", "image": "DSP-17-3", "video": "DSP-17-4",
    "virtual_scene": "DSP-17-5",
}  # fmt: skip
"""Medium to the rule by which people must perceive the label; for any other it is ``SHOWN_ELSE``."""
SHOWN_ELSE: Final = "DSP-17-6"


def shown_by(event: Event) -> str:
    """The rule by which people must perceive the label."""
    return SHOWN.get(event.medium, SHOWN_ELSE)


def missing(facts: LabellingFacts) -> str:
    """Why people perceive no label: there is none, or that beside the content does not count."""
    return facts.interface_fault or "label_missing"


def must_show(facts: LabellingFacts) -> bool:
    """The content itself must show it: a service of Art. 17 ¶1 without a lasting prompt in its interface."""
    return facts.a17_item is not None and not facts.interface_label
