"""The six ``decide`` and nothing else, one event at a time, without an engine: what every engine gets alike.

Each function takes one record's bytes and gives the next topic's: parse, decide, add the verdict, write. The
facts decided on are stand-ins: looked up for the first event and used for all, which are alike. So there are no
checks of the door, no look-ups and searches, no freshness questions, no log, no passes, no labels, no cases.
"""

import hashlib
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, NamedTuple

import orjson

from synthgate.bench.load import facts
from synthgate.crypto.keys import KeyFolder
from synthgate.crypto.tokens import user_token
from synthgate.events import topics
from synthgate.events.decision import Decision
from synthgate.events.event import Event
from synthgate.events.facts import key_of
from synthgate.events.origin import Origin
from synthgate.events.passage import FAST, Passage
from synthgate.events.verdicts import Judged, record
from synthgate.obligations import incidents, retention
from synthgate.parts import parts
from synthgate.settings import Settings
from synthgate.step import Work
from synthgate.steps.answers import Promise, decision_row
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.entry import action_of
from synthgate.steps.identity import IdentityDuty
from synthgate.steps.judge import PRODUCER, Duty
from synthgate.steps.labelling import LabellingDuty
from synthgate.steps.moderation import ModerationDuty
from synthgate.steps.receipts import Receipts

PATH: Final = (
    "generation.events", "passages.identified", "passages.consented", "passages.moderated",
    "passages.labelled", "decisions",
)  # fmt: skip
HEARD: Final = dict(zip(topics.DUTIES, PATH, strict=True))
SAID: Final = dict(zip(topics.DUTIES, PATH[1:], strict=False))
"""Topic each duty hears, and the one it speaks on; incidents speaks on none here."""
_PROMISE: Final = Promise(enforced=True, serve_ms=0, cite_ms=0)


class Record(NamedTuple):
    """One record, whatever client read it."""

    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: Sequence[tuple[str, bytes]] = ()


class NotReleased(RuntimeError):
    """A lawful event was not released: whatever was measured, it was not the work."""


class Six:
    """The six duties of one process, on copies that hold what the load needs."""

    def __init__(self, settings: Settings) -> None:
        KeyFolder.init(settings.keys_dir)
        shared = parts(settings, _Filled(), topics.DUTIES)
        now_ms = time.time_ns() // 1_000_000
        for number, (topic, row) in enumerate(facts(now_ms)):
            key = key_of(topic, row).encode()
            shared.apply(topic, 0, number, key, row.model_dump_json().encode())
        held, fresh = shared.registries, shared.fresh
        self._book, self._token_key = shared.book, shared.keys.token_key
        self._epoch = settings.epoch
        self._facts: dict[str, Any] = {}
        self._first_four: Mapping[str, Duty] = {
            "identity": IdentityDuty(held, fresh, shared.book),
            "consent": ConsentDuty(held, fresh, Receipts(None)),
            "moderation": ModerationDuty(held, fresh, shared.objects),
            "labelling": LabellingDuty(held, fresh, shared.objects, settings, shared.book),
        }
        self.each: Mapping[str, Callable[[Record], bytes]] = {
            "identity": lambda one: self._judged("identity", self._open(one)),
            "consent": lambda one: self._judged("consent", _parsed(one)),
            "moderation": lambda one: self._judged("moderation", _parsed(one)),
            "labelling": lambda one: self._judged("labelling", _parsed(one)),
            "retention": lambda one: self._released(_parsed(one), one),
            "incidents": lambda one: self._answered(one.value),
        }
        """By duty: the record for the topic it speaks on. Incidents gives back what it heard."""

    def fused(self, one: Record) -> bytes:
        """All six in one go: an event in, its decision out."""
        passage = self._open(one)
        for name in self._first_four:
            self._judge(name, passage)
        return self._answered(self._released(passage, one))

    def _open(self, one: Record) -> Passage:
        attrs = {name[3:]: raw.decode() for name, raw in one.headers if name.startswith("ce_")}
        passage = Passage(
            origin=Origin(self._epoch, PATH[0], one.partition, one.offset), at=one.timestamp,
            event_hash=hashlib.sha256(one.value).hexdigest(), lane=FAST, attrs=attrs,
            event_bytes=one.value, key=one.key,
        )  # fmt: skip
        event = passage.__dict__["event"] = Event(attrs, orjson.loads(one.value))
        passage.user_token = user_token(self._token_key, event.tenant, event.user or "")
        return passage

    def _judged(self, name: str, passage: Passage) -> bytes:
        self._judge(name, passage)
        return passage.render()

    def _judge(self, name: str, passage: Passage) -> None:
        duty, now_ms = self._first_four[name], time.time_ns() // 1_000_000
        facts = self._facts.get(name)
        if facts is None:
            gathered = _at_once(duty.gather([passage], Work(passage.origin.partition, now_ms)))
            facts = self._facts[name] = gathered.facts[0]
        law = self._book.at(passage.as_of)
        verdict = duty.obligation.decide(passage.event, facts, law, passage.as_of)
        judged = Judged(self._book.hash, passage.as_of, now_ms, PRODUCER)
        passage.add_verdict(record(verdict, judged))

    def _released(self, passage: Passage, one: Record) -> bytes:
        event, now_ms = passage.event, time.time_ns() // 1_000_000
        law = self._book.at(passage.as_of)
        upstream = {row["obligation"]: row["outcome"] for row in passage.said}
        held = retention.RetentionFacts(upstream=upstream)
        verdict = retention.decide(event, held, law, passage.as_of)
        row = decision_row(
            passage, verdict, action=action_of(held, verdict), supersedes=None, promise=_PROMISE,
            user=user_token(self._token_key, event.tenant, event.user or ""), now_ms=now_ms,
        )  # fmt: skip
        judged = Judged(self._book.hash, passage.as_of, now_ms, PRODUCER)
        passage.add_verdict(record(verdict, judged))
        receipt = {"log": one.partition, "index": one.offset, "hash": "0" * 64}
        return orjson.dumps({**row, "receipt": receipt, "pass": None})

    def _answered(self, value: bytes) -> bytes:
        decision = Decision.model_validate_json(value)
        law = self._book.at(decision.decided_at)
        incidents.decide(decision, incidents.facts_of(decision), law, decision.decided_at)
        if decision.action != "release":
            raise NotReleased(f"{decision.event_id} was not released")
        return value


class _Filled:
    """Copies that are always up to date."""

    def positions(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Nothing was read."""
        return {topic: [] for topic in topics}

    async def fresh(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        """Nothing to wait for."""
        return self.positions(topics)


def _parsed(one: Record) -> Passage:
    return Passage.parse(one.value, one.key)


def _at_once(gathering: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that waits for nothing: filled copies are always fresh."""
    try:
        gathering.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("gathering waited for something")
