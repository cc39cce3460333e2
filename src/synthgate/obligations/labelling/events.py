"""Which events labelling hears, and what each of them brings or names."""

from typing import Final

from synthgate.events.event import Event

INGESTED: Final = "content.ingested"
"""The event that brings content from elsewhere."""
FROM_STORE: Final = ("asset.exported", "content.published")
"""Events that may name labelled objects of ours instead of repeating their text."""
FILES_FROM: Final = ("generation.completed", "generation.segment", INGESTED)
"""Events whose objects are not ours yet: output of a model, or taken in from elsewhere."""


def names_objects(event: Event) -> bool:
    """Whether the event delivers objects labelled before, rather than a text to be labelled now."""
    return event.type in FROM_STORE and bool(event.content.get("objects"))


def brings_files(event: Event) -> bool:
    """Whether the event brings files that are to be labelled now."""
    return event.type in FILES_FROM and bool(event.content.get("objects"))


def declared_of(event: Event) -> bool | None:
    """Whether its user says that what an event brings is generated; None if it is output of a model."""
    return event.data.get("declared_ai") is True if event.type == INGESTED else None
