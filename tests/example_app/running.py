"""The example put together: two replicas, a model and a file server on free ports of the loopback."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from example_app.app import Replica
from example_app.file_server import FileServer
from example_app.model_stub import Model
from synthgate.client import Gate, KeyFolder

PATIENCE_S = 60.0
"""For who asks over HTTP, beside what the chain takes: a machine may have much else to do."""
TENANT = "example"
SOURCE = "//example/app"


@dataclass(slots=True)
class Running:
    gates: list[Gate]
    replicas: list[str]
    model: Model
    files: FileServer
    files_url: str
    http: ClientSession


@asynccontextmanager
async def running(settings: Any, access_log: Path, timeout_s: float) -> AsyncIterator[Running]:
    """settings: of the chain (brokers, topic_prefix, partitions, keys_dir, objects_dir)."""
    keys = KeyFolder(settings.keys_dir).pass_keys
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            ClientSession(
                connector=TCPConnector(limit=0), timeout=ClientTimeout(4 * timeout_s + PATIENCE_S)
            )
        )
        files = FileServer(settings.objects_dir, keys, access_log)
        files_url = await stack.enter_async_context(listening(files.app()))
        model = Model(keys)
        gates, replicas = [], []
        for _ in range(2):
            gate = Gate.from_settings(settings, tenant=TENANT, source=SOURCE)
            gates.append(await stack.enter_async_context(gate))
            replica = Replica(gate, model, files_url, http, timeout_s)
            replicas.append(await stack.enter_async_context(listening(replica.app())))
        yield Running(gates, replicas, model, files, files_url, http)


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """The app's address, while it listens."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
