"""Which words of an event are labelled as a text, if any."""

from synthgate.events.event import Event
from synthgate.obligations.labelling.events import (
    INGESTED,
    UNLABELLED,
    brings_files,
    is_scene,
    names_objects,
    rows_to_label,
)


def is_scenery(event: Event) -> bool:
    """Whether an event starts a scene of files, which stay in the app."""
    return is_scene(event) and bool(event.content.get("objects"))


def words_of(event: Event) -> str:
    """The text to be labelled; of a scene without words, the hashes of its files."""
    if isinstance(event.text, str) or not is_scenery(event):
        return event.text or ""
    return "".join(f"{row['sha256']}\n" for row in event.content["objects"])


def has_text(event: Event) -> bool:
    """Whether a text is labelled here: the event's own, unless it brings or names files alone.

    Words beside a file from elsewhere are nobody's output.
    """
    if names_objects(event) or event.type == INGESTED:
        return False
    if event.type == UNLABELLED:
        return not rows_to_label(event)
    return isinstance(event.text, str) or not brings_files(event)
