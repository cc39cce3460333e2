"""The acts of a long run, through the whole chain without a broker: each is answered as the mix says."""

from pathlib import Path
from types import SimpleNamespace

import orjson

from local_bus import LocalBus, local_settings
from synthgate.bench import load, mix
from synthgate.bench.soak_platform import Platform
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.decision import Decision

ROUNDS = mix.SELDOM + 1


def _sent(bus: LocalBus) -> list[mix.Act]:
    for topic, row in [*load.facts(bus.now_ms), *mix.facts(bus.now_ms)]:
        bus.fact(topic, row)
    acts = mix.Mix(bus.settings).made(ROUNDS * mix.ROUND, bus.now_ms)
    for act in acts:
        sent = act.sent
        bus.append("generation.events", sent.key, sent.value, sent.headers, sent.partition)
    bus.run()
    return acts


def test_every_act_is_answered_as_told_and_a_hold_by_its_reviewer(tmp_path: Path) -> None:
    settings = local_settings(tmp_path, provider_code=SAMPLE_CODE)
    bus = LocalBus(settings, fused=True)
    acts = _sent(bus)
    assert {act.kind for act in acts} == {"lawful", *mix.ACTS.values()}
    first: dict[str, Decision] = {}
    for decision in bus.decisions():
        first.setdefault(decision.event_id, decision)
    for act in acts:
        if act.number is not None:
            answer = first[load.event_id(act.number)]
            assert (act.kind, answer.action) == (act.kind, mix.ANSWERS[act.kind])
    held = [
        (orjson.loads(record.value), partition, record.key)
        for (topic, partition), log in bus.logs.items() if topic == "decisions"
        for record in log if b'"action":"hold"' in (record.value or b"")
    ]  # fmt: skip
    assert len(held) == ROUNDS
    for row, partition, key in held:
        value, headers = mix.answer_to(row, bus.now_ms)
        bus.append("operator.events", key, value, headers, partition)
    bus.run()
    last = {decision.event_id: decision.action for decision in bus.decisions()}
    assert {last[row["event_id"]] for row, _, _ in held} == {mix.REVIEWED}


def test_a_repeat_is_the_event_that_was_sent(tmp_path: Path) -> None:
    made = mix.Mix(local_settings(tmp_path))
    one = made.made(mix.ROUND, 1_795_000_000_000)
    two = made.made(mix.ROUND, 1_795_000_060_000)
    acts = [*one, *two]
    for number, act in enumerate(acts):
        before = acts[number - mix.AGAIN]
        if act.kind in ("again", "other bytes"):
            assert before.kind == "lawful" and before.sent.headers == act.sent.headers
            assert (before.sent == act.sent) == (act.kind == "again")


def test_only_ids_of_the_mix_have_a_number() -> None:
    assert mix.number_of("event-17") == 17
    assert [mix.number_of(name) for name in (None, "", "event-x", "answer-17", "event-017")] == [
        None
    ] * 5


def test_what_a_hold_becomes_is_judged(tmp_path: Path) -> None:
    platform = Platform(local_settings(tmp_path), None)

    def says(number: int, action: str) -> None:
        row = {"event_id": load.event_id(number), "action": action}
        platform.hear(SimpleNamespace(value=orjson.dumps(row)))

    one, other = (place + 11 for place in (0, mix.ROUND))
    assert mix.kind_of(one) == mix.kind_of(other) == "held"
    platform._due = {one: 0.0, other: 0.0}
    for number, answered in ((one, mix.REVIEWED), (other, "refuse")):
        says(number, "hold")
        assert platform.waiting > 0
        says(number, answered)
        says(number, "recall")  # later ones are not this rule's
    assert platform.waiting == 0
    assert platform.wrong == {"held, then: refuse": 1}
