"""The order in which a broker is looked for."""

import socket
from pathlib import Path

import pytest

from synthgate.broker.choose import GIVEN, choose_broker, docker_settings
from synthgate.broker.errors import BrokerUnavailableError


@pytest.fixture
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with no given address, no Docker, no Java."""
    monkeypatch.delenv(GIVEN, raising=False)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-docker.sock")
    monkeypatch.setenv("PATH", str(tmp_path))


def test_the_given_address_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv(GIVEN, f"127.0.0.1:1,{address}")
        broker = choose_broker(embedded={})
        assert (broker.kind, broker.bootstrap) == ("given", f"127.0.0.1:1,{address}")
        broker.close()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "no port", "127.0.0.1:99999"])
def test_a_given_address_that_is_wrong_is_an_error_not_a_reason_to_go_on(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(GIVEN, address)
    with pytest.raises(BrokerUnavailableError, match=f"{GIVEN} is set, and no broker there"):
        choose_broker(embedded={})


@pytest.mark.usefixtures("nothing")
def test_without_anything_each_missing_thing_is_named() -> None:
    with pytest.raises(BrokerUnavailableError, match="no Docker engine answers; Java 17 not found"):
        choose_broker()


@pytest.mark.usefixtures("nothing")
def test_embedded_is_taken_only_where_allowed() -> None:
    with choose_broker(embedded={"a": 3}) as broker:
        assert broker.kind == "embedded"
        assert "not Apache Kafka" in broker.words
        assert broker.create_topics is not None
        with pytest.raises(ValueError, match="already exists"):
            broker.create_topics({"a": 3})


def test_settings_in_docker_are_spelt_as_the_image_wants_them() -> None:
    rows = docker_settings(20_001, {"message.max.bytes": "7"})
    assert rows["KAFKA_NODE_ID"] == "1"
    assert rows["KAFKA_MESSAGE_MAX_BYTES"] == "7"
    assert rows["KAFKA_ADVERTISED_LISTENERS"] == "PLAINTEXT://127.0.0.1:20001"
    assert rows["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
