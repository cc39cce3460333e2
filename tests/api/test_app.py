"""Routes without Kafka: what is sent on, what is answered, and what is refused."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request

from api.service import Api, an_ask, decision, digest, now_ms, pending, unacknowledged
from client.decider import REASON
from synthgate.api import reading
from synthgate.api.lookup import Ambiguous, At, NotSearched
from synthgate.api.problems import Problem
from synthgate.client.writer import partition_of


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


async def test_an_event_is_completed_sent_and_answered(api: Api) -> None:
    said = await api.ask("POST", "/v1/events", an_ask(), prefer="wait=7")
    ((tenant, source, event, wait_s),) = api.chain.sent
    assert (tenant, source, wait_s) == ("acme", "//acme/app", 7.0)
    assert event.data["tenant"] == "acme"
    assert event.attrs["specversion"] == "1.0"
    assert event.attrs["time"]
    assert "answer_by" not in event.data
    assert (said.status, said.headers["cache-control"]) == (200, "no-store")
    assert (said.json["status"], said.json["released"]) == ("decided", True)
    assert said.json["decision"]["pass"] == "a.pass"
    at = said.json["link"].partition("at=")[2].split(".")
    assert int(at[0]) == partition_of(b"acme/u1", 4)
    assert at[2] == digest(event)[:8]


async def test_what_is_refused_or_held_is_not_released(api: Api) -> None:
    for action in ("refuse", "hold", "recall", "of a later version"):
        api.chain.say = lambda event, action=action: decision(  # type: ignore[misc]
            event, action=action, reasons=[REASON]
        )
        said = await api.ask("POST", "/v1/events", an_ask())
        assert (said.status, said.json["released"]) == (200, False)


async def test_no_decision_in_time_is_202_with_a_link_that_leads_to_it(api: Api) -> None:
    api.chain.say = pending
    said = await api.ask("POST", "/v1/events", an_ask("a/b?c d"), prefer="respond-async")
    assert said.status == 202
    assert (said.json["status"], said.json["released"]) == ("pending", False)
    assert said.headers["location"] == said.json["link"]
    again = await api.ask("GET", said.json["link"])
    assert (again.status, again.json["status"], again.headers["retry-after"]) == (
        202,
        "pending",
        "1",
    )
    (wanted,) = api.chain.asked
    assert (wanted.tenant, wanted.source, wanted.event_id) == ("acme", "//acme/app", "a/b?c d")
    assert again.json["link"] == said.json["link"]
    api.chain.found = decision(api.chain.sent[0][2])
    assert (await api.ask("GET", said.json["link"])).json["released"] is True


async def test_what_the_bus_did_not_take_is_no_202(api: Api) -> None:
    api.chain.say = unacknowledged
    said = await api.ask("POST", "/v1/events", an_ask())
    assert (said.status, said.json["code"]) == (503, "not_acknowledged")
    assert said.headers["retry-after"]


async def test_a_batch_keeps_its_order_and_is_all_or_nothing(api: Api) -> None:
    kind = "application/cloudevents-batch+json"
    said = await api.ask("POST", "/v1/events", [an_ask("a"), an_ask("b")], kind=kind)
    assert [row["event_id"] for row in said.json["answers"]] == ["a", "b"]
    bad = an_ask("d", generation={"id": 5, "medium": "text", "template": "chat"})
    said = await api.ask("POST", "/v1/events", [an_ask("c"), bad], kind=kind)
    assert (said.status, said.json["code"]) == (422, "not_admitted")
    assert said.headers["content-type"] == "application/problem+json"
    (fault,) = said.json["errors"]
    assert fault["pointer"] == "/1/data/generation/id"
    assert len(api.chain.sent) == 2


async def test_an_idempotency_key_makes_the_same_ids_on_every_replica(tmp_path: Path) -> None:
    sent = []
    for replica in ("one", "two"):
        api = Api(tmp_path / replica)
        body = [an_ask(None), an_ask(None, user="u2")]
        for _ in range(2):
            said = await api.ask("POST", "/v1/events", body, idempotency_key="order-17")
            assert said.status == 200
        sent += [(event.id, digest(event)) for _, _, event, _ in api.chain.sent]
    assert sent == sent[:2] * 4
    assert len(set(sent)) == 2
    both = await api.ask("POST", "/v1/events", an_ask("own"), idempotency_key="x")
    neither = await api.ask("POST", "/v1/events", an_ask(None))
    spaced = await api.ask("POST", "/v1/events", an_ask(None), idempotency_key="a b")
    assert [both.status, neither.status, spaced.status] == [422, 422, 400]


@pytest.mark.parametrize(
    ("row", "status", "code"),
    [
        (an_ask(tenant="other"), 403, "tenant"),
        ({**an_ask(), "source": "//other"}, 403, "source"),
        ({**an_ask(), "canary": "x"}, 422, "not_admitted"),
        ({**an_ask(), "traceparent": "x\r\ny"}, 422, "not_admitted"),
        ({**an_ask(), "type": "facts.consents"}, 422, "not_admitted"),
        ({**an_ask(), "type": ["x"]}, 422, "not_admitted"),
        ({**an_ask(), "time": "yesterday"}, 422, "not_admitted"),
        ({**an_ask(), "data": []}, 422, "not_admitted"),
        (an_ask(user="13800138000"), 422, "not_admitted"),
        (an_ask("13800138000"), 422, "not_admitted"),
        (b'{"a":1,"a":2}', 400, "duplicate_key"),
        (b"[" * 100_000, 400, "too_deep"),
        (b"\xff", 400, "not_json"),
        (b"NaN", 400, "not_json"),
        (b'{"a":' + b"9" * 5000 + b"}", 400, "not_json"),
        ([], 400, "batch_size"),
        ([an_ask()] * 101, 400, "batch_size"),
        (3, 400, "not_events"),
    ],
)
async def test_what_is_not_admitted(api: Api, row: Any, status: int, code: str) -> None:
    said = await api.ask("POST", "/v1/events", row)
    assert (said.status, said.json["code"]) == (status, code)
    assert said.json["type"] == f"urn:synthgate:problem:{code}"
    assert b"13800138000" not in said.body
    assert b"poem" not in said.body
    assert api.chain.sent == []


async def test_media_types_and_sizes(api: Api) -> None:
    assert (await api.ask("POST", "/v1/events", an_ask(), kind="text/plain")).status == 415
    assert (await api.ask("POST", "/v1/events", an_ask(), kind=None)).status == 415
    large = b"x" * (reading.BODY_BYTES_MAX + 1)
    assert (await api.ask("POST", "/v1/events", large)).status == 413
    told = await api.ask("POST", "/v1/events", b"", content_length="99999999999")
    assert told.status == 413
    wide = an_ask(content={"prompt": "x" * 300_000})
    said = await api.ask("POST", "/v1/events", wide)
    assert (said.status, said.json["errors"][0]["code"]) == (422, "too_large")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("POST", "/v1/events", "events"),
        ("POST", "/v1/complaints", "complaints"),
        ("GET", "/v1/decisions/e1", "decisions"),
        ("POST", "/v1/label-checks?name=a.png", "labels"),
        ("GET", "/v1/openapi.json", "decisions"),
    ],
)
async def test_nothing_but_health_is_answered_without_a_key_for_it(
    api: Api, method: str, path: str, scope: str
) -> None:
    others = [name for name in ("events", "decisions", "complaints", "labels") if name != scope]
    over = api.key(now_ms=now_ms() - 3 * 86_400_000)
    other = api.secret[:-1] + ("B" if api.secret.endswith("A") else "A")
    for key in (None, "wrong", over, other, api.secret.replace("sgk", "SGK")):
        said = await api.ask(method, path, an_ask(), key=key)
        assert (said.status, said.json["code"]) == (401, "no_key"), key
        assert said.headers["www-authenticate"].startswith("Bearer")
    said = await api.ask(method, path, an_ask(), key=api.key(scopes=others))
    assert (said.status, said.json["code"]) == (403, "scope")
    assert api.chain.sent == []
    assert api.chain.asked == []


async def test_every_route_is_guarded_or_health(api: Api) -> None:
    paths = {route.path for route in api.app.routes}  # type: ignore[attr-defined]
    assert paths == {
        "/v1/events", "/v1/complaints", "/v1/decisions/{event_id:path}", "/v1/label-checks",
        "/v1/openapi.json", "/livez", "/readyz",
    }  # fmt: skip
    assert (await api.ask("GET", "/livez", key=None)).status == 200
    assert (await api.ask("GET", "/readyz", key=None)).status == 200
    api.chain.ready = False
    assert (await api.ask("GET", "/readyz", key=None)).status == 503
    assert (await api.ask("GET", "/nothing", key=None)).json["code"] == "unknown"
    assert (await api.ask("GET", "/v1/events")).json["code"] == "method"


async def test_a_key_taken_back_is_refused_by_the_next_request(api: Api) -> None:
    assert (await api.ask("POST", "/v1/events", an_ask())).status == 200
    elsewhere = type(api.keys)(api.settings.api_keys_path)
    elsewhere.revoke(api.secret.split("_")[1], now_ms())
    assert (await api.ask("POST", "/v1/events", an_ask())).status == 401
    api.settings.api_keys_path.write_text("[{}]")
    said = await api.ask("POST", "/v1/events", an_ask())
    assert (said.status, said.json["code"]) == (503, "keys_unreadable")


async def test_rates(api: Api) -> None:
    slow = api.key(rate=1.0)
    first = await api.ask("POST", "/v1/events", [an_ask("a"), an_ask("b")], key=slow)
    second = await api.ask("POST", "/v1/events", an_ask("c"), key=slow)
    assert (first.status, second.status, second.json["code"]) == (200, 429, "too_many")
    assert int(second.headers["retry-after"]) >= 1
    tried = [(await api.ask("GET", "/v1/decisions/x", key="wrong")).status for _ in range(40)]
    assert set(tried) == {401, 429}
    assert (await api.ask("POST", "/v1/events", an_ask("d"))).status == 200


async def test_decisions_are_looked_for_as_the_link_says(api: Api) -> None:
    at = str(At(3, now_ms(), "0123abcd"))
    for fault, status, code in (
        (Ambiguous(), 409, "ambiguous"), (NotSearched(), 503, "not_searched"), (None, 202, None),
    ):  # fmt: skip
        api.chain.found = fault
        said = await api.ask("GET", f"/v1/decisions/e1?at={at}")
        assert (said.status, said.json.get("code")) == (status, code)
    assert str(api.chain.asked[0].at) == at
    assert (await api.ask("GET", "/v1/decisions/e1")).json["code"] == "unknown"
    for wrong in ("4.1795000000000.0123abcd", "x", "3.1.0123abcd", "3.1795000000000.0123ABCD"):
        assert (await api.ask("GET", f"/v1/decisions/e1?at={wrong}")).json["code"] == "at"
    old = str(At(3, now_ms() - 8 * 86_400_000, "0123abcd"))
    assert (await api.ask("GET", f"/v1/decisions/e1?at={old}")).json["code"] == "gone"
    many = api.key(sources=["//a", "//b"])
    assert (await api.ask("GET", "/v1/decisions/e", key=many)).json["code"] == "source_unsaid"
    other = await api.ask("GET", "/v1/decisions/e?source=//acme/app", key=many)
    assert (other.status, other.json["code"]) == (403, "source")


async def test_a_complaint_becomes_one_event_however_often_it_is_sent(api: Api) -> None:
    row = {"user": {"id": "u1"}, "complaint": "c-1", "about": {"url": "https://x/1"}}
    for _ in range(2):
        said = await api.ask("POST", "/v1/complaints", row)
        assert said.status == 200
    (one, two) = [event for _, _, event, _ in api.chain.sent]
    assert (one.type, one.id, one.data["tenant"]) == ("complaint.received", two.id, "acme")
    surrogate = json.dumps(row | {"complaint": "\ud800"}).encode()
    for bad in (row | {"complaint": 1}, surrogate, [], row | {"about": 1}):
        assert (await api.ask("POST", "/v1/complaints", bad)).status in (400, 422)
    assert len(api.chain.sent) == 2


async def test_a_file_s_label_is_told_by_a_process_of_its_own(api: Api) -> None:
    files = Path(__file__).parents[1] / "effects" / "carriers" / "files"
    data = (files / "plain.gif").read_bytes()
    said = await api.ask("POST", "/v1/label-checks?name=plain.gif", data, kind=None)
    assert (said.status, said.json["carrier"], said.json["conclusion"]) == (200, "gif", "not_found")
    said = await api.ask("POST", "/v1/label-checks?name=a/b", data, kind=None)
    assert (said.status, said.json["code"]) == (400, "name")
    api.service.checking = 2
    assert (await api.ask("POST", "/v1/label-checks?name=x.gif", data)).json["code"] == "busy"


async def test_an_upload_has_a_limit(tmp_path: Path) -> None:
    api = Api(tmp_path, api_upload_bytes_max=10)
    assert (await api.ask("POST", "/v1/label-checks?name=x.gif", b"x" * 11)).status == 413
    assert api.service.checking == 0


async def test_a_client_that_goes_is_no_fault_of_ours() -> None:
    said: list[Any] = [
        {"type": "http.disconnect"}, {"type": "http.request", "body": b"{", "more_body": True},
    ]  # fmt: skip

    async def receive() -> Any:
        return said.pop()

    scope = {"type": "http", "method": "POST", "path": "/v1/events", "headers": []}
    with pytest.raises(Problem, match="400 gone"):
        await reading.body(Request(scope, receive), 10)


async def test_a_fault_of_ours_is_told_without_what_was_sent(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(event: Any) -> Any:
        raise RuntimeError(event.data["content"]["prompt"])

    api.chain.say = broken
    with caplog.at_level(logging.DEBUG):
        said = await api.ask("POST", "/v1/events", an_ask())
    assert (said.status, said.json["code"]) == (500, "bug")
    assert b"poem" not in said.body
    assert "RuntimeError" in caplog.text
    assert "poem" not in caplog.text


async def test_logs_hold_nothing_that_was_sent(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await api.ask("POST", "/v1/events", an_ask("secret-id", user="secret-user"))
        await api.ask("POST", "/v1/events", an_ask("13800138000", user="secret-user"))
        await api.ask("GET", "/v1/decisions/secret-id", key="sgk_secret")
    assert "secret" not in caplog.text
    assert "poem" not in caplog.text
