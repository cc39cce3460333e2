"""Which lane an event goes by: a function of its medium, its files and the scorers configured."""

from synthgate.events.event import Event
from synthgate.events.passage import FAST, SLOW
from synthgate.obligations.labelling.events import rows_to_label


def lane_of(event: Event, scored: frozenset[str] = frozenset()) -> str:
    """Fast: quick and local work only. Text is, if no service scores it and it names no files to be labelled.

    scored: media that services score.
    """
    if event.medium not in ("text", "none") or rows_to_label(event):
        return SLOW
    remote = event.medium in scored or (scored and event.content.get("objects"))
    return SLOW if remote else FAST
