"""The OpenAPI 3.1 document, from the models of the events and of the decision. Needs no web framework.

``schemas/openapi.json`` is written by ``synthgate schemas``; a running service answers the same.
"""

from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from synthgate import __version__
from synthgate.events.case_models import Complaint
from synthgate.events.decision import Decision
from synthgate.events.schema import event_types
from synthgate.events.types import TYPES

_REF: Final = "#/components/schemas/{model}"
_JSON: Final = "application/json"
_ONE: Final = (_JSON, "application/cloudevents+json")
_MANY: Final = "application/cloudevents-batch+json"
_PROBLEM: Final = "application/problem+json"


_PATH_ID: Final = {
    "name": "event_id", "in": "path", "required": True,
    "schema": {"type": "string", "minLength": 1},
}  # fmt: skip


class Fault(BaseModel):
    """One thing to mend. pointer: RFC 6901, into what was sent."""

    pointer: str
    code: str
    detail: str


class Problem(BaseModel):
    """RFC 9457, with a stable code and, where single members are at fault, what is wrong with each."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[Fault] = Field(default_factory=list)


class Answer(BaseModel):
    """Of one event. pending: the bus has it, the chain has not decided yet; released is then false."""

    event_id: str | None
    status: Literal["decided", "pending"]
    released: bool
    link: str
    decision: Decision | None


class Answers(BaseModel):
    """Of a batch, in its order."""

    answers: list[Answer]


class Place(BaseModel):
    """Where a label was found, and its seven fields (GB 45438 Annex E)."""

    where: str
    label: dict[str, str] | None


class Finding(BaseModel):
    """What is wrong with a label, by the clause that says so."""

    clause: str
    force: str
    detail: str


class LabelCheck(BaseModel):
    """What a file says of itself. inconclusive is never "no label"."""

    file: str
    carrier: str | None
    conclusion: Literal["compliant", "non_compliant", "not_found", "inconclusive"]
    places: list[Place]
    findings: list[Finding]
    faults: list[str]
    notes: list[str]


@cache
def openapi() -> dict[str, Any]:
    """The document."""
    events = [name for name in event_types("generation.events") if TYPES[name].model is not None]
    data = {name: TYPES[name].model for name in events}
    models = [*data.values(), Decision, Problem, Answer, Answers, LabelCheck, Complaint]
    refs, made = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models) if model is not None],
        ref_template=_REF,
    )
    named = {model: ref["$ref"] for (model, _), ref in refs.items()}
    schemas = dict(made["$defs"])
    for model in (*data.values(), Complaint):
        assert model is not None
        _without_tenant(schemas[named[model].rpartition("/")[2]])
    for name in events:
        model = data[name]
        assert model is not None, name
        schemas[f"event.{name}"] = _event(name, named[model])
    schemas["event"] = {"oneOf": [{"$ref": _REF.format(model=f"event.{name}")} for name in events]}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Synthgate", "version": __version__, "license": {"name": "Apache-2.0"},
            "description": "A verdict on generation events by HTTP. Not released means not released:"
            " pending, refused and held alike.",
        },
        "security": [{"bearer": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": dict(sorted(schemas.items())),
        },
    }  # fmt: skip


def _without_tenant(schema: dict[str, Any]) -> None:
    """What is sent here may leave the tenant out: it is the key's."""
    schema["required"] = [name for name in schema.get("required", ()) if name != "tenant"]


def _event(name: str, data: str) -> dict[str, Any]:
    """A CloudEvent; what may be left out is completed from the key and the Idempotency-Key."""
    text = {"type": "string", "minLength": 1, "maxLength": 256}
    return {
        "type": "object",
        "required": ["type", "data"],
        "additionalProperties": False,
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": {"const": name},
            "time": {"type": "string", "format": "date-time"},
            "traceparent": {"type": "string", "maxLength": 256},
            "tracestate": {"type": "string"},
            "subject": {"type": "string"},
            "dataschema": {"type": "string"},
            "datacontenttype": {"const": _JSON},
            "data": {"$ref": data},
        },
    }


def _paths() -> dict[str, Any]:
    event, complaint = {"$ref": _REF.format(model="event")}, _REF.format(model="Complaint")
    batch = {"type": "array", "items": event, "minItems": 1, "maxItems": 100}
    answer, answers = _REF.format(model="Answer"), _REF.format(model="Answers")
    either = {"oneOf": [{"$ref": answer}, {"$ref": answers}]}
    sending = [
        _header(
            "Idempotency-Key",
            "makes the ids of events that have none: the same key, the same ids",
            pattern="^[\\x21-\\x7e]+$",
        ),
        # Last: a complaint takes this one alone, for its id is the complaint's own.
        _header(
            "Prefer",
            "RFC 7240: how many seconds to wait for the decision, or not at all",
            pattern="^(wait=[0-9]{1,2}|respond-async)$",
        ),
    ]
    bodies = {
        kind: {"schema": {"oneOf": [event, batch]} if kind == _JSON else event} for kind in _ONE
    }
    source = _query(
        "source", "the event's source, if the key speaks for several", {"type": "string"}
    )
    return {
        "/v1/events": {"post": _operation(
            "sendEvents", "Send one event or a batch, and get the decision or a link to it",
            sending, {**bodies, _MANY: {"schema": batch}}, {"200": either, "202": either},
        )},
        "/v1/complaints": {"post": _operation(
            "complain", "Hand in a complaint about something released (DSP 12)", [sending[-1], source],
            {_JSON: {"schema": {"$ref": complaint}}}, {"200": {"$ref": answer}, "202": {"$ref": answer}},
        )},
        "/v1/decisions/{event_id}": {"get": _operation(
            "getDecision", "The decision that counts, or a stream of it and what follows it",
            [
                _PATH_ID, source, _query("at", "where to look, as a link says", {"type": "string"}),
            ],
            None, {"200": {"$ref": answer}, "202": {"$ref": answer}}, stream=True,
        )},
        "/v1/label-checks": {"post": _operation(
            "checkLabel", "What a file says of itself (GB 45438)",
            [{**_query("name", "the file's name", {"type": "string", "minLength": 1, "maxLength": 200}),
              "required": True}],
            {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            {"200": {"$ref": _REF.format(model="LabelCheck")}},
        )},
        "/v1/openapi.json": {"get": _operation(
            "getDocument", "This document", [], None, {"200": {"type": "object"}}
        )},
        "/livez": {"get": _health("live", "200")},
        "/readyz": {"get": _health("ready", "200", "503")},
    }  # fmt: skip


def _operation(
    name: str,
    summary: str,
    parameters: list[dict[str, Any]],
    bodies: dict[str, Any] | None,
    answers: dict[str, Any],
    *,
    stream: bool = False,
) -> dict[str, Any]:
    said: dict[str, Any] = {
        status: {"description": summary, "content": {_JSON: {"schema": schema}}}
        for status, schema in answers.items()
    }
    if stream:
        said["200"]["content"]["text/event-stream"] = {"schema": {"type": "string"}}
    problem = {_PROBLEM: {"schema": {"$ref": _REF.format(model="Problem")}}}
    said["default"] = {"description": "What went wrong, and what to mend", "content": problem}
    made = {"operationId": name, "summary": summary, "parameters": parameters, "responses": said}
    return made | ({"requestBody": {"required": True, "content": bodies}} if bodies else {})


def _health(name: str, *statuses: str) -> dict[str, Any]:
    said = {status: {"description": f"whether it is {name}"} for status in statuses}
    return {"operationId": name, "security": [], "responses": said}


def _header(name: str, about: str, pattern: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": pattern}
    return {"name": name, "in": "header", "description": about, "schema": schema}


def _query(name: str, about: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": schema}
