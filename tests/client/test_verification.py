"""An outside checker that is slow, broken, lying or gone is never a match."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from synthgate.client.build import Events
from synthgate.client.check import check
from synthgate.client.verification import Answer, Asked, Careful, HttpChecker, Unavailable, vouched

NUMBER = "13800138000"
TOKEN = "1." + "0a" * 16
ASKED = Asked("mobile", TOKEN, {"number": NUMBER, "name": "Wei"})
MATCH = Answer("match", "vault/1", "L2", "adult")


class Scripted:
    """Answers in turn; an exception is raised, ``None`` hangs."""

    name = "scripted"

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls = 0

    async def check(self, asked: Asked) -> Answer:
        self.calls += 1
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step is None:
            await asyncio.sleep(60)
        if isinstance(step, Exception):
            raise step
        return step


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def careful(*script: Any, **over: Any) -> tuple[Careful, Scripted, Clock]:
    checker, clock = Scripted(*script), Clock()
    given = {"timeout_s": 0.05, "pause_s": 0.0, "clock": clock, "wall_ms": lambda: 5_000} | over
    return Careful(checker, **given), checker, clock


async def test_a_match_is_kept_for_a_while_and_no_longer_than_it_holds() -> None:
    asker, checker, clock = careful(MATCH)
    for _ in range(3):
        assert await asker.check(ASKED) == MATCH
    assert checker.calls == 1
    assert await asker.check(Asked("id_card", TOKEN, {})) == MATCH
    assert await asker.check(Asked("mobile", "2" + TOKEN[1:], {})) == MATCH
    assert checker.calls == 3
    clock.now += 301
    await asker.check(ASKED)
    assert checker.calls == 4
    wall = [5_000]
    asker, checker, _ = careful(
        Answer("match", "vault/1", expires_at_ms=6_000), wall_ms=lambda: wall[0]
    )
    await asker.check(ASKED)
    wall[0] = 6_000
    assert (await asker.check(ASKED)).why == "expired"
    assert checker.calls == 2


async def test_without_an_answer_it_asks_again_and_then_says_unknown() -> None:
    asker, checker, _ = careful(Unavailable("x"), Unavailable("x"), MATCH)
    assert await asker.check(ASKED) == MATCH
    assert checker.calls == 3
    for step, why in (
        (Unavailable("x"), "unavailable"),
        (None, "timeout"),
        (KeyError(NUMBER), "KeyError"),
    ):
        asker, checker, _ = careful(step)
        assert await asker.check(ASKED) == Answer("unknown", why=why)
        assert checker.calls == 3
        assert asker._cache == {}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Answer("match"), "no_evidence"),
        (Answer("match", ""), "no_evidence"),
        (Answer("match", "vault/1", expires_at_ms=5_000), "expired"),
        (Answer("yes", "vault/1"), "no_answer"),  # type: ignore[arg-type]
        (Answer("unknown", "vault/1", why="status_404"), "status_404"),
    ],
)
async def test_what_is_no_sound_match_is_unknown_and_not_kept(said: Answer, why: str) -> None:
    asker, checker, _ = careful(said)
    for calls in (1, 2):
        assert await asker.check(ASKED) == Answer("unknown", why=why)
        assert checker.calls == calls, "it was answered, so it is not asked again at once"


async def test_the_breaker_opens_lets_one_try_and_closes() -> None:
    asker, checker, clock = careful(*[Unavailable("x")] * 6, MATCH, opens_after=5, retries=2)
    await asker.check(ASKED)
    assert (await asker.check(ASKED)).why == "unavailable"
    assert checker.calls == 5, "it stops in mid-retry"
    assert (await asker.check(ASKED)).why == "breaker_open"
    clock.now += 30
    assert (await asker.check(ASKED)).why == "unavailable"
    assert checker.calls == 6, "one try decides"
    assert (await asker.check(ASKED)).why == "breaker_open"
    clock.now += 30
    assert await asker.check(ASKED) == MATCH
    assert asker._failures == 0


async def test_while_one_try_is_under_way_no_other_is_made() -> None:
    asker, checker, clock = careful(None, opens_after=1, retries=0)
    await asker.check(ASKED)
    clock.now += 30
    first = asyncio.create_task(asker.check(ASKED))
    await asyncio.sleep(0)
    assert (await asker.check(ASKED)).why == "breaker_open"
    assert (await first).why == "timeout"
    assert checker.calls == 2


async def test_the_cache_is_bounded() -> None:
    asker, _, _ = careful(MATCH, cached_max=3)
    for n in range(9):
        await asker.check(Asked("mobile", f"{n}", {}))
    assert len(asker._cache) == 3


def test_only_a_match_becomes_an_event_and_the_door_takes_it() -> None:
    events = Events("acme", "//acme/app")
    event = vouched(events, "u-1", ASKED, "carrier", MATCH)
    assert event is not None
    checked = check(event, topic="generation.events", tenant="acme", source="//acme/app")
    assert NUMBER.encode() not in checked.value
    assert event.data["identity_token"] == TOKEN
    for other in (Answer("mismatch", "vault/1"), Answer("unknown"), Answer("match")):
        assert vouched(events, "u-1", ASKED, "carrier", other) is None
    assert NUMBER not in repr(ASKED)


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture
async def served() -> AsyncIterator[Callable[[Handler], Awaitable[HttpChecker]]]:
    runners, checkers = [], []

    async def start(handler: Handler) -> HttpChecker:
        app = web.Application()
        app.router.add_post("/check", handler)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        runners.append(runner)
        port = site._server.sockets[0].getsockname()[1]
        checker = HttpChecker("carrier", f"http://127.0.0.1:{port}/check", bearer="s3cret")
        checkers.append(checker)
        return checker

    yield start
    for checker in checkers:
        await checker.close()
    for runner in runners:
        await runner.cleanup()


async def test_over_http_a_match_is_a_match(served: Any) -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append((request.headers["authorization"], await request.json()))
        row = {"outcome": "match", "evidence_ref": "vault/1", "level": "L2", "age_band": "adult"}
        return web.json_response(row | {"expires_at_ms": 9_000_000_000_000, "more": 1})

    checker = await served(handler)
    answer = await checker.check(ASKED)
    assert answer == Answer("match", "vault/1", "L2", "adult", 9_000_000_000_000)
    assert seen == [
        ("Bearer s3cret", {"method": "mobile", "fields": {"number": NUMBER, "name": "Wei"}})
    ]


@pytest.mark.parametrize(
    ("status", "body", "unknown"),
    [
        (404, b"", "status_404"), (302, b"", "status_302"), (400, b"", "status_400"),
        (500, b"", None), (503, b"", None), (429, b"", None), (408, b"", None),
        (200, b"", None), (200, b"[]", None), (200, b"{}", None), (200, b"\xff", None), (200, b"null", None),
        (200, b'{"outcome":"match","evidence_ref":7}', None),
        (200, b'{"outcome":"match","expires_at_ms":"soon"}', None),
        (200, b'{"outcome":"match","evidence_ref":"' + b"x" * 70_000 + b'"}', None),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_said_so(
    served: Any, status: int, body: bytes, unknown: str | None
) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, headers={"location": "/elsewhere"})

    checker = await served(handler)
    if unknown is not None:
        assert await checker.check(ASKED) == Answer("unknown", why=unknown)
        return
    with pytest.raises(Unavailable) as caught:
        await checker.check(ASKED)
    assert NUMBER not in str(caught.value)
    assert (await Careful(checker, pause_s=0.0).check(ASKED)).outcome == "unknown"


async def test_nobody_there_and_nobody_in_the_clear() -> None:
    checker = HttpChecker("gone", "http://127.0.0.1:1/check")
    with pytest.raises(Unavailable):
        await checker.check(ASKED)
    await checker.close()
    for url in ("http://checker.example/check", "ftp://127.0.0.1/", "checker.example"):
        with pytest.raises(ValueError, match="https"):
            HttpChecker("plain", url)
