"""What a reviewer is: a batch of items in, for each its scores by risk code, in a bounded time.

A reviewer never raises for an item: what it could not judge is an ``Answer`` with a fault, and a fault is never
a pass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from synthgate.events.models import Aspect

REJECTED: Final = "rejected"
"""Fault of an item the service will never judge: a person must. Any other fault may pass with time."""
FAULTS: Final = ("timeout", "unreachable", "breaker_open", "busy", "malformed", REJECTED)
"""busy: its rate would be passed; malformed: an answer nobody can read; the rest as it says."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to judge: words, or a file by hash. data: the file's bytes if we hold them.

    sha256: of the words in UTF-8 or of the bytes.
    """

    medium: str
    sha256: str
    words: str | None = None
    name: str | None = None
    media_type: str | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one reviewer said of one item. risks: severity 0-100 by risk code, none of which is 0.

    version: of the model that answered. covers: what of a file it looked at. fault: one of ``FAULTS``.
    """

    version: str | None = None
    risks: Mapping[str, int] = field(default_factory=dict)
    covers: tuple[Aspect, ...] = ()
    fault: str | None = None


class Reviewer(Protocol):
    """A service that judges by itself, within a time."""

    name: str
    media: frozenset[str]

    async def review(self, items: Sequence[Item], timeout_s: float) -> Sequence[Answer]:
        """One answer for each item, in order, no later than ``timeout_s``. Never raises for an item."""
