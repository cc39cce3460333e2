"""The app: asks the gate before the model runs and before anything is shown.

    POST /generate {"user", "prompt", "template"}
        →  200 {"url"}, or 403 with the reasons, or 503 (no answer in time)

Whatever is not a release is a refusal: a hold, a recall, no decision in time.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import ClientSession, web

from example_app.model_stub import Model
from synthgate.client import Answer, EventError, Gate, Generation, PassError
from synthgate.client.build import random_id

NET = {
    "src_ip": "203.0.113.7", "src_port": 50123, "dst_ip": "198.51.100.20", "dst_port": 443,
    "client_fingerprint": "example-device",
}  # fmt: skip


class Replica:
    """One process of the app."""

    def __init__(
        self, gate: Gate, model: Model, files: str, http: ClientSession, timeout_s: float
    ) -> None:
        self._gate = gate
        self._model = model
        self._files = files
        self._http = http
        self._timeout_s = timeout_s

    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.post("/generate", self._generate)])
        return app

    async def _generate(self, request: web.Request) -> web.Response:
        asked: Mapping[str, Any] = orjson.loads(await request.read())
        user, prompt = asked["user"], asked["prompt"]
        generation = Generation(random_id(), asked["template"], purpose="chat")
        build = self._gate.events
        try:
            event = build.requested(user, generation, prompt=prompt, net=NET)
            answer = await self._gate.decide(event, self._timeout_s)
            if not answer.released:
                return refusal(generation, "requested", answer)
            text = self._model.write(
                prompt, tenant=self._gate.tenant, generation=generation.id,
                pass_text=answer.pass_text,
            )  # fmt: skip
            event = build.completed(
                user, generation, text=text, pass_text=answer.pass_text, net=NET
            )
            answer = await self._gate.decide(event, self._timeout_s)
        except EventError as error:
            return web.json_response({"code": error.code, "mend": error.mend}, status=400)
        except PassError as error:
            return web.json_response({"code": error.code, "generation": generation.id}, status=403)
        if not answer.released:
            return refusal(generation, "completed", answer)
        return await self._shown(generation, answer)

    async def _shown(self, generation: Generation, answer: Answer) -> web.Response:
        (named,) = answer.objects
        body = {"name": named.name, "pass": answer.pass_text}
        async with self._http.post(f"{self._files}/links", json=body) as linked:
            if linked.status != 201:
                return web.json_response({"code": "no_link"}, status=502)
            url = (await linked.json())["url"]
        shown = {"generation": generation.id, "action": answer.action, "url": self._files + url}
        return web.json_response(shown)


def refusal(generation: Generation, at: str, answer: Answer) -> web.Response:
    said = {
        "generation": generation.id,
        "at": at,
        "action": answer.action,
        "codes": [reason.code for reason in answer.reasons],
    }
    return web.json_response(said, status=503 if answer.action == "undecided" else 403)
