"""What a reading amounts to: compliant, non-compliant (with the clause), not found, or inconclusive.

A reader that met an error cannot say "not found": what it did not understand may have held the label.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from synthgate.effects.carriers.carrier import Reading


class Conclusion(StrEnum):
    """The four values."""

    COMPLIANT = "compliant"
    NON_COMPLIANT = "non_compliant"
    NOT_FOUND = "not_found"
    INCONCLUSIVE = "inconclusive"


class Finding(NamedTuple):
    """One fault of a label. ``rule`` as in the law rows, None where only a practice guide speaks."""

    rule: str | None
    clause: str
    force: str
    detail: str


_STANDARD: Final = "mandatory standard"
_GUIDE: Final = "recommended standard"
ONE_LABEL: Final = "GB 45438-2025 6.1 c"
FIELDS_RIGHT: Final = "GB 45438-2025 Annex E"


def conclude(reading: Reading, guide: str = "") -> tuple[Conclusion, tuple[Finding, ...]]:
    """The value and, if it is non-compliant, why. guide: the practice guide of the carrier's place."""
    if reading.faults:
        return Conclusion.INCONCLUSIVE, ()
    if not reading.places:
        return Conclusion.NOT_FOUND, ()
    found: list[Finding] = []
    if len(reading.places) > 1:
        places = ", ".join(place.where for place in reading.places[:4])
        count = len(reading.places)
        found.append(Finding("GB-E-2", ONE_LABEL, _STANDARD, f"{count} labels: {places}"))
    for place in reading.places[:16]:
        if place.label is None:
            detail = f"{place.where}: {place.fault}"
            found.append(Finding("GB-E-1", FIELDS_RIGHT, _STANDARD, detail))
        elif faults := place.label.faults():
            detail = f"{place.where}: {', '.join(faults)}"
            found.append(Finding("GB-E-1", FIELDS_RIGHT, _STANDARD, detail))
        if not place.proper:
            found.append(Finding(None, guide, _GUIDE, f"not the place it names: {place.where}"))
    return (Conclusion.NON_COMPLIANT if found else Conclusion.COMPLIANT), tuple(found)
