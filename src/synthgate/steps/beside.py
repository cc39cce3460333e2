"""What the app shows beside the content, if a contract says so: the label, and what else an event calls for."""

from typing import Final

from synthgate.effects import text_label
from synthgate.events.event import Event
from synthgate.events.template_row import TemplateRow
from synthgate.obligations.labelling.events import INGESTED, is_made, is_scene
from synthgate.registries.control import Control
from synthgate.registries.interfaces import DECLARATION, LABEL, OFFER, START_FRAME, Contract

WORDING: Final = "interface_wording"
TOO_SMALL: Final = "label_too_small"
HEIGHT_PERCENT_MIN: Final = 5.0
"""Of the words on the start frame of a scene, of its shortest side (GB 45438 5.4, 5.5)."""

Shown = tuple[str | None, str | None]
"""Contract by which the app shows it, or why none counts (a reason code)."""


def shown_beside(control: Control, row: TemplateRow | None, as_of: int) -> Shown:
    """The label beside the content at a time, ms. Neither if the template does not say that it is shown."""
    if row is None or not row.interface_label:
        return None, None
    return _counts(control, row, as_of, LABEL)


def prompted(control: Control, row: TemplateRow | None, event: Event, as_of: int) -> Shown:
    """What else the event calls for at a time, ms. Neither if it calls for nothing, or nobody can say."""
    shows = None if row is None else _called_for(event, row)
    return (None, None) if row is None or shows is None else _counts(control, row, as_of, shows)


def _called_for(event: Event, row: TemplateRow) -> str | None:
    if event.type == INGESTED:
        return DECLARATION
    if not is_made(event):
        return None
    if row.a17_item is None:
        return OFFER
    return START_FRAME if is_scene(event) else None


def _counts(control: Control, row: TemplateRow, as_of: int, shows: str) -> Shown:
    found = control.interface(row.tenant, row.surface or row.template, as_of, shows)
    if isinstance(found, str):
        return None, found
    fault = _fault(found)
    return (found.name, None) if fault is None else (None, fault)


def _fault(contract: Contract) -> str | None:
    """A label says both what GB 45438 wants said; on a start frame it is as tall as in a film."""
    if contract.shows in (LABEL, START_FRAME) and not text_label.valid(contract.wording):
        return WORDING
    if contract.shows == START_FRAME and (contract.height_percent or 0) < HEIGHT_PERCENT_MIN:
        return TOO_SMALL
    return None
