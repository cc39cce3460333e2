"""Moderation's scorers: what of a batch they are asked, and what their answers add to the facts."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from synthgate.events import canary
from synthgate.events.passage import Passage
from synthgate.events.review_facts import FileFact, ScoreFact
from synthgate.obligations.moderation import ModerationFacts
from synthgate.reviewers.reviewer import Answer, Item, Reviewer

BATCH_S: Final = 8.0
"""All scorers together, for one batch: less than a rebalance waits."""
WORDS: Final = "words"
_NEVER_RELEASED: Final = ("expiry", "recall")
"""Causes of re-entries that end in no release, whatever a scorer says."""

Asked = tuple[int, str, Item]
"""Number of the passage in the batch, part, and what is judged."""


class Scorers:
    """The services configured. ``media``: what somebody scores."""

    def __init__(self, reviewers: Sequence[Reviewer] = ()) -> None:
        self._reviewers = reviewers
        self.media: frozenset[str] = frozenset().union(*(one.media for one in reviewers))

    async def add(
        self,
        passages: Sequence[Passage],
        facts: Sequence[ModerationFacts],
        words: Mapping[int, str],
        files: Mapping[tuple[int, int], bytes],
        now_ms: int,
    ) -> list[ModerationFacts]:
        """The facts, with every scorer's answers.

        words: by passage, everything the library read. files: by passage and number, bytes we hold.
        """
        asked = [
            row
            for at, passage in enumerate(passages)
            if _is_judged(passage, now_ms)
            for row in _items(at, passage, facts[at], words.get(at, ""), files)
        ]
        found: dict[int, list[tuple[str, str, Answer]]] = {}
        mine = [[row for row in asked if row[2].medium in one.media] for one in self._reviewers]
        told = await asyncio.gather(
            *(
                one.review([item for _, _, item in rows], BATCH_S)
                for one, rows in zip(self._reviewers, mine, strict=True)
            )
        )
        for one, rows, answers in zip(self._reviewers, mine, told, strict=True):
            for (at, part, _), answer in zip(rows, answers, strict=True):
                found.setdefault(at, []).append((one.name, part, answer))
        return [_with(item, found.get(at, ())) for at, item in enumerate(facts)]


def _is_judged(passage: Passage, now_ms: int) -> bool:
    """No scorer is called for what nobody waits for any more, nor for what can never be released."""
    event = passage.event
    if event.stub is not None or event.tenant == canary.TENANT or event.template is None:
        return False
    if passage.reentry is not None:
        return passage.reentry.cause not in _NEVER_RELEASED
    ends = event.answer_by_ms
    return ends is None or now_ms <= ends


def _items(
    at: int,
    passage: Passage,
    facts: ModerationFacts,
    words: str,
    files: Mapping[tuple[int, int], bytes],
) -> Iterator[Asked]:
    """What there is to judge. A request's words are text whatever is asked for."""
    if words:
        digest = hashlib.sha256(words.encode("utf-8", "surrogatepass")).hexdigest()
        yield at, WORDS, Item("text", digest, words=words)
    rows = passage.event.content.get("objects")
    for file in facts.files:
        if "released" in file.seen or not isinstance(rows, list):
            continue
        row = rows[file.number]
        item = Item(
            file.medium, row["sha256"], name=row["name"], media_type=row["media_type"],
            data=files.get((at, file.number)),
        )  # fmt: skip
        yield at, f"file/{file.number}", item


def _with(facts: ModerationFacts, told: Sequence[tuple[str, str, Answer]]) -> ModerationFacts:
    if not told:
        return facts
    scores = tuple(
        ScoreFact(name, part, answer.version, answer.risks, answer.fault)
        for name, part, answer in told
    )
    looks: dict[str, list[str]] = {}
    for _, part, answer in told:
        looks.setdefault(part, []).extend(answer.covers)
    files = tuple(_seen(file, looks.get(f"file/{file.number}", ())) for file in facts.files)
    return replace(facts, scores=scores, files=files)


def _seen(file: FileFact, looks: Sequence[str]) -> FileFact:
    if not looks:
        return file
    return replace(file, seen=tuple(dict.fromkeys((*file.seen, *looks))))
