"""What one Kafka node is told: its ports, its server.properties, its logging."""

import base64
import os
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.guard import LISTENER, Guard

PORTS = range(20_000, 32_000)
PORTS_TRIED_MAX = 2_000

LOGGING = """<Configuration status="OFF">
  <Appenders><Console name="out" target="SYSTEM_OUT">
    <PatternLayout pattern="%d{ISO8601} %-5p %c{1} %m%n"/>
  </Console></Appenders>
  <Loggers>
    <Root level="INFO"><AppenderRef ref="out"/></Root>
    <Logger name="org.apache.kafka.common.config" level="WARN"/>
    <Logger name="state.change.logger" level="WARN"/>
  </Loggers>
</Configuration>
"""

# Quick for tests, small for a laptop. Nothing here changes what Kafka promises to keep.
SMALL: Mapping[str, str | int] = {
    "auto.create.topics.enable": "false",
    # A group forms as soon as its first member asks; a member that was killed is missed quickly.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    "broker.heartbeat.interval.ms": 500,
    "broker.session.timeout.ms": 6000,
    # The quarantine takes more than a chain topic; topics lower it for themselves.
    "message.max.bytes": 2 * 1024 * 1024,
    "replica.fetch.max.bytes": 2 * 1024 * 1024,
    # Kafka's default wants 128 MiB of heap for the cleaner alone.
    "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
    "log.index.size.max.bytes": 1024 * 1024,
    "log.segment.bytes": 256 * 1024 * 1024,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 2,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
}


def free_ports(count: int) -> list[int]:
    """``count`` loopback ports nobody listens on.

    They lie below the range that outgoing connections are given: a node that was down must find its
    port again, and from that range a client's connection could have taken it.
    """
    ports: list[int] = []
    for port in random.SystemRandom().sample(PORTS, PORTS_TRIED_MAX):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise BrokerUnavailableError(f"no {count} free ports on 127.0.0.1 in {PORTS}")


def new_cluster_id() -> str:
    """A random cluster id, 22 characters: 16 bytes in URL-safe base64.

    Never one that starts with ``-``: kafka-storage would read it as an option. One in 64 would;
    Kafka's own ``random-uuid`` draws again as well.
    """
    while (drawn := base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")).startswith("-"):
        pass
    return drawn


def server_properties(
    node: int,
    ports: Sequence[tuple[int, int]],
    data: Path,
    settings: Mapping[str, str],
    guard: Guard | None = None,
) -> str:
    """server.properties of ``node`` (from 1); ``ports`` are (clients, controller) of every node."""
    listener = LISTENER if guard else "PLAINTEXT"
    replicas = min(3, len(ports))
    in_sync = 2 if replicas == 3 else 1
    port, controller_port = ports[node - 1]
    voters = (f"{other}@127.0.0.1:{pair[1]}" for other, pair in enumerate(ports, start=1))
    rows: dict[str, str | int | Path] = {
        "process.roles": "broker,controller",
        "node.id": node,
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": "CONTROLLER",
        "listeners": f"{listener}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"{listener}://127.0.0.1:{port}",
        "listener.security.protocol.map": f"{listener}:{listener},CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": listener,
        "log.dirs": data,
        "default.replication.factor": replicas,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": replicas,
        "transaction.state.log.replication.factor": replicas,
        "transaction.state.log.min.isr": in_sync,
        "share.coordinator.state.topic.replication.factor": replicas,
        "share.coordinator.state.topic.min.isr": in_sync,
        **SMALL,
        **(guard.rows() if guard else {}),
        **settings,
    }
    return "".join(f"{name}={value}\n" for name, value in rows.items())
