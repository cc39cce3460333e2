"""What a Kafka node is told."""

import socket
from pathlib import Path

import pytest

from synthgate.broker import node
from synthgate.broker.node import PORTS, free_ports, new_cluster_id, server_properties


def settings(number: int, nodes: int, **own: str) -> dict[str, str]:
    ports = [(20_000 + 2 * n, 20_001 + 2 * n) for n in range(nodes)]
    text = server_properties(
        number, ports, Path("/data"), {k.replace("_", "."): v for k, v in own.items()}
    )
    return dict(line.split("=", 1) for line in text.splitlines())


def test_ports_are_free_and_apart() -> None:
    ports = free_ports(6)
    assert len(set(ports)) == 6
    for port in ports:
        assert port in PORTS
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))


def test_a_cluster_id_is_never_read_as_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter([b"\xf8" + bytes(15), b"\xfb" + bytes(15), b"\x04" + bytes(15)])
    monkeypatch.setattr(node.os, "urandom", lambda _: next(drawn))
    assert new_cluster_id() == "BA" + "A" * 20


@pytest.mark.parametrize(
    ("nodes", "replicas", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2")]
)
def test_copies_follow_the_number_of_nodes(nodes: int, replicas: str, in_sync: str) -> None:
    rows = settings(1, nodes)
    assert rows["offsets.topic.replication.factor"] == replicas
    assert rows["default.replication.factor"] == replicas
    assert rows["min.insync.replicas"] == in_sync


def test_nodes_listen_on_loopback_alone_and_know_each_other() -> None:
    rows = settings(2, 3)
    assert rows["node.id"] == "2"
    assert rows["listeners"] == "PLAINTEXT://127.0.0.1:20002,CONTROLLER://127.0.0.1:20003"
    assert (
        rows["controller.quorum.voters"] == "1@127.0.0.1:20001,2@127.0.0.1:20003,3@127.0.0.1:20005"
    )


def test_own_settings_win() -> None:
    assert settings(1, 1)["message.max.bytes"] == "2097152"
    assert settings(1, 1, message_max_bytes="7")["message.max.bytes"] == "7"
