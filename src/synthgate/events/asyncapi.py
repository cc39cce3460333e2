"""The AsyncAPI 3.0 document: every channel, message and operation, from the topic table and the types."""

from typing import Any, Final

from synthgate import __version__
from synthgate.events.schema import MODELS, describe, event_types, name_of
from synthgate.events.topics import DUTIES, TOPICS, Kind, Topic
from synthgate.events.types import TYPES, EventType

_FORMAT: Final = "application/schema+json;version=draft-2020-12"


def document() -> dict[str, Any]:
    """The document, from the point of view of Synthgate: it receives what platforms send."""
    operations: dict[str, Any] = {}
    for topic in TOPICS:
        operations |= _operations(topic)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Synthgate",
            "version": __version__,
            "description": "A compliance chain for AI generation events: topics, records, and who may"
            " write them. Physical topic names carry the installation's prefix.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": operations,
    }


def _channel(topic: Topic) -> dict[str, Any]:
    config: dict[str, Any] = {"max.message.bytes": topic.bytes_max}
    if topic.kept_ms is None:
        config["cleanup.policy"] = ["compact"]
    else:
        config |= {"cleanup.policy": ["delete"], "retention.ms": topic.kept_ms}
    return {
        "address": topic.name,
        "description": describe(topic),
        "messages": _messages(topic),
        "bindings": {"kafka": {"topicConfiguration": config, "bindingVersion": "0.5.0"}},
    }


def _messages(topic: Topic) -> dict[str, Any]:
    if topic.kind is Kind.QUARANTINE:
        return {
            topic.name: {
                "summary": "Received bytes, sealed to the operator; the headers are the label.",
                "contentType": "application/octet-stream",
                "headers": _schema(topic),
            }
        }
    if topic.name in MODELS:
        return {topic.name: {"payload": _schema(topic), "bindings": _key(topic)}}
    return {name: _event(topic, TYPES[name]) for name in event_types(topic.name)}


def _event(topic: Topic, row: EventType) -> dict[str, Any]:
    traits = [f"rules: {', '.join(row.rules)}"] if row.rules else []
    if row.gates:
        traits.append("wait for a release")
    if row.follows:
        traits.append(f"carries the pass of {' or '.join(row.follows)}")
    return {
        "name": row.name,
        "summary": "; ".join(traits) or "no rule of its own",
        "contentType": "application/cloudevents+json",
        "payload": _schema(topic),
        "bindings": _key(topic),
    }


def _schema(topic: Topic) -> dict[str, Any]:
    return {
        "schemaFormat": _FORMAT,
        "schema": {"$ref": f"./{name_of(topic.name)}.schema.json"},
    }


def _key(topic: Topic) -> dict[str, Any]:
    key = {"type": "string", "description": topic.key}
    return {"kafka": {"key": key, "bindingVersion": "0.5.0"}}


def _operations(topic: Topic) -> dict[str, Any]:
    """One operation for every duty that writes or reads a topic."""
    writers = DUTIES if topic.kind is Kind.QUARANTINE else (topic.writer,)
    return {
        f"{who}.{verb}.{topic.name}": {
            "action": "send" if verb == "sends" else "receive",
            "channel": {"$ref": f"#/channels/{topic.name}"},
            "summary": f"{who} {verb} {topic.name}",
        }
        for verb, names in (("sends", writers), ("receives", topic.readers))
        for who in names
        if who in DUTIES
    }
