"""JSON Schema 2020-12 for every topic, made from the models. Returns documents, writes nothing.

One document a topic and version: ``schemas/<topic>.v<version>.schema.json``. A topic that carries events
branches on ``type``, so a validator names the fault in the one shape that was meant.
"""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from synthgate.events.decision import CaseRow, CheckpointRow, Decision, DoorRow, WorkRow
from synthgate.events.desk_rows import DeskRow
from synthgate.events.envelopes import CloudEvent, PassageRow, QuarantineLabel
from synthgate.events.facts import ROWS
from synthgate.events.topics import BY_NAME, TOPICS, Kind, Topic
from synthgate.events.types import EVENT_TYPES, TYPES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

VERSIONS: Final[dict[str, int]] = {topic.name: 1 for topic in TOPICS}
"""Raise a topic's version when its shape must change in a way that is not growth."""

MODELS: Final[dict[str, type[BaseModel]]] = {
    "decisions": Decision,
    "cases": CaseRow,
    "desk.events": DeskRow,
    "work": WorkRow,
    "records.door": DoorRow,
    "checkpoints": CheckpointRow,
    "quarantine": QuarantineLabel,
    **ROWS,
    **{topic.name: PassageRow for topic in TOPICS if topic.kind is Kind.CHAIN},
}
"""Topics whose records have one shape; sources carry events by type instead."""

HEARD: Final = ("platform", "desk", "cli")
"""Writers who are not us: what they write is heard, everything else is said."""


class _Plain(GenerateJsonSchema):
    """Without the titles pydantic derives from field names: they repeat the name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def name_of(topic: str) -> str:
    """``decisions.v1``: the name a schema, its file and its examples go by."""
    return f"{topic}.v{VERSIONS[topic]}"


def said(topic: str) -> bool:
    """Whether we write this topic: then readers, not writers, must survive a change."""
    return BY_NAME[topic].writer not in HEARD


def event_types(topic: str) -> tuple[str, ...]:
    """Event types that arrive on a source topic; timers repeat what operators may answer."""
    if topic == "timer.events":
        return ("passage.reentered",)
    return tuple(row.name for row in EVENT_TYPES if row.topic == topic and row.model is not None)


def documents() -> dict[str, dict[str, Any]]:
    """Every schema by file name."""
    return {f"{name_of(topic.name)}.schema.json": document(topic) for topic in TOPICS}


def document(topic: Topic) -> dict[str, Any]:
    """The schema of one topic's records, at its current version."""
    head = {
        "$schema": DIALECT,
        "$id": f"urn:synthgate:schema:{name_of(topic.name)}",
        "title": name_of(topic.name),
        "description": describe(topic),
    }
    if topic.name in MODELS:
        body = _schema(MODELS[topic.name])
        about = body.pop("description", "")
        body.pop("title", None)
        head["description"] = f"{' '.join(about.split())} {head['description']}"
    else:
        body = _events(topic)
    if said(topic.name):
        _open(body)
    return head | body


def describe(topic: Topic) -> str:
    """One sentence on who writes and reads a topic, by what key, kept how long."""
    kept = "compacted" if topic.kept_ms is None else f"kept {topic.kept_ms // 3_600_000} h"
    readers = ", ".join(topic.readers)
    return f"Written by {topic.writer}, read by {readers}; key: {topic.key}; {kept}."


def _events(topic: Topic) -> dict[str, Any]:
    """CloudEvents whose ``data`` depends on their ``type``."""
    names = event_types(topic.name)
    body = _schema(CloudEvent)
    body.pop("title", None)
    defs = body.setdefault("$defs", {})
    branches = []
    for name in names:
        model = TYPES[name].model
        assert model is not None, name
        data = _schema(model)
        defs.update(data.pop("$defs", {}))
        defs[model.__name__] = data
        branches.append(
            {
                "if": {"properties": {"type": {"const": name}}, "required": ["type"]},
                "then": {"properties": {"data": {"$ref": f"#/$defs/{model.__name__}"}}},
            }
        )
    body["properties"]["type"] = {"enum": list(names)}
    body["$defs"] = dict(sorted(defs.items()))
    return body | {"allOf": branches}


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(schema_generator=_Plain)


def _open(node: Any) -> None:
    """What we say may grow, so a published shape never forbids a field it does not know."""
    if isinstance(node, dict):
        if node.get("additionalProperties") is False:
            del node["additionalProperties"]
        for value in node.values():
            _open(value)
    elif isinstance(node, list):
        for value in node:
            _open(value)
