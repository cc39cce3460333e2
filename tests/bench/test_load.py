from itertools import islice
from pathlib import Path

import orjson

from local_bus import LocalBus, local_settings
from synthgate.bench.load import EVENT_BYTES, events, facts
from synthgate.effects.provider_code import SAMPLE_CODE


def test_the_load_is_lawful_and_the_same_each_time(tmp_path: Path) -> None:
    """Every event is released by the whole chain, so that no variant measures refusals."""
    settings = local_settings(tmp_path, provider_code=SAMPLE_CODE)
    bus = LocalBus(settings, fused=True)
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    sent = list(events(settings, 40, bus.now_ms))
    for one in sent:
        bus.append("generation.events", one.key, one.value, one.headers, one.partition)
    bus.run()
    decisions = bus.decisions()
    assert [decision.action for decision in decisions] == ["release"] * 40
    assert sent == list(events(settings, 40, bus.now_ms))


def test_events_are_of_the_size_told(tmp_path: Path) -> None:
    settings = local_settings(tmp_path)
    found = list(islice(events(settings, 500, 1_795_000_000_000), 500))
    sizes = [len(one.value) for one in found]
    assert abs(sum(sizes) / len(sizes) - EVENT_BYTES) < EVENT_BYTES * 0.05
    prompts = {orjson.loads(one.value)["content"]["prompt"] for one in found}
    assert len(prompts) == len(found)
