"""Labelling's step: write the label, read it back, and release nothing whose label cannot be read."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from synthgate.effects import provider_code, text_label
from synthgate.effects.label import LabelError
from synthgate.effects.labelled_file import LabelledFile, read_object
from synthgate.effects.labelled_text import LabelledText
from synthgate.effects.objects import SIDECAR_SUFFIX, Objects
from synthgate.effects.workshop import Outcome as Made
from synthgate.events import topics
from synthgate.events.passage import Passage
from synthgate.events.verdicts import Hold, Outcome, Verdict
from synthgate.law import LawBook
from synthgate.obligations.labelling import OBLIGATION, decide
from synthgate.obligations.labelling.events import (
    UNLABELLED,
    is_made,
    names_objects,
    rows_of_ours,
    rows_to_label,
)
from synthgate.obligations.labelling.facts import LabellingFacts, OutputFact
from synthgate.registries import Registries
from synthgate.settings import Settings
from synthgate.step import Fresh, Work
from synthgate.steps.beside import prompted, shown_beside
from synthgate.steps.inbound_texts import InboundTexts
from synthgate.steps.judge import Gathered
from synthgate.steps.named import NamedObjects
from synthgate.steps.outputs import OutputFiles, facts_of
from synthgate.steps.stream_parts import stream_of
from synthgate.steps.which_label import WhichLabel
from synthgate.steps.words import has_text, is_scenery, words_of

BEFORE: Final = ("identity", "consent", "moderation")
"""Duties that must have spoken."""
_STREAM_BEGUN: Final = b'{"v":1}'

Done = tuple[Verdict, Mapping[str, Any] | None]


class LabellingDuty:
    """Gathers and carries out for labelling."""

    obligation = OBLIGATION

    def __init__(
        self,
        registries: Registries,
        fresh: Fresh,
        objects: Objects,
        settings: Settings,
        book: LawBook,
    ) -> None:
        self._registries = registries
        self._fresh = fresh
        self._objects = objects
        self._far = objects.far or bool(settings.media_buckets)
        self._book = book
        self._sentence = settings.label_text
        self._sentence_valid = text_label.valid(self._sentence)
        self._files = OutputFiles.of(settings, objects)
        self._producer = ""
        self._producer_fault: str | None = None
        try:
            code = provider_code.parse(
                settings.provider_code, sample_allowed=settings.provider_sample
            )
            self._producer = code.text
        except provider_code.ProviderCodeError as error:
            self._producer_fault = error.code
        self._named = NamedObjects(objects, self._producer, self._sentence)
        self._which = WhichLabel(registries.control, self._named, self._producer, self._sentence)
        self._texts = InboundTexts(objects, self._which)

    async def gather(self, passages: Sequence[Passage], work: Work) -> Gathered:
        """Facts in order: the first part of a stream counts for the parts behind it in the same batch."""
        read = await work.fresh(self._fresh, topics.COPIES["labelling"])
        if self._far:
            return Gathered(await asyncio.to_thread(self._gathered, passages, work.partition), read)
        return Gathered(self._gathered(passages, work.partition), read)

    def _gathered(self, passages: Sequence[Passage], log: int) -> list[LabellingFacts]:
        begun: set[str] = set()
        facts = []
        for passage in passages:
            if passage.event.stub is not None or passage.event.type not in OBLIGATION.hears:
                upstream, held = _before(passage)
                facts.append(LabellingFacts(upstream=upstream, held=held))
                continue
            item = self._one(passage, log, begun)
            stream = stream_of(passage.event, log)
            if stream is not None and stream.index == 0 and item.upstream is None:
                begun.add(stream.mark)
            facts.append(item)
        return facts

    async def carry_out(
        self, passages: Sequence[Passage], verdicts: Sequence[Verdict], work: Work
    ) -> Sequence[Done]:
        """Label all that passed, texts in one go; a label that does not read back refuses what bears it.

        Raises:
            Waiting: the object store or a folder of files is away, or files are still being labelled.
        """
        passed = [
            passage
            for passage, verdict in zip(passages, verdicts, strict=True)
            if verdict.outcome is Outcome.PASS
        ]
        if not passed:
            return [(verdict, None) for verdict in verdicts]
        files = await self._files.labelled(
            [self._which.order(one) for one in passed if rows_to_label(one.event)], work.partition
        )
        return await asyncio.to_thread(
            self._carry_out, passages, verdicts, passed, work.partition, files
        )

    def _one(self, passage: Passage, log: int, begun: set[str]) -> LabellingFacts:
        event = passage.event
        upstream, held = _before(passage)
        row = None
        if event.template is not None:
            row = self._registries.templates.get(event.tenant, event.template)
        registered = row is not None and row.status == "enabled"
        label = self._which.first(passage)
        stream = stream_of(event, log)
        asks = self._which.asks(passage) if event.type == UNLABELLED else {}
        prompt, prompt_fault = prompted(self._registries.control, row, event, passage.as_of)
        contract, fault = shown_beside(self._registries.control, row, passage.as_of)
        return LabellingFacts(
            upstream=upstream,
            held=held,
            registered=registered,
            a17_item=row.a17_item if row is not None else None,
            interface_label=contract is not None,
            interface=contract,
            interface_fault=fault,
            provider=self._producer_fault,
            sentence=self._sentence,
            sentence_valid=self._sentence_valid,
            text=isinstance(event.text, str) or is_scenery(event),
            faults=() if self._producer_fault else label.faults(),
            first_write=label.is_first_write(),
            segment=None if stream is None else stream.index,
            stream_labelled=stream is not None
            and (stream.mark in begun or self._objects.exists(stream.mark)),
            objects=self._named.facts(event) if upstream is None and rows_of_ours(event) else (),
            outputs=self._outputs(passage) if upstream is None else (),
            labels_clause=self._which.labels_clause(passage) if is_made(event) else None,
            prompt=prompt,
            prompt_fault=prompt_fault,
            **asks,
        )

    def _outputs(self, passage: Passage) -> tuple[OutputFact, ...]:
        """Of the files or words an event brings, what can be said before anything is done with them."""
        return self._texts.found(passage) or self._which.found(passage.event, self._files)

    def _carry_out(
        self,
        passages: Sequence[Passage],
        verdicts: Sequence[Verdict],
        passed: Sequence[Passage],
        log: int,
        labelled: Mapping[Passage, Sequence[Made]],
    ) -> list[Done]:
        outcomes = {**labelled, **self._texts.stored(passed, log)}
        made: dict[int, LabelledText] = {}
        files: dict[str, bytes] = {}
        given = [self._given(*item, outcomes) for item in zip(passages, verdicts, strict=True)]
        for number, (passage, verdict) in enumerate(zip(passages, given, strict=True)):
            if verdict.outcome is Outcome.PASS and has_text(passage.event):
                made[number] = self._make(passage, log)
                files |= made[number].files()
        conflicts = self._objects.put_all(files)
        done: list[Done] = [(verdict, None) for verdict in given]
        marks: dict[str, bytes] = {}
        for number, (passage, verdict) in enumerate(zip(passages, given, strict=True)):
            if verdict.outcome is not Outcome.PASS:
                continue
            found = self._read_back(passage, made.get(number), conflicts)
            if found is None:
                done[number] = (self._again(passage, verdict, readback_ok=False), None)
                continue
            done[number] = (verdict, _with_files(found, outcomes.get(passage, ())))
            stream = stream_of(passage.event, log)
            if stream is not None and stream.index == 0:
                marks[stream.mark] = _STREAM_BEGUN
        self._objects.put_all(marks)
        return [
            self._still_begun(passage, item, log)
            for passage, item in zip(passages, done, strict=True)
        ]

    def _make(self, passage: Passage, log: int) -> LabelledText:
        stream = stream_of(passage.event, log)
        bare = passage.event.type == UNLABELLED or (stream is not None and stream.index > 0)
        sentence = None if bare else self._sentence
        (label,) = self._which.labels(passage, 1)
        return LabelledText.make(log, passage.origin, words_of(passage.event), sentence, label)

    def _given(
        self,
        passage: Passage,
        verdict: Verdict,
        outcomes: Mapping[Passage, Sequence[Made]],
    ) -> Verdict:
        """The verdict, given again if files were labelled."""
        if passage not in outcomes:
            return verdict
        return self._again(passage, verdict, outputs=facts_of(outcomes[passage]))

    def _read_back(
        self, passage: Passage, made: LabelledText | None, conflicts: frozenset[str]
    ) -> Mapping[str, Any] | None:
        """What is in the store under the names to be released; None if that is not what it must be."""
        if made is not None and not conflicts.isdisjoint((made.name, made.name + SIDECAR_SUFFIX)):
            return None
        event = passage.event
        names = [made.name] if made else []
        if names_objects(event):
            names += [row["name"] for row in event.content["objects"]]
        found: list[LabelledFile | LabelledText] = []
        for name in names:
            try:
                item = read_object(self._objects, name)
            except LabelError:
                return None
            if item is None or (made is not None and item != made):
                return None
            found.append(item)
        return {
            "objects": [item.row() for item in found],
            "label": (found[0].label if found else self._which.first(passage)).row(),
            "explicit": found[0].explicit if found else None,
            "readback_ok": True,
        }

    def _still_begun(self, passage: Passage, item: Done, log: int) -> Done:
        """A later part does not go before the first was labelled, even if that failed in this very batch."""
        verdict, carried = item
        stream = stream_of(passage.event, log) if verdict.outcome is Outcome.PASS else None
        if stream is None or stream.index == 0 or not verdict.facts["stream_labelled"]:
            return item
        if self._objects.exists(stream.mark):
            return item
        again = self._again(passage, verdict, stream_labelled=False)
        return again, carried if again.outcome is Outcome.PASS else None

    def _again(self, passage: Passage, verdict: Verdict, **changed: Any) -> Verdict:
        """Decide again on what carrying out showed."""
        facts = replace(LabellingFacts.from_row(verdict.facts), **changed)
        return decide(passage.event, facts, self._book.at(passage.as_of), passage.as_of)


def _with_files(carried: Mapping[str, Any], outcomes: Sequence[Made]) -> Mapping[str, Any]:
    """What is released, with the files that were labelled, and what people perceive of each."""
    made = [outcome for outcome in outcomes if outcome.object is not None]
    if not made:
        return carried
    return {
        **carried,
        "objects": [*carried["objects"], *(outcome.object for outcome in made)],
        "label": carried["label"] if carried["objects"] else made[0].label,
        "explicit": carried["explicit"] or made[0].explicit,
        "shown": [outcome.explicit for outcome in made],
    }


def _before(passage: Passage) -> tuple[str | None, str | None]:
    """(refuse | hold | None, kind of hold) of the duties before. One that has not spoken refuses."""
    rows = {row["obligation"]: row for row in passage.said}
    outcomes = [rows[duty]["outcome"] if duty in rows else "refuse" for duty in BEFORE]
    if Outcome.REFUSE.value in outcomes:
        return Outcome.REFUSE.value, None
    holds = [row["hold"] for row in rows.values() if row.get("hold")]
    if Outcome.HOLD.value in outcomes:
        kind = Hold.REVIEW if Hold.REVIEW.value in holds else Hold.RETRY
        return Outcome.HOLD.value, kind.value
    return None, None
