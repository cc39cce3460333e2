"""A scene one can be in or act upon says on its start frame that it was generated.

Law        DSP Art. 17 ¶1(4), 16; Labelling Measures Art. 4(5); GB 45438-2025 5.5
Hears      scene.started
"""

from collections.abc import Iterator
from typing import Final

from synthgate.events.event import Event
from synthgate.events.verdicts import Reason
from synthgate.law import Law
from synthgate.obligations.labelling.facts import LabellingFacts
from synthgate.obligations.labelling.outputs import own_label

RULES: Final = ("DSP-17-5",)


def scene(event: Event, facts: LabellingFacts, law: Law) -> Iterator[Reason]:
    """Its start frame, as tested, shows the label; its technical label lies beside its words or file hashes.

    What runs in the app has no file to carry a label: the app's contract is what shows it.
    """
    if not facts.text:
        yield from law.fault("DSP-16-2", "nothing_to_label", "/content")
    yield from own_label(event, facts, law)
    if facts.a17_item is not None and facts.prompt is None:
        code = facts.prompt_fault or "interface_unknown"
        yield from law.fault("DSP-17-5", code, "interface:start_frame")
