"""Moderation's step: the library in force, searched over everything the event would put in or out."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from synthgate.effects.objects import Objects
from synthgate.effects.sources import Sources
from synthgate.events import topics
from synthgate.events.event import Event
from synthgate.events.passage import Passage
from synthgate.events.review_facts import FileFact
from synthgate.events.types import TYPES
from synthgate.events.undeclared import undeclared
from synthgate.events.verdicts import Verdict
from synthgate.library.folding import SOMETHING
from synthgate.library.library import Hit, Library
from synthgate.obligations.labelling.events import brings_files
from synthgate.obligations.moderation import OBLIGATION, ModerationFacts
from synthgate.registries import Registries
from synthgate.step import Fresh, Work
from synthgate.steps.active_library import ActiveLibrary
from synthgate.steps.files_held import Looked, Wanted, look
from synthgate.steps.hits import across, counted, library_facts
from synthgate.steps.judge import Gathered
from synthgate.steps.reviewed import Said, configured, files_of, is_text, news_of, said_of
from synthgate.steps.scoring import Scorers

PARTS_RECORDED_MAX: Final = 100
"""Names of parts told in a verdict, prompt, text and objects first; all parts are searched."""
FROM_STORE: Final = ("asset.exported", "content.published")
"""Events that may name labelled objects of ours instead of repeating their text."""
SEGMENT: Final = "generation.segment"
_CHARS_AT_ONCE: Final = 1_000_000


class _Searched(NamedTuple):
    """One passage after the library: parts read, hits, what reviewers said, files it did not read."""

    parts: list[str]
    found: list[tuple[str, Hit]]
    said: Said
    files: tuple[FileFact, ...]


_NOTHING: Final = _Searched([], [], Said(), ())
_NOT_LOOKED: Final = Looked({}, {}, frozenset())


class Part(NamedTuple):
    """Words of an event, under a name of ours."""

    name: str
    words: str


class ModerationDuty:
    """Gathers for moderation.

    objects: where labelled texts lie, to review what an export names. sources: where files lie that a model
    has made.
    """

    obligation = OBLIGATION

    def __init__(
        self,
        registries: Registries,
        fresh: Fresh,
        objects: Objects | None = None,
        scorers: Scorers | None = None,
        sources: Sources | None = None,
    ) -> None:
        self._registries = registries
        self._fresh = fresh
        self._objects = objects
        self._scorers = scorers or Scorers()
        self._sources = sources or Sources({}, 0)
        self._active = ActiveLibrary(registries)

    async def gather(self, passages: Sequence[Passage], work: Work) -> Gathered:
        """Search each event's words, then its files, then ask the scorers. The loop gets its turn between."""
        read = await work.fresh(self._fresh, topics.COPIES["moderation"])
        library = await self._active.get(read, work.now_ms)
        if self._objects is not None and self._objects.far:
            await asyncio.to_thread(self._objects.ahead, _texts_of(passages))
        searched = []
        chars = 0
        for passage in passages:
            searched.append(self._search(passage, library))
            chars += len(passage.event_bytes)
            if chars > _CHARS_AT_ONCE:
                chars = 0
                await asyncio.sleep(0)
        looked = await self._look(passages, searched, library)
        facts = [
            self._facts(passage, one, library, looked, at)
            for at, (passage, one) in enumerate(zip(passages, searched, strict=True))
        ]
        if self._scorers.media:
            spoken = "text" in self._scorers.media
            words = dict(enumerate(map(self._words, passages))) if spoken else {}
            facts = await self._scorers.add(passages, facts, words, looked.data, work.now_ms)
        return Gathered(facts, read, None if library is None else library.version)

    async def carry_out(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], work: Work
    ) -> Sequence[tuple[Verdict, Mapping[str, Any] | None]]:
        """Moderation does nothing to the world."""
        return [(verdict, None) for verdict in verdicts]

    def _search(self, passage: Passage, library: Library | None) -> "_Searched":
        """What the library finds in the words, and the files nobody has read."""
        event = passage.event
        if event.stub is not None:
            return _NOTHING
        found: list[tuple[str, Hit]] = []
        parts: list[str] = []
        shown = event.content.get("shown") if event.type == SEGMENT else None
        for part, words in self._parts(event):
            parts.append(part)
            if library is None:
                continue
            if part == "text" and isinstance(shown, str):
                found.extend(across(library, shown, words))
            else:
                found.extend((part, hit) for hit in library.search(words))
        said = said_of(passage, self._registries.control)
        files = tuple(files_of(event, said, self._registries.control, parts))
        return _Searched(parts, found, said, files)

    async def _look(
        self, passages: Sequence[Passage], searched: Sequence["_Searched"], library: Library | None
    ) -> Looked:
        """Pictures among the known ones; bytes for the scorers. In a thread: decoding takes long."""
        bank = None if library is None else library.bank
        wanted = {}
        for at, (passage, one) in enumerate(zip(passages, searched, strict=True)):
            for file in one.files:
                picture = bank is not None and file.medium == "image"
                scored = file.medium in self._scorers.media and "released" not in file.seen
                if picture or scored:
                    event = passage.event
                    row = event.content["objects"][file.number]
                    tenant = event.tenant if brings_files(event) else None
                    wanted[at, file.number] = Wanted(row, tenant)
        if not wanted or self._objects is None:
            return _NOT_LOOKED
        lend = bool(self._scorers.media - {"text"})
        return await asyncio.to_thread(look, wanted, self._objects, self._sources, bank, lend=lend)

    def _facts(
        self, passage: Passage, one: "_Searched", library: Library | None, looked: Looked, at: int
    ) -> ModerationFacts:
        event = passage.event
        if event.stub is not None:
            return ModerationFacts()
        found, files = one.found, one.files
        if files and (looked.banked or looked.hits):
            files = tuple(
                replace(file, seen=(*file.seen, "bank"))
                if (at, file.number) in looked.banked
                else file
                for file in files
            )
            for file in files:
                hits = looked.hits.get((at, file.number), ())
                found.extend((f"file/{file.number}", hit) for hit in hits)
        watched: list[tuple[str, Hit]] = []
        if any(hit.share < 100 for _, hit in found):
            found, watched = counted(found, event)
        blind = library is not None and library.unbanked
        registered, reviewed = configured(
            event, files, self._registries, self._scorers.media, blind=blind
        )
        said = one.said
        return ModerationFacts(
            **library_facts(library, found, watched),
            parts=tuple(one.parts[:PARTS_RECORDED_MAX]),
            registered=registered,
            reviewed=reviewed,
            platform=said.platform,
            answer=said.answer,
            reviewer=said.reviewer,
            named_risks=said.risks,
            files=files,
            news=news_of(event, self._registries),
            alone=library is not None and not self._registries.control.library_agreed(),
            unheard=said.unheard,
        )

    def _words(self, passage: Passage) -> str:
        """Everything the library reads of an event, for scorers; of a stream also what was shown before."""
        event = passage.event
        if event.stub is not None:
            return ""
        shown = event.content.get("shown") if event.type == SEGMENT else None
        before = shown if isinstance(shown, str) else ""
        return "\n".join(
            before + part.words if part.name == "text" else part.words
            for part in self._parts(event)
        )

    def _parts(self, event: Event) -> Iterator[Part]:
        """Every string of the content, what nobody declared included, named without the caller's words."""
        prompt, text = event.prompt, event.text
        if isinstance(prompt, str) and SOMETHING.search(prompt) is not None:
            yield Part("prompt", prompt)
        if isinstance(text, str):
            yield Part("text", text)
        elif event.type in FROM_STORE:
            yield from self._stored(event)
        kind = TYPES.get(event.type)
        others = [] if kind is None or kind.model is None else undeclared(event.data, kind.model)
        for number, words in enumerate(_strings(list(others))):
            yield Part(f"more/{number}", words)

    def _stored(self, event: Event) -> Iterator[Part]:
        """The texts of all text objects named, if every one is ours and unchanged; else none."""
        rows = event.content.get("objects")
        if self._objects is None or not isinstance(rows, list):
            return
        texts = []
        for row in filter(is_text, rows):
            data = self._objects.get(row["name"])
            if data is None or hashlib.sha256(data).hexdigest() != row["sha256"]:
                return
            texts.append(data.decode("utf-8", "replace"))
        yield from (Part(f"object/{number}", text) for number, text in enumerate(texts))


def _texts_of(passages: Sequence[Passage]) -> set[str]:
    """Names of the texts of ours that these let out."""
    found: set[str] = set()
    for passage in passages:
        event = passage.event
        rows = event.content.get("objects") if event.type in FROM_STORE else None
        if isinstance(rows, list):
            found.update(row["name"] for row in filter(is_text, rows))
    return found


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, member names too, in order. The door bounds the depth."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
