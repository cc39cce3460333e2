import hashlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from example_app.file_server import FileServer
from example_app.running import listening
from synthgate.client import PassBody, PassKeys
from synthgate.crypto.passes import make_pass

KEYS = PassKeys("1", {"1": b"k" * 32})
OTHERS = PassKeys("1", {"1": b"x" * 32})
TEXT = b"released text"
NAME = "0/one.txt"
NOW = 1_000_000


def pass_of(keys: PassKeys = KEYS, **over: Any) -> str:
    body: dict[str, Any] = {
        "tenant": "example", "generation": "g1", "event_type": "generation.completed",
        "produce_id": "p", "user": "u", "subjects": (), "action": "release",
        "objects": {NAME: hashlib.sha256(TEXT).hexdigest()},
        "serve_until": NOW + 1000, "cite_until": NOW + 9000, "log": 0, "index": 5,
    }  # fmt: skip
    return make_pass(keys, PassBody(**(body | over)))


class World:
    def __init__(self, folder: Path) -> None:
        self.now_ms = NOW
        self.objects = folder / "objects"
        (self.objects / "0").mkdir(parents=True)
        (self.objects / NAME).write_bytes(TEXT)
        (folder / "secret.txt").write_bytes(b"secret")
        self.server = FileServer(self.objects, KEYS, folder / "access.log", lambda: self.now_ms)

    async def link(self, http: ClientSession, base: str, pass_text: Any, name: Any = NAME) -> Any:
        async with http.post(f"{base}/links", json={"pass": pass_text, "name": name}) as answer:
            return answer.status, await answer.json()

    async def get(self, http: ClientSession, url: str) -> Any:
        async with http.get(url) as answer:
            return answer.status, await answer.read()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_serves_what_the_pass_names_and_notes_it(world: World) -> None:
    async with listening(world.server.app()) as base, ClientSession() as http:
        status, said = await world.link(http, base, pass_of())
        assert status == 201
        assert await world.get(http, base + said["url"]) == (200, TEXT)
    (served,) = world.server.served()
    assert (served.name, served.generation, served.log, served.index) == (NAME, "g1", 0, 5)
    assert served.sha256 == hashlib.sha256(TEXT).hexdigest()


@pytest.mark.parametrize(
    ("pass_text", "name", "status", "code"),
    [
        ("", NAME, 403, "malformed"),
        (None, NAME, 400, "malformed"),
        (pass_of(OTHERS), NAME, 403, "bad_mac"),
        (pass_of(action="hold"), NAME, 403, "not_released"),
        (pass_of(event_type="generation.requested"), NAME, 403, "not_released"),
        (pass_of(serve_until=NOW), NAME, 403, "expired"),
        (pass_of(), "0/other.txt", 403, "unknown_object"),
        (pass_of(), "../secret.txt", 403, "unknown_object"),
    ],
)
async def test_no_link_without_a_pass_that_names_the_object(
    world: World, pass_text: Any, name: str, status: int, code: str
) -> None:
    async with listening(world.server.app()) as base, ClientSession() as http:
        assert await world.link(http, base, pass_text, name) == (status, {"code": code})
    assert world.server.served() == []


async def test_checks_again_at_every_download(world: World) -> None:
    async with listening(world.server.app()) as base, ClientSession() as http:
        _, said = await world.link(http, base, pass_of())
        (world.objects / NAME).write_bytes(b"other bytes")
        assert (await world.get(http, base + said["url"]))[0] == 403
        (world.objects / NAME).write_bytes(TEXT)
        assert (await world.get(http, base + said["url"]))[0] == 200
        world.now_ms += 1000
        assert (await world.get(http, base + said["url"]))[0] == 403
        (world.objects / NAME).unlink()
        assert (await world.get(http, base + said["url"]))[0] == 404
        assert (await world.get(http, base + "/files/guess"))[0] == 404
        assert (await world.get(http, f"{base}/files/{NAME}"))[0] == 404
    assert len(world.server.served()) == 1


async def test_a_pass_cannot_name_its_way_out_of_the_folder(world: World) -> None:
    away = {"../secret.txt": hashlib.sha256(b"secret").hexdigest()}
    async with listening(world.server.app()) as base, ClientSession() as http:
        status, said = await world.link(http, base, pass_of(objects=away), "../secret.txt")
        assert status == 201
        assert (await world.get(http, base + said["url"]))[0] == 404
    assert world.server.served() == []
