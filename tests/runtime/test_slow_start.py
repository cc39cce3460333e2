"""A first broker that takes its time: the commit timer runs meanwhile, and finds no consumer yet (ADR 0056)."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from synthgate.runtime import app as apps
from synthgate.settings import Settings


async def test_a_broker_that_does_not_answer_yet_crashes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """The producer is started before the consumer, and would wait first."""

    monkeypatch.setattr(AIOKafkaProducer, "start", nothing)
    silent = await asyncio.start_server(lambda _r, _w: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    settings = Settings(brokers=f"127.0.0.1:{port}", data_dir=tmp_path)
    failed: list[BaseException] = []
    runner: Any = SimpleNamespace(
        duty="identity", settings=settings, logical={"events": "events"}, blind=False, left_at=0.0,
        full=lambda _: False, fail=lambda error, _: failed.append(error), put=lambda _: None,
    )  # fmt: skip
    app = apps.build(runner, settings)
    starting = asyncio.create_task(apps.begin(app))
    await asyncio.sleep(6 * apps.COMMIT_SECONDS)
    assert not app.crashed, app.crash_reason
    assert not failed
    assert not starting.done()
    starting.cancel()
    assert await apps.end(app, 5)
    assert app.consumer._thread._consumer._closed
    silent.close()
