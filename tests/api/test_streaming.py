"""Server-sent events: what counts now, what counts more later, and an end that leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.service import Api, an_ask, decision
from synthgate.api import streaming
from synthgate.api.lookup import NotSearched
from synthgate.client import Events, Generation

EVENT = Events("acme", "//acme/app").requested("u1", Generation("g", "chat"), prompt="p", id="e1")


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(tmp_path)


def told(part: bytes) -> tuple[str, Any]:
    rows = dict(line.split(": ", 1) for line in part.decode().strip().splitlines())
    return rows["event"], orjson.loads(rows["data"])


async def parts(api: Api) -> AsyncIterator[Any]:
    async for part in api.stream("GET", "/v1/decisions/e1", accept="text/event-stream"):
        if part:
            yield part


async def heard(api: Api) -> Any:
    async with asyncio.timeout(10):
        while not api.chain.heard:
            await asyncio.sleep(0.005)
    return api.chain.heard[0]


async def test_what_counts_more_follows_and_nothing_that_counts_less(api: Api) -> None:
    api.chain.found = decision(EVENT, action="hold", hold="review")
    stream = parts(api)
    head = await anext(stream)
    assert dict(head["headers"])[b"content-type"].startswith(b"text/event-stream")
    assert told(await anext(stream))[1]["action"] == "hold"
    queue = await heard(api)
    for made in (
        decision(EVENT, action="hold", hold="review"),
        decision(EVENT, event_hash="0" * 64, event_id="other", revision=9),
        decision(EVENT, revision=2),
        decision(EVENT, revision=3, action="recall"),
        None,
    ):
        queue.put_nowait(made)
    said = [told(part)[1] for part in [part async for part in stream]]
    assert [(row["revision"], row["action"]) for row in said] == [(2, "release"), (3, "recall")]
    assert (api.chain.heard, api.service.streams.open) == ([], 0)


@pytest.mark.parametrize("over", [{"event_hash": "0" * 64}, {"type": "generation.completed"}])
async def test_another_act_under_the_id_is_not_what_follows(api: Api, over: dict[str, str]) -> None:
    api.chain.found = decision(EVENT, action="refuse")
    stream = parts(api)
    await anext(stream)
    assert told(await anext(stream))[1]["action"] == "refuse"
    (await heard(api)).put_nowait(decision(EVENT, revision=2, **over))
    (kind, problem), *more = [told(part) async for part in stream]
    assert (kind, problem["code"], more) == ("problem", "ambiguous", [])


async def test_one_key_has_not_all_streams(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "STREAMS_OF_KEY_MAX", 1)
    api.chain.found = decision(EVENT)
    first = parts(api)
    await anext(first)
    assert told(await anext(first))[0] == "decision"
    _, part = [part async for part in parts(api)]
    assert told(part)[1]["code"] == "busy"
    api.secret = api.key()
    other = parts(api)
    await anext(other)
    assert told(await anext(other))[0] == "decision"
    await heard(api)
    for queue in api.chain.heard:
        queue.put_nowait(None)
    for stream in (first, other):
        assert [part async for part in stream] == []
    assert api.service.streams.open == 0
    assert not api.service.streams._of


async def test_not_decided_yet(api: Api) -> None:
    stream = parts(api)
    await anext(stream)
    (await heard(api)).put_nowait(decision(EVENT))
    assert told(await anext(stream))[1]["action"] == "release"
    await stream.aclose()  # type: ignore[attr-defined]


async def test_a_client_that_goes_leaves_no_listener(api: Api) -> None:
    stream = api.stream("GET", "/v1/decisions/e1", accept="text/event-stream")
    await anext(stream)
    await heard(api)
    await stream.aclose()  # type: ignore[attr-defined]
    assert (api.chain.heard, api.service.streams.open) == ([], 0)


async def test_a_quiet_stream_says_that_it_lives_and_ends_with_its_key(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "QUIET_S", 0.02)
    stream = parts(api)
    await anext(stream)
    assert await anext(stream) == b": nothing new\n\n"
    api.keys.revoke(api.secret.split("_")[1], 1)
    assert all(part.startswith(b":") for part in [part async for part in stream])


async def test_what_cannot_be_known_is_told_and_bounded(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.chain.found = NotSearched()
    (_, part) = [part async for part in parts(api)]
    assert told(part)[0] == "problem"
    assert told(part)[1]["code"] == "not_searched"
    monkeypatch.setattr(streaming, "STREAMS_MAX", 0)
    (_, part) = [part async for part in parts(api)]
    assert told(part)[1]["code"] == "busy"
    assert api.service.streams.open == 0


async def test_an_event_sent_and_streamed(api: Api) -> None:
    said = await api.ask("POST", "/v1/events", an_ask("e1"))
    api.chain.found = decision(api.chain.sent[0][2])
    stream = api.stream("GET", said.json["link"], accept="text/event-stream")
    await anext(stream)
    assert told(await anext(stream))[1]["event_id"] == "e1"
    await stream.aclose()  # type: ignore[attr-defined]
