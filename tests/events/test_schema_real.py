"""What the running stages really write obeys the published schemas, on every topic they write."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from demo.test_stories import Teller
from local_bus import LocalBus, local_settings
from synthgate.demo.acts import Story
from synthgate.demo.facts import facts
from synthgate.demo.stories import STORIES
from synthgate.events import schema
from synthgate.events.topics import BY_NAME, DUTIES, Kind

WRITTEN = {
    name for name, topic in BY_NAME.items() if topic.writer in DUTIES and not name.endswith(".slow")
} - {"timer.events"} | {"quarantine"}


RELEASED = {
    path.name.partition(".v1.")[0]: path
    for path in (Path(__file__).parents[2] / "schemas" / "released").glob("*.v1.schema.json")
}


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> LocalBus:
    bus = LocalBus(local_settings(tmp_path_factory.mktemp("bus"), guard_users=1))
    for topic, row in facts(bus.now_ms):
        bus.fact(topic, row)
    for story in STORIES:
        Teller(bus).play(story)
    carol = next(story for story in STORIES if story.user == "carol")
    unanswered = [replace(act, id=f"dave-{act.id}", generation="dave") for act in carol.acts[1:3]]
    Teller(bus).play(Story("dave", "nobody answers his hold", tuple(unanswered)))
    bus.now_ms += 25 * 3_600_000  # It has expired by then.
    bus.tick()
    bus.run()
    bus.prove()
    return bus


def rows(topic: str, played: LocalBus) -> list[Any]:
    """What of a topic its schema describes."""
    if topic == "quarantine":
        return [
            {name: value.decode() for name, value in record.headers}
            for record in played.records(topic)
        ]
    return [json.loads(record.value or b"") for record in played.records(topic)]


@pytest.mark.parametrize("topic", sorted(WRITTEN & RELEASED.keys()))
def test_every_record_obeys_the_schema_that_was_released(topic: str, played: LocalBus) -> None:
    """Who reads by an earlier version's schema takes what is written now, but for values added to a list."""
    text = RELEASED[topic].read_text(encoding="utf-8")
    released = json.loads(text, object_hook=lambda node: {k: node[k] for k in node if k != "enum"})
    validator = jsonschema.Draft202012Validator(released)
    for row in rows(topic, played):
        validator.validate(row)


@pytest.mark.parametrize("topic", sorted(WRITTEN))
def test_every_record_obeys_its_schema(topic: str, played: LocalBus) -> None:
    validator = jsonschema.Draft202012Validator(schema.document(BY_NAME[topic]))
    found = rows(topic, played)
    assert found, "the stories write nothing there"
    for row in found:
        validator.validate(row)
        if topic in schema.MODELS and BY_NAME[topic].kind is not Kind.QUARANTINE:
            schema.MODELS[topic].model_validate_json(json.dumps(row))


@pytest.mark.parametrize("topic", ["generation.events", "operator.events", "timer.events"])
def test_every_admitted_event_obeys_its_schema(topic: str, played: LocalBus) -> None:
    """What a schema refuses the door stubs, and the other way round; rules beyond shape are the duties'."""
    validator = jsonschema.Draft202012Validator(schema.document(BY_NAME[topic]))
    stubs = {
        tuple(
            json.loads(record.value or b"")["origin"][name]
            for name in ("topic", "partition", "offset")
        )
        for record in played.records("passages.identified")
        if json.loads(record.value or b"")["attrs"]["type"] == "record.stubbed"
    }
    seen: Counter[bool] = Counter()
    for partition in range(played.settings.partitions):
        for record in played.logs.get((topic, partition), ()):
            headers = {name: value.decode() for name, value in record.headers}
            attrs = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
            try:
                event = attrs | {"data": json.loads(record.value or b"")}
            except ValueError:
                continue
            stubbed = (topic, partition, record.offset) in stubs
            seen[stubbed] += 1
            if not stubbed:
                validator.validate(event)
    assert seen[False]
