"""The label beside the content: what the app shows lastingly in its interface, if a contract says so."""

from synthgate.effects import text_label
from synthgate.events.template_row import TemplateRow
from synthgate.registries.control import Control

WORDING = "interface_wording"


def shown_beside(
    control: Control, row: TemplateRow | None, as_of: int
) -> tuple[str | None, str | None]:
    """(contract by which a template's interface shows the label at a time, ms; why none does).

    Neither if the template does not say that it does.
    """
    if row is None or not row.interface_label:
        return None, None
    found = control.interface(row.tenant, row.surface or row.template, as_of)
    if isinstance(found, str):
        return None, found
    if not text_label.valid(found.wording):
        return None, WORDING
    return found.name, None
