"""Consent's step on real tables and a real passage; only the broker's ends are stood in for."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from obligations.events import AS_OF, an_edit
from registries.rows import SUBJECT, a_consent, a_revocation, a_template, put
from synthgate import law
from synthgate.events.event import Event
from synthgate.events.origin import Origin
from synthgate.events.passage import Passage
from synthgate.events.topics import COPIES
from synthgate.registries import Registries
from synthgate.step import Waiting, Work
from synthgate.steps.consent import ConsentDuty
from synthgate.steps.judge import JudgeStep
from synthgate.steps.quarantine import Quarantine
from synthgate.steps.receipts import Receipts


class Ends:
    """Says where the topics end, or waits; brings rows that arrive meanwhile."""

    def __init__(self, then: Any = None) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._then = then

    async def fresh(self, topics: Sequence[str]) -> Mapping[str, Sequence[int]]:
        self.asked.append(tuple(topics))
        if isinstance(self._then, Exception):
            raise self._then
        if self._then is not None:
            self._then()
        return {topic: [7] for topic in topics}


def _registries() -> Registries:
    registries = Registries(COPIES["consent"])
    put(registries, "facts.templates", a_template(edits_person=["style"]))
    put(registries, "facts.consents", a_consent())
    return registries


def _passage(event: Event, offset: int = 0, *, prompted: bool = True) -> Passage:
    passage = Passage(
        origin=Origin(1, "generation.events", 0, offset),
        at=AS_OF,
        event_hash="a" * 64,
        lane="fast",
        attrs=event.attrs,
        event_bytes=orjson.dumps(event.data),
        key=b"acme/u1",
    )
    facts = {"prompts": {"t1": AS_OF} if prompted else {}, "age_band": "adult"}
    passage.add_verdict(
        {"obligation": "identity", "outcome": "pass", "reasons": [], "facts": facts}
    )
    return Passage.parse(passage.render(), passage.key)


def _step(registries: Registries, ends: Ends) -> JudgeStep:
    return JudgeStep(
        ConsentDuty(registries, ends, Receipts(None)),
        law.load(),
        Quarantine(b"\x09" * 32),
        registries,
    )


async def test_a_batch_is_judged_in_order_with_what_it_rests_on() -> None:
    ends = Ends()
    passages = [
        _passage(an_edit(), 0),
        _passage(an_edit(), 1, prompted=False),
        _passage(an_edit(purpose="news"), 2),
    ]
    work = Work(0, AS_OF)
    await _step(_registries(), ends).run(passages, work)
    assert ends.asked == [COPIES["consent"]]
    rows = [passage.verdict("consent") or {} for passage in passages]
    assert [row["outcome"] for row in rows] == ["pass", "refuse", "refuse"]
    assert rows[0]["facts"]["grants_used"] == [[SUBJECT, "g-1"]]
    assert rows[0]["read"] == {topic: [7] for topic in COPIES["consent"]}
    assert [[reason["code"] for reason in row["reasons"]] for row in rows] == [
        [], ["no_prompt"], ["grant_scope"],
    ]  # fmt: skip
    assert work.outputs.by_topic == {}


async def test_what_came_in_while_asking_counts() -> None:
    registries = _registries()
    ends = Ends(lambda: put(registries, "facts.revocations", a_revocation()))
    passage = _passage(an_edit())
    await _step(registries, ends).run([passage], Work(0, AS_OF))
    row = passage.verdict("consent") or {}
    assert [reason["code"] for reason in row["reasons"]] == ["grant_revoked"]


async def test_a_copy_that_lags_is_waited_for_and_nothing_is_judged() -> None:
    passage = _passage(an_edit())
    with pytest.raises(Waiting):
        await _step(_registries(), Ends(Waiting("facts.consents"))).run([passage], Work(0, AS_OF))
    assert passage.verdict("consent") is None


async def test_without_identitys_word_no_prompt_was_shown() -> None:
    passage = _passage(an_edit())
    passage.verdicts_raw = b""
    passage.__dict__.pop("verdicts", None)
    await _step(_registries(), Ends()).run([passage], Work(0, AS_OF))
    row = passage.verdict("consent") or {}
    assert [reason["code"] for reason in row["reasons"]] == ["no_prompt"]
