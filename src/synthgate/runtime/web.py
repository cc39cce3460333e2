"""The small server beside a worker: /metrics for Prometheus, /readyz and /livez for whoever runs it."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable
from shutil import disk_usage
from typing import Any

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from synthgate.runtime.exits import CONFIGURATION, Refused
from synthgate.runtime.metrics import DATA_FREE, REGISTRY
from synthgate.settings import Settings

log = logging.getLogger(__name__)

State = Callable[[], dict[str, Any]]
"""``{"ready": bool, "waits": […], "joining": […]}``"""


class Server:
    """Serves until stopped. ``url`` is where, once started.

    stores: this process writes to ``data_dir``. Of one that does not the room there is no number: it may see
    another disk than the log's.
    """

    def __init__(self, settings: Settings, state: State, *, stores: bool = True) -> None:
        self._settings = settings
        self._state = state
        self._stores = stores
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen.

        Raises:
            Refused: the address cannot be had (exit 78).
        """
        app = web.Application()
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/readyz", self._ready)
        app.router.add_get("/livez", self._live)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        host, port = self._settings.web_host, self._settings.web_port
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as error:
            raise Refused(
                CONFIGURATION,
                f"cannot listen on {host}:{port} ({error.strerror}); set SYNTHGATE_WEB_PORT",
            ) from None
        bound = self._runner.addresses[0]
        self.url = f"http://{bound[0]}:{bound[1]}"
        log.info("metrics at %s/metrics", self.url)

    async def stop(self) -> None:
        """Close."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _metrics(self, _: web.Request) -> web.Response:
        if not self._stores:
            DATA_FREE.set(math.nan)
        else:
            # Asked for here and in a thread: a disk that hangs then holds up this answer and nothing else.
            with contextlib.suppress(OSError):
                DATA_FREE.set((await asyncio.to_thread(disk_usage, self._settings.data_dir)).free)
        return web.Response(
            body=generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def _ready(self, _: web.Request) -> web.Response:
        state = self._state()
        return web.json_response(state, status=200 if state["ready"] else 503)

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"live": True})
