"""What moderation's verdict records of hits, files, scores and news. No content."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

SEEN_WHOLE: Final = frozenset({"released", "person"})
"""Looks that leave nothing of a file out."""
REJECTED: Final = "rejected"
"""Fault of what a scorer will never judge; every other fault may pass with time."""


@dataclass(frozen=True, slots=True)
class HitFact:
    """One occurrence of a library entry, without the words: characters ``start:end`` of a part.

    part: ``prompt``, ``text``, ``object/0`` or ``more/0`` (other content, numbered in order), ``file/0``.
    normalisation: exact | folded | hidden, or the disguises it was seen through (``library.library.Hit``).
    since: the library version the entry came with; 0: recorded before this was.
    """

    entry: str
    risk: str
    severity: int
    normalisation: str
    part: str
    start: int
    end: int
    since: int = 0

    def row(self) -> dict[str, Any]:
        """As recorded."""
        row = asdict(self)
        if not self.since:
            del row["since"]
        return row


@dataclass(frozen=True, slots=True)
class FileFact:
    """A file the event names, and what of it was looked at by somebody whose word counts.

    number: among the event's objects. seen: aspects (``events.models.Aspect``); ``released``: its pass says it
    was reviewed before; ``person``: somebody at the desk looked at it; ``bank``: looked up, which is no look.
    """

    number: int
    medium: str
    seen: tuple[str, ...] = ()

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """Back from the record."""
        return cls(row["number"], row["medium"], tuple(row["seen"]))


@dataclass(frozen=True, slots=True)
class ScoreFact:
    """What a scorer said of the event's words or of one file: severity 0-100 by risk code, or a fault.

    part: ``words`` or ``file/0`` (its number). fault: of ``reviewers.reviewer.FAULTS``.
    """

    scorer: str
    part: str
    version: str | None = None
    risks: Mapping[str, int] = field(default_factory=dict)
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class NewsFact:
    """That the output is news, and whose.

    kind: original | repost | unsaid (the template makes news and the event does not say whose). listed: version
    of the source list that names the source. verified: a listed reviewer checked an original item.
    """

    kind: str
    source: str | None = None
    listed: str | None = None
    verified: bool = False
    fabricated: bool = False
