"""The OpenAPI document: what the models say, and a service that no request of it can break."""

import asyncio
import copy
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core import NotSet

from api.service import Api, an_ask
from synthgate.api import document
from synthgate.api.app import CHECKS_AT_ONCE
from synthgate.events.schema import event_types


def test_every_event_type_and_route_is_in_it(tmp_path: Path) -> None:
    made = document.openapi()
    assert made["openapi"] == "3.1.0"
    named = {
        row["$ref"].rpartition("/")[2] for row in made["components"]["schemas"]["event"]["oneOf"]
    }
    assert named == {f"event.{name}" for name in event_types("generation.events")}
    routes = {
        (route.path.replace(":path", ""), method.lower())  # type: ignore[attr-defined]
        for route in Api(tmp_path).app.routes
        for method in route.methods  # type: ignore[attr-defined]
    }
    assert routes == {(path, method) for path, row in made["paths"].items() for method in row}


async def test_answers_are_what_it_says(tmp_path: Path) -> None:
    api = Api(tmp_path)
    told = (await api.ask("GET", "/v1/openapi.json")).json
    assert told == document.openapi()
    one = await api.ask("POST", "/v1/events", an_ask())
    many = await api.ask("POST", "/v1/events", [an_ask()])
    bad = await api.ask("POST", "/v1/events", an_ask("13800138000"))
    gif = Path(__file__).parents[1] / "effects" / "carriers" / "files" / "plain.gif"
    label = await api.ask("POST", "/v1/label-checks?name=x.gif", gif.read_bytes())
    for said, name in ((one, "Answer"), (many, "Answers"), (bad, "Problem"), (label, "LabelCheck")):
        schema = {"$ref": f"#/components/schemas/{name}", "components": told["components"]}
        jsonschema.Draft202012Validator(schema).validate(said.json)


async def test_what_it_says_may_be_left_out_may_be(tmp_path: Path) -> None:
    api = Api(tmp_path)
    told = document.openapi()
    least = an_ask()
    assert "tenant" not in least["data"]
    schema = {"$ref": "#/components/schemas/event", "components": told["components"]}
    jsonschema.Draft202012Validator(schema).validate(least)
    assert (await api.ask("POST", "/v1/events", least)).status == 200
    # A complaint has its own id: no other is promised one.
    asked = told["paths"]["/v1/complaints"]["post"]["parameters"]
    assert [one["name"] for one in asked] == ["Prefer", "source"]


LONG = os.environ.get("SYNTHGATE_TEST_LONG") == "1"
KINDS = sorted(f"event.{name}" for name in event_types("generation.events"))
MOST = ("event.generation.requested", "event.identity.verified")
"""All kinds of event take minutes to make examples of, with SYNTHGATE_TEST_LONG=1; these have most members."""
EXAMPLES = 100 if LONG else 6


def _operations(*together: tuple[str, ...]) -> list[Any]:
    """Each operation once; that which takes events once for these kinds, and once more for each more."""
    found: dict[str, Any] = {}
    for kinds in together:
        made = copy.deepcopy(document.openapi())
        one_of = [{"$ref": f"#/components/schemas/{kind}"} for kind in kinds]
        made["components"]["schemas"]["event"]["oneOf"] = one_of
        for each in schemathesis.openapi.from_dict(made).get_all_operations():
            operation = each.ok()
            takes_events = operation.label == "POST /v1/events"
            name = f"{operation.label} {' '.join(kinds)}" if takes_events else operation.label
            found.setdefault(name, operation)
    return [pytest.param(operation, id=name) for name, operation in found.items()]


OPERATIONS = _operations(*((kind,) for kind in KINDS)) if LONG else _operations(MOST)


def _asked(case: Any) -> tuple[str, bytes]:
    """Path with its query, and body, as Schemathesis means them."""
    query = urlencode({k: str(v) for k, v in (case.query or {}).items()})
    body = case.body
    if not isinstance(body, bytes):
        body = b"" if isinstance(body, NotSet) else json.dumps(body).encode()
    return f"{case.formatted_path}?{query}", body


@pytest.mark.timeout(900 if LONG else 120)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_request_of_it_is_answered_with_a_fault_of_ours(
    operation: Any, mode: GenerationMode, tmp_path: Path
) -> None:
    api = Api(tmp_path, api_upload_bytes_max=1000)
    if not LONG:
        api.service.checking = CHECKS_AT_ONCE  # a process for each example would take minutes
    secret = api.key(rate=1e6)
    statuses: Counter[int] = Counter()
    faults: list[Any] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=not LONG, database=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def asked(case: Any) -> None:
        path, body = _asked(case)
        said = asyncio.run(api.ask(case.method, path, body, key=secret, kind=case.media_type))
        statuses[said.status] += 1
        if said.status >= 500 and said.status != 503:
            faults.append((case.method, path, body, said))

    try:
        asked()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # nothing about it can be wrong
    print(dict(statuses))
    assert faults == []


def test_a_fault_of_ours_would_be_found(tmp_path: Path) -> None:
    """The check above, on a service with a planted fault."""
    api = Api(tmp_path)

    def broken(_: Any) -> Any:
        raise RuntimeError

    api.chain.say = broken
    said = asyncio.run(api.ask("POST", "/v1/events", an_ask()))
    assert said.status == 500
