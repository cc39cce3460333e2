"""Service terms of a tenant: when they take effect, who was told before, and what they say (DSP 8; LBL 8, 9).

``control``, key ``terms/<tenant>/<version>``. They count only if published, and told to users and supporters,
before they take effect.
"""

import re
from typing import Final, NamedTuple

from synthgate.events import canary
from synthgate.events.event import time_ms
from synthgate.events.facts import ControlRow

PREFIX: Final = "terms/"
_MOMENTS: Final = ("published_at", "notified_at", "effective_at")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class Terms(NamedTuple):
    """One version of a tenant's service terms (DSP 8). Times in Unix ms."""

    version: str
    sha256: str
    effective_at: int
    in_time: bool
    """Published, and told to users and supporters, before it took effect."""


CANARYS: Final = Terms(canary.TERMS, "0" * 64, 0, in_time=True)
"""Terms of the canary's tenant: nobody publishes any, and nothing is ever released to it."""


class Clauses(NamedTuple):
    """Clauses of the terms in force, by the hash of each; None: the terms do not have it.

    labels: method and style of the labels (LBL 8). duty: what a user owes who takes a copy without the explicit
    label (LBL 9).
    """

    labels: str | None = None
    duty: str | None = None


def readable(row: ControlRow) -> bool:
    """Whether a row says all that a version of the terms says."""
    tenant, _, version = row.name.removeprefix(PREFIX).partition("/")
    told = row.body.get("url"), row.body.get("sha256"), *map(row.body.get, _MOMENTS)
    if not (tenant and version and all(isinstance(text, str) and text for text in told)):
        return False
    try:
        terms_of(row)
    except ValueError:
        return False
    return True


def terms_of(row: ControlRow) -> Terms:
    """The terms a readable row holds."""
    published, notified, effective = (time_ms(str(row.body[name])) for name in _MOMENTS)
    version = row.name.removeprefix(PREFIX).partition("/")[2]
    in_time = max(published, notified) <= effective
    return Terms(version, str(row.body["sha256"]), effective, in_time)


def clauses_of(row: ControlRow) -> Clauses:
    """The clauses a row names."""
    return Clauses(_clause(row.body.get("labels_sha256")), _clause(row.body.get("duty_sha256")))


def _clause(value: object) -> str | None:
    return value if isinstance(value, str) and _SHA256.fullmatch(value) else None
