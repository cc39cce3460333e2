"""Whoever asks a broker that does not answer has a time-out, whatever became of the connection."""

from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient, ConnectionGroup
from aiokafka.errors import RequestTimedOutError
from aiokafka.protocol.metadata import MetadataRequest

from synthgate import connection

HERE = (1, ConnectionGroup.DEFAULT)


class Frozen:
    """A connection over which nothing is answered; when a request gives up, ``meanwhile`` has happened."""

    def __init__(self) -> None:
        self._request_timeout = 0.0
        self.meanwhile = lambda: None
        self.closed = 0

    def send(self, request: Any, *, expect_response: bool) -> Any:
        async def answer() -> None:
            self.meanwhile()
            raise TimeoutError

        return answer()

    def close(self, reason: Any = None) -> None:
        self.closed += 1


@pytest.fixture
async def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = AIOKafkaClient(bootstrap_servers="127.0.0.1:9")
    made.asked_who_leads = 0

    async def ready(*_: Any, **__: Any) -> bool:
        return True

    def force() -> None:
        made.asked_who_leads += 1

    monkeypatch.setattr(made, "ready", ready)
    monkeypatch.setattr(made, "force_metadata_update", force)
    connection.watch(made, join_ms=60_000)
    made._conns[HERE] = Frozen()
    return made


async def test_a_request_that_is_not_answered(client: Any) -> None:
    with pytest.raises(RequestTimedOutError):
        await client.send(1, MetadataRequest([]))
    assert client._conns[HERE].closed == 1
    assert client.asked_who_leads == 1


async def test_another_request_had_the_connection_dropped_before(client: Any) -> None:
    """aiokafka 0.14.0 looks for it and raises KeyError, which its fetching does not survive."""
    client._conns[HERE].meanwhile = client._conns.clear
    with pytest.raises(RequestTimedOutError):
        await client.send(1, MetadataRequest([]))
    assert client.asked_who_leads == 1
