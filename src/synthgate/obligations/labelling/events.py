"""Which events labelling hears, and what each of them brings or names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from synthgate.events.event import Event

INGESTED: Final = "content.ingested"
"""The event that brings content from elsewhere."""
TRANSFORMED: Final = "content.transformed"
"""The event that brings what was made of labelled content."""
UNLABELLED: Final = "export.unlabelled_requested"
"""The event by which a user asks for a copy without the explicit label."""
SCENE: Final = "scene.started"
"""The event by which a user enters a scene one can be in or act upon."""
MADE: Final = ("generation.completed", "generation.segment", SCENE)
"""Output of a model, about to be shown for the first time."""
FROM_STORE: Final = ("asset.exported", "content.published")
"""Events that may name labelled objects of ours instead of repeating their text."""
FILES_FROM: Final = ("generation.completed", "generation.segment", INGESTED, TRANSFORMED)
"""Events whose objects are not ours yet: output of a model, made of labelled content, or from elsewhere."""


def is_scene(event: Event) -> bool:
    """Whether a user enters a scene."""
    return event.type == SCENE


def is_made(event: Event) -> bool:
    """Whether output of a model is about to be shown for the first time."""
    return event.type in MADE


def names_objects(event: Event) -> bool:
    """Whether the event delivers objects labelled before, rather than a text to be labelled now."""
    return event.type in FROM_STORE and bool(event.content.get("objects"))


def brings_files(event: Event) -> bool:
    """Whether the event brings files that are to be labelled now."""
    return event.type in FILES_FROM and bool(event.content.get("objects"))


def brings_words(event: Event) -> bool:
    """Whether the event brings a plain text from elsewhere, and nothing else."""
    words = event.medium == "text" and isinstance(event.text, str)
    return event.type == INGESTED and words and not brings_files(event)


def rows_to_label(event: Event) -> Sequence[Mapping[str, Any]]:
    """Files of the tenant's folder that are labelled now, if the event passes."""
    if event.type == UNLABELLED:
        return event.content.get("originals") or ()
    return event.content["objects"] if brings_files(event) else ()


def rows_of_ours(event: Event) -> Sequence[Mapping[str, Any]]:
    """Labelled objects the event rests on, which lie in our store."""
    if event.type == TRANSFORMED:
        return event.content.get("parents") or ()
    if event.type == UNLABELLED or names_objects(event):
        return event.content.get("objects") or ()
    return ()


def declared_of(event: Event) -> bool | None:
    """Whether its user says that what an event brings is generated; None if it is output of a model."""
    return event.data.get("declared_ai") is True if event.type == INGESTED else None
