"""How far content went: who made it, what was made of it, whom it reached (DSP 11). Read from the logs.

From a content number or a hash down the passes: what cites a decision came of it. A delivery report says whom
it reached, by token; a publication or export is a copy.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synthgate.crypto.tokens import user_token
from synthgate.steps.lookup import Lookup
from synthgate.steps.trace_index import Traced, TraceIndex

BATCH: Final = 1_000
"""Recipients in one piece of work."""
COPIES: Final = (
    "content.published", "asset.exported", "content.transformed", "export.unlabelled_requested",
)  # fmt: skip
DELIVERED: Final = "content.delivered"


@dataclass(slots=True)
class Reach:
    """generators, recipients: tokens. copies: acts that let one out. unreadable: entries erased since."""

    generators: dict[str, None] = field(default_factory=dict)
    generations: dict[str, None] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    recipients: dict[str, None] = field(default_factory=dict)
    unreadable: int = 0

    def batches(self, told: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
        """What incidents is told, a thousand recipients at a time, without those told before.

        A batch is named by whom it holds: sent again, it is the same piece of work.
        """
        tokens = sorted(self.recipients.keys() - told)
        parts = [tokens[at : at + BATCH] for at in range(0, len(tokens), BATCH)]
        if not parts and not told:
            parts = [[]]
        first = {
            "generators": sorted(self.generators), "generations": sorted(self.generations),
            "copies": sorted(self.copies)[:BATCH],
        }  # fmt: skip
        return [
            {
                "batch": hashlib.sha256(" ".join(part).encode()).hexdigest()[:16],
                "recipients": part,
                **(first if number == 0 else {}),
            }
            for number, part in enumerate(parts)
        ]


def starts(index: TraceIndex, about: Mapping[str, Any]) -> list[Traced]:
    """Entries a case's words lead to: content number, hash of an object."""
    found = []
    if isinstance(number := about.get("produce_id"), str):
        found += index.by_produce_id(number)
    if isinstance(digest := about.get("sha256"), str):
        found += index.by_object(digest)
    return found


def follow(index: TraceIndex, lookup: Lookup, token_key: bytes, found: list[Traced]) -> Reach:
    """Everything that came of these entries.

    Raises:
        Waiting: the log cannot be read now.
    """
    reach = Reach()
    left, seen = list(found), set()
    while left:
        one = left.pop()
        if (one.log, one.place) in seen:
            continue
        seen.add((one.log, one.place))
        left += index.children(one.log, one.place)
        _take(one, lookup, token_key, reach)
    return reach


def _take(one: Traced, lookup: Lookup, token_key: bytes, reach: Reach) -> None:
    try:
        passage = lookup.fetch(one.log, one.place).passage
    except KeyError:
        reach.unreadable += 1
        return
    event = passage.event
    if event.stub is not None or one.action != "release":
        return
    if event.type == DELIVERED:
        recipient = event.data.get("recipient")
        if isinstance(recipient, str):
            reach.recipients[user_token(token_key, event.tenant, recipient)] = None
        return
    if event.type in COPIES:
        reach.copies[f"{one.root}"] = event.type
    elif one.user is not None:
        reach.generators[one.user] = None
    if one.generation is not None:
        reach.generations[one.generation] = None
