"""Every schema is valid, every example obeys it and the model, every shape has an example."""

import json
from pathlib import Path

import jsonschema
import pytest

from synthgate.events import schema
from synthgate.events.decision import Decision
from synthgate.events.passage import Passage
from synthgate.events.topics import BY_NAME, TOPICS, Kind
from synthgate.events.types import EVENT_TYPES, TYPES

EXAMPLES = Path(__file__).parents[2] / "schemas" / "examples"
FILES = sorted(EXAMPLES.glob("*/*.json"))
DOCUMENTS = {topic.name: schema.document(topic) for topic in TOPICS}


def topic_of(path: Path) -> str:
    topic, _, version = path.parent.name.rpartition(".v")
    assert schema.VERSIONS[topic] == int(version), f"{path.parent} is of another version"
    return topic


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_schema_is_valid_and_named(topic: str) -> None:
    document = DOCUMENTS[topic]
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["title"] == f"{topic}.v{schema.VERSIONS[topic]}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_example_obeys_schema_and_model(path: Path) -> None:
    topic = topic_of(path)
    example = json.loads(path.read_bytes())
    jsonschema.Draft202012Validator(DOCUMENTS[topic]).validate(example)
    if topic in schema.MODELS:
        schema.MODELS[topic].model_validate_json(path.read_bytes())
    else:
        model = TYPES[example["type"]].model
        assert model is not None
        model.model_validate_json(json.dumps(example["data"]))


def test_every_shape_has_an_example() -> None:
    have = {f"{topic_of(path)}/{path.stem}" for path in FILES}
    events = {f"{topic.name}/{name}" for topic in TOPICS for name in schema.event_types(topic.name)}
    rows = {f"{row.topic}/{row.name}" for row in EVENT_TYPES if row.model is None}
    assert events | rows <= have
    assert {topic_of(path) for path in FILES} == set(BY_NAME)


@pytest.mark.parametrize("type_name", sorted(schema.event_types("generation.events")))
def test_schema_refuses_data_of_another_shape(type_name: str) -> None:
    path = EXAMPLES / "generation.events.v1" / f"{type_name}.json"
    example = json.loads(path.read_bytes())
    validator = jsonschema.Draft202012Validator(DOCUMENTS["generation.events"])
    for spoiled in (
        example | {"data": example["data"] | {"tenant": 7}},
        example | {"data": {"tenant": "qiming"}},
        example | {"type": "no.such.event"},
        {name: value for name, value in example.items() if name != "source"},
    ):
        assert not validator.is_valid(spoiled)


def test_unknown_upstream_fields_are_admitted_and_unknown_fact_fields_are_not() -> None:
    event = json.loads((EXAMPLES / "generation.events.v1/generation.requested.json").read_bytes())
    event["data"]["mood"] = {"any": ["thing"]}
    jsonschema.Draft202012Validator(DOCUMENTS["generation.events"]).validate(event)
    fact = json.loads((EXAMPLES / "facts.consents.v1/consent.granted.json").read_bytes())
    fact["grant_all"] = True
    assert not jsonschema.Draft202012Validator(DOCUMENTS["facts.consents"]).is_valid(fact)


def test_what_we_say_may_grow_under_its_readers() -> None:
    """A reader that validates with yesterday's schema survives tomorrow's field."""
    for topic in TOPICS:
        if schema.said(topic.name) and topic.name in schema.MODELS:
            assert '"additionalProperties": false' not in json.dumps(DOCUMENTS[topic.name])


def test_passage_as_rendered_obeys_its_schema() -> None:
    for path in FILES:
        if BY_NAME[topic_of(path)].kind is Kind.CHAIN:
            passage = Passage.parse(
                json.dumps(json.loads(path.read_bytes()), separators=(",", ":")).encode(), None
            )
            again = json.loads(passage.render())
            jsonschema.Draft202012Validator(DOCUMENTS[topic_of(path)]).validate(again)
            assert again == json.loads(path.read_bytes())


def test_decision_dumped_by_alias_obeys_its_schema() -> None:
    decision = Decision.model_validate_json((EXAMPLES / "decisions.v1/release.json").read_bytes())
    dumped = json.loads(decision.model_dump_json(by_alias=True))
    jsonschema.Draft202012Validator(DOCUMENTS["decisions"]).validate(dumped)
    assert dumped["pass"]
