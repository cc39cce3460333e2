"""Plays stories through the client and compares what comes with what was told."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import orjson

from synthgate.client import Decision, Gate, Undecided
from synthgate.demo.acts import Act, Cited, Story, event_of
from synthgate.demo.facts import facts, recall
from synthgate.demo.straight import Straight
from synthgate.events.event import Event
from synthgate.events.facts import Row

ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """One act played: what came, how long it took, and whether it is what the story tells."""

    story: Story
    act: Act
    action: str
    codes: tuple[str, ...]
    ms: int
    event_id: str
    objects: int
    cases: bool
    cause: str = ""
    files: tuple[str, ...] = ()
    """Names of labelled objects that are files."""

    @property
    def as_told(self) -> bool:
        """Same action, every expected reason named."""
        return self.action == self.act.expect and set(self.act.codes) <= set(self.codes)


class Player:
    """One run. ``run`` makes its ids unlike another's. ``media``: the tenant's folder of files.

    answer_s: how long an answer is waited for, seconds.
    """

    def __init__(
        self,
        gate: Gate,
        straight: Straight,
        run: str,
        on_told: Callable[[Told], None],
        media: Path | None = None,
        answer_s: float = ANSWER_S,
    ) -> None:
        self._media = media
        self._answer_s = answer_s
        self._gate = gate
        self._straight = straight
        self._run = run
        self._on_told = on_told
        self._said: dict[str, Decision] = {}
        self._sent: dict[str, Event] = {}

    async def facts(self) -> None:
        """Write what must be known first."""
        for topic, row in facts(_now_ms()):
            await self._fact(topic, row)

    async def play(self, stories: tuple[Story, ...]) -> list[Told]:
        """Stories side by side, each in order."""
        told = await asyncio.gather(*(self._story(story) for story in stories))
        return [one for part in told for one in part]

    async def _story(self, story: Story) -> list[Told]:
        told = []
        for act in story.acts:
            begun = time.monotonic()
            answer = await self._act(story, act)
            if answer is None:
                continue
            one = _told(story, act, answer, round((time.monotonic() - begun) * 1000))
            self._on_told(one)
            told.append(one)
        return told

    async def _act(self, story: Story, act: Act) -> Decision | Undecided | None:
        if act.type == "recall":
            await self._fact("facts.recalls", recall(f"{self._run}-{act.generation}", _now_ms()))
            return None
        if act.type == "review":
            answer = await self._review(act)
        elif act.straight:
            answer = await self._raw(story, act)
        else:
            answer = await self._gate.decide(self._event(story, act), self._answer_s)
        if isinstance(answer, Decision):
            self._said[act.id] = answer
        return answer

    def _event(self, story: Story, act: Act) -> Event:
        cited = _cited(self._said.get(act.cites or ""))
        if act.again is not None and act.prompt is None:
            return self._sent[act.again]
        if self._media is not None:
            for file in act.files:
                file.place(self._media)
        built = event_of(story, act, _now_ms(), cited, self._run)
        if act.again is not None:
            built["id"] = self._sent[act.again].id
        data = built.pop("data")
        event = self._sent[act.id] = Event(built, data)
        return event

    async def _review(self, act: Act) -> Decision | Undecided:
        held = self._said[act.cites or ""]
        outcome: Literal["pass", "refuse"] = "pass" if act.outcome == "pass" else "refuse"
        await self._gate.desk.answer_hold(held, outcome, act.reviewer or "")
        return await held.next(self._answer_s)

    async def _raw(self, story: Story, act: Act) -> Decision | Undecided:
        """What the client itself would not send: straight to the topic, as a careless app would."""
        event = self._event(story, act)
        key = (act.key or f"{event.data['tenant']}/{story.user}").encode()
        value = act.raw if act.raw is not None else orjson.dumps(dict(event.data))
        headers = [(f"ce_{name}", str(text).encode()) for name, text in event.attrs.items()]
        return await self._straight.ask(key, value, headers, self._answer_s)

    async def _fact(self, topic: str, row: Row) -> None:
        await self._gate.facts.write(topic, **row.model_dump())


def _cited(decision: Decision | None) -> Cited | None:
    if decision is None:
        return None
    return Cited(decision.pass_text, tuple(decision.row["objects"]))


def _told(story: Story, act: Act, answer: Decision | Undecided, ms: int) -> Told:
    codes: tuple[str, ...] = ()
    objects = 0
    files: tuple[str, ...] = ()
    event_id = ""
    if isinstance(answer, Decision):
        codes = tuple(reason.code for reason in answer.reasons)
        objects = len(answer.objects)
        files = tuple(one.name for one in answer.objects) if act.files else ()
        event_id = answer.event_id or ""
    illegal = "risk_refuse" in codes
    cause = "" if isinstance(answer, Decision) else answer.cause
    return Told(story, act, answer.action, codes, ms, event_id, objects, illegal, cause, files)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
