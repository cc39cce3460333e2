"""Interface contracts: what an app shows people, as tested: labels beside content (GB 45438 5.6), and prompts.

``control``, key ``interface/<tenant>/<surface>/<version>``: the operator's word that a surface of the app shows
the label, with the wording, the hash of a screenshot, when it was tested and until when that counts. A verdict
that rests on a label beside the content names the contract; without one in force it rests on nothing. ``shows``
says what else a surface shows: the label on the start frame of a scene, the offer of a label function, the way
to declare content and the reminder to.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from synthgate.events.event import time_ms
from synthgate.events.facts import ControlRow

PREFIX: Final = "interface/"
UNKNOWN: Final = "interface_unknown"
EXPIRED: Final = "interface_expired"
"""Reason codes: no contract of that surface; none that was tested by then and still counts."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MOMENTS: Final = ("tested_at", "valid_until")


LABEL: Final = "label"
START_FRAME: Final = "start_frame"
OFFER: Final = "offer"
DECLARATION: Final = "declaration"
SHOWS: Final = (LABEL, START_FRAME, OFFER, DECLARATION)
"""What a contract can be about."""


class Contract(NamedTuple):
    """One contract. Times in Unix ms. height_percent: of the words, of the frame's shortest side, if told."""

    surface: str
    version: str
    wording: str
    tested_at: int
    valid_until: int
    shows: str = LABEL
    height_percent: float | None = None

    @property
    def name(self) -> str:
        """As verdicts cite it."""
        return f"{self.surface}/{self.version}"


def in_force(contracts: Iterable[Contract], as_of: int) -> Contract | str:
    """The contract of one surface that counts at a time, the last one tested; else why there is none."""
    known = sorted(contracts, key=lambda one: (one.tested_at, one.version), reverse=True)
    if not known:
        return UNKNOWN
    for one in known:
        if one.tested_at <= as_of < one.valid_until:
            return one
    return EXPIRED


def surface_of(name: str) -> tuple[str, str] | None:
    """(tenant, surface) a row's name is about; None if it is no contract's."""
    parts = name.removeprefix(PREFIX).split("/")
    if not name.startswith(PREFIX) or len(parts) != 3 or not all(parts):
        return None
    return parts[0], parts[1]


def readable(row: ControlRow) -> bool:
    """Whether a row says all that a contract says."""
    body: dict[str, Any] = row.body
    texts = (body.get("wording"), *map(body.get, _MOMENTS))
    if surface_of(row.name) is None or not all(isinstance(text, str) and text for text in texts):
        return False
    if not _SHA256.fullmatch(str(body.get("screenshot_sha256"))):
        return False
    if body.get("shows", LABEL) not in SHOWS:
        return False
    try:
        made = contract_of(row)
    except ValueError:
        return False
    return made.tested_at < made.valid_until


def contract_of(row: ControlRow) -> Contract:
    """The contract a readable row holds."""
    _, surface, version = row.name.removeprefix(PREFIX).split("/")
    tested, until = (time_ms(str(row.body[name])) for name in _MOMENTS)
    height = row.body.get("height_percent")
    return Contract(
        surface, version, str(row.body["wording"]), tested, until, str(row.body.get("shows", LABEL)),
        float(height) if isinstance(height, int | float) else None,
    )  # fmt: skip
