"""The AsyncAPI document names every topic and type, and every reference in it leads somewhere."""

from collections.abc import Iterator
from typing import Any

from synthgate.events import asyncapi, schema
from synthgate.events.topics import DUTIES, TOPICS
from synthgate.events.types import EVENT_TYPES

DOCUMENT = asyncapi.document()


def refs(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_every_topic_is_a_channel_and_every_event_type_a_message() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT["channels"]) == {topic.name for topic in TOPICS}
    for row in EVENT_TYPES:
        if row.model is not None:
            assert row.name in DOCUMENT["channels"][row.topic]["messages"]
    assert all(channel["messages"] for channel in DOCUMENT["channels"].values())


def test_every_reference_leads_somewhere() -> None:
    files = {f"./{name}" for name in schema.documents()}
    channels = {f"#/channels/{name}" for name in DOCUMENT["channels"]}
    found = set(refs(DOCUMENT))
    assert found <= files | channels
    assert files <= found


def test_operations_say_what_the_table_says() -> None:
    sends = {
        (name.split(".sends.")[0], operation["channel"]["$ref"].removeprefix("#/channels/"))
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "send"
    }
    receives = {
        (name.split(".receives.")[0], operation["channel"]["$ref"].removeprefix("#/channels/"))
        for name, operation in DOCUMENT["operations"].items()
        if operation["action"] == "receive"
    }
    for topic in TOPICS:
        writers = {who for who, name in sends if name == topic.name}
        assert writers == ({topic.writer} & set(DUTIES) or writers & set(DUTIES))
        assert {who for who, name in receives if name == topic.name} == set(topic.readers) & set(
            DUTIES
        )
    assert {who for who, name in sends if name == "quarantine"} == set(DUTIES)


def test_a_gating_type_says_wait() -> None:
    messages = DOCUMENT["channels"]["generation.events"]["messages"]
    for row in EVENT_TYPES:
        if row.topic == "generation.events" and row.name in messages:
            assert ("wait for a release" in messages[row.name]["summary"]) == row.gates
