"""A released shape only grows: every way of taking something back is named."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from synthgate.events import growth, schema
from synthgate.events.topics import TOPICS

ROW: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "maxLength": 256},
        "kind": {"enum": ["a", "b"], "type": "string"},
        "size": {"type": "integer", "minimum": 0},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "parts": {"type": "array", "items": {"$ref": "#/$defs/Part"}},
        "free": {"type": "object", "additionalProperties": True},
    },
    "required": ["id"],
    "$defs": {
        "Part": {
            "type": "object",
            "properties": {"n": {"type": "integer"}, "in": {"$ref": "#/$defs/Part"}},
            "required": ["n"],
        }
    },
    "allOf": [
        {
            "if": {"properties": {"type": {"const": "x.done"}}},
            "then": {"properties": {"data": {"$ref": "#/$defs/Part"}}},
        }
    ],
}

Change = Callable[[dict[str, Any]], object]


def faults(change: Change, *, said: bool = False) -> list[str]:
    new = copy.deepcopy(ROW)
    change(new)
    return growth.faults(ROW, new, said=said)


NARROWED: dict[str, Change] = {
    "field removed": lambda s: s["properties"].pop("size"),
    "field required": lambda s: s["required"].append("size"),
    "new field required": lambda s: (
        s["properties"].update(more={"type": "string"}),
        s["required"].append("more"),
    ),
    "type changed": lambda s: s["properties"].update(size={"type": "string"}),
    "type appears": lambda s: s["properties"]["free"].update(
        additionalProperties={"type": "string"}
    ),
    "value gone": lambda s: s["properties"]["kind"].update(enum=["a"]),
    "values listed": lambda s: s["properties"]["id"].update(enum=["a"]),
    "shorter": lambda s: s["properties"]["id"].update(maxLength=128),
    "minimum": lambda s: s["properties"]["size"].update(minimum=1),
    "pattern": lambda s: s["properties"]["id"].update(pattern="^a"),
    "null refused": lambda s: s["properties"].update(note={"type": "string"}),
    "unknown refused": lambda s: s["properties"]["free"].update(additionalProperties=False),
    "deep field removed": lambda s: s["$defs"]["Part"]["properties"].pop("n"),
    "deep field narrowed": lambda s: s["$defs"]["Part"]["properties"].update(n={"type": "null"}),
    "event type removed": lambda s: s["allOf"].clear(),
    "items described": lambda s: s["$defs"]["Part"]["properties"].update({"in": {"type": "null"}}),
}

GROWN: dict[str, Change] = {
    "optional field": lambda s: s["properties"].update(more={"type": "string"}),
    "another value": lambda s: s["properties"]["kind"].update(enum=["a", "b", "c"]),
    "a described part": lambda s: s.update(description="said better"),
    "another event type": lambda s: s["allOf"].append(
        {"if": {"properties": {"type": {"const": "y.done"}}}, "then": {}}
    ),
    "a part renamed": lambda s: (
        s["$defs"].update(Piece=s["$defs"]["Part"]),
        s["properties"]["parts"].update(items={"$ref": "#/$defs/Piece"}),
    ),
}

WIDENED: dict[str, Change] = {
    "longer": lambda s: s["properties"].update(
        size={"anyOf": [{"type": "integer", "minimum": 0}, {"type": "null"}]}
    ),
    "number": lambda s: s["properties"]["size"].update(type="number"),
    "no longer required": lambda s: s["required"].clear(),
}


@pytest.mark.parametrize("name", NARROWED)
@pytest.mark.parametrize("said", [True, False])
def test_narrowing_is_refused_both_ways(name: str, said: bool) -> None:
    assert faults(NARROWED[name], said=said)


@pytest.mark.parametrize("name", GROWN)
@pytest.mark.parametrize("said", [True, False])
def test_growth_is_allowed_both_ways(name: str, said: bool) -> None:
    assert faults(GROWN[name], said=said) == []


@pytest.mark.parametrize("name", WIDENED)
def test_widening_is_growth_for_writers_and_a_break_for_readers(name: str) -> None:
    assert faults(WIDENED[name]) == []
    assert faults(WIDENED[name], said=True)


def test_a_fault_names_its_place() -> None:
    assert faults(NARROWED["deep field removed"]) == [
        "/parts/[]/n: removed",
        "/x.done/data/n: removed",
    ]
    assert faults(NARROWED["field required"]) == ["/size: now required"]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_schema_is_growth_of_itself_and_not_of_a_cut_one(topic: Any) -> None:
    whole = schema.document(topic)
    said = schema.said(topic.name)
    assert growth.faults(whole, whole, said=said) == []
    for name in whole["properties"]:
        cut = copy.deepcopy(whole)
        del cut["properties"][name]
        assert f"/{name}: removed" in growth.faults(whole, cut, said=said)
