"""Where log and media lie; before a worker writes: whether its buckets are there, let it in, hold a name."""

from collections.abc import Sequence

from synthgate.effects.places import check_sources, open_objects, open_sources
from synthgate.ledger.stores import check_store, open_store
from synthgate.settings import Settings

__all__ = ["check_places", "open_objects", "open_sources", "open_store"]

_WRITING = frozenset({"labelling", "retention"})


def check_places(settings: Settings, duties: Sequence[str]) -> None:
    """Of these duties. Raises BucketWrong; Waiting where a bucket does not answer."""
    if _WRITING.intersection(duties):
        check_store(settings)
        check_sources(settings)
