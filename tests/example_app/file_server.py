"""A file server: hands out labelled objects, each only while a pass names it and its bytes.

The pass never reaches an end user. The app, which has it from the decision, trades it for an unguessable
link; the pass is checked again at every download, so a link dies with its pass.

    POST /links   {"pass", "name"}  →  201 {"url"}     from the app's own network
    GET  /files/<link>              →  the bytes        from anywhere
"""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from synthgate.client import PassBody, PassError, PassKeys, verify_pass
from synthgate.client.build import now_ms
from synthgate.effects.objects import LocalObjects

SERVABLE = ("generation.completed", "generation.segment", "asset.exported")


class Link(NamedTuple):
    name: str
    pass_text: str


@dataclass(frozen=True, slots=True)
class Served:
    """One line of the access log: what went out, and the decision it rests on."""

    at: int
    name: str
    sha256: str
    generation: str
    log: int
    index: int


class FileServer:
    """Serves from one folder; writes one line to ``access_log`` before each object goes out."""

    def __init__(
        self,
        objects: Path,
        keys: PassKeys,
        access_log: Path,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        self._objects = LocalObjects(objects)
        self._keys = keys
        self._log = access_log
        self._clock_ms = clock_ms
        self._links: dict[str, Link] = {}

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([
            web.post("/links", self._link),
            web.get("/files/{link}", self._file),
        ])  # fmt: skip
        return app

    def served(self) -> list[Served]:
        """The access log."""
        lines = self._log.read_bytes().splitlines() if self._log.exists() else []
        return [Served(**orjson.loads(line)) for line in lines]

    async def _link(self, request: web.Request) -> web.Response:
        try:
            asked: dict[str, Any] = orjson.loads(await request.read())
            link = Link(asked["name"], asked["pass"])
            if not (isinstance(link.name, str) and isinstance(link.pass_text, str)):
                raise TypeError(link)
            self._allowed(link)
        except (ValueError, KeyError, TypeError):
            return web.json_response({"code": "malformed"}, status=400)
        except PassError as error:
            return web.json_response({"code": error.code}, status=403)
        handle = secrets.token_urlsafe(16)
        self._links[handle] = link
        return web.json_response({"url": f"/files/{handle}"}, status=201)

    async def _file(self, request: web.Request) -> web.Response:
        link = self._links.get(request.match_info["link"])
        data = None if link is None else self._objects.get(link.name)
        if link is None or data is None:
            return web.json_response({"code": "absent"}, status=404)
        try:
            body = self._allowed(link, data)
        except PassError as error:
            return web.json_response({"code": error.code}, status=403)
        self._note(link.name, data, body)
        return web.Response(body=data, content_type="text/plain", charset="utf-8")

    def _allowed(self, link: Link, data: bytes | None = None) -> PassBody:
        sha256 = None if data is None else hashlib.sha256(data).hexdigest()
        body = verify_pass(
            self._keys, link.pass_text, now_ms=self._clock_ms(), use="serve",
            object_name=link.name, object_sha256=sha256,
        )  # fmt: skip
        if body.event_type not in SERVABLE:
            raise PassError("not_released", f"a pass of {body.event_type} serves nothing")
        return body

    def _note(self, name: str, data: bytes, body: PassBody) -> None:
        line = {
            "at": self._clock_ms(), "name": name, "sha256": hashlib.sha256(data).hexdigest(),
            "generation": body.generation, "log": body.log, "index": body.index,
        }  # fmt: skip
        with self._log.open("ab") as log:
            log.write(orjson.dumps(line) + b"\n")
