"""Every act of every story has the outcome it tells of: in one process here, on real Kafka in tests/e2e."""

from typing import Any

import pytest

from local_bus import LocalBus, local_settings
from synthgate.demo.acts import Story
from synthgate.demo.facts import facts
from synthgate.demo.stories import STORIES
from synthgate.obligations import consent, identity
from teller import Teller


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.user)
def test_story(tmp_path: Any, story: Story, fused: bool) -> None:
    bus = LocalBus(local_settings(tmp_path), fused=fused)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    teller = Teller(bus)
    teller.play(story)
    for act in story.acts:
        if act.type == "recall":
            continue
        decision = teller.said[act.id]
        codes = {reason.code for reason in decision.reasons}
        assert decision.action == act.expect, (act.id, decision.reasons)
        assert set(act.codes) <= codes, (act.id, codes)
        if decision.action == "release" and act.text is not None:
            assert decision.objects and decision.label, act.id


def test_forty_text_generations() -> None:
    acts = [act for story in STORIES for act in story.acts]
    assert sum(act.type.startswith("generation.") for act in acts) >= 40


def test_each_rule_about_people_is_broken_once(tmp_path: Any) -> None:
    bus = LocalBus(local_settings(tmp_path), fused=True)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    broken = set()
    for story in STORIES:
        teller = Teller(bus)
        teller.play(story)
        broken |= {reason.rule for said in teller.said.values() for reason in said.reasons}
    of_people = {*identity.OBLIGATION.rules, *consent.OBLIGATION.rules}
    wanted = {rule for rule in of_people if not rule.startswith("HOUSE-")}
    assert wanted - broken == set()
