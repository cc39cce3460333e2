from collections import Counter
from itertools import islice
from pathlib import Path

import orjson
import pytest

from local_bus import LocalBus, local_settings
from synthgate.bench.load import EVENT_BYTES, Odd, events, facts
from synthgate.effects.provider_code import SAMPLE_CODE
from synthgate.events.decision import Decision


def _answers(folder: Path, odd: Odd | None) -> list[Decision]:
    """Of the whole chain, to forty events that are the same each time."""
    settings = local_settings(folder, provider_code=SAMPLE_CODE)
    bus = LocalBus(settings, fused=True)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    sent = list(events(settings, 40, bus.now_ms, odd=odd))
    assert sent == list(events(settings, 40, bus.now_ms, odd=odd))
    for one in sent:
        bus.append("generation.events", one.key, one.value, one.headers, one.partition)
    bus.run()
    return bus.decisions()


def test_the_load_is_lawful(tmp_path: Path) -> None:
    """Every event is released, so that no variant measures refusals."""
    assert [each.action for each in _answers(tmp_path, None)] == ["release"] * 40


@pytest.mark.parametrize("medium", ["text", "image"])
def test_odd_ones_are_refused_and_nothing_else_is(tmp_path: Path, medium: str) -> None:
    answers = Counter((each.action, each.medium) for each in _answers(tmp_path, Odd(4, medium)))
    assert answers == {("release", "text"): 30, ("refuse", medium): 10}


def test_events_are_of_the_size_told(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    found = list(islice(events(settings, 500, 1_795_000_000_000), 500))
    sizes = [len(one.value) for one in found]
    assert abs(sum(sizes) / len(sizes) - EVENT_BYTES) < EVENT_BYTES * 0.05
    prompts = {orjson.loads(one.value)["content"]["prompt"] for one in found}
    assert len(prompts) == len(found)
