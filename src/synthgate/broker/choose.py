"""Which broker a test, a bench or the demo runs against: the first that can be had, in one order.

1. given     ``SYNTHGATE_TEST_BROKERS=host:port,…``: if it is set, nothing else is tried
2. docker    Apache Kafka's own image through testcontainers, if a Docker engine answers; one node
3. maven     Apache Kafka from Maven's jars on Java 17
4. embedded  librdkafka's broker, only where the caller allows it: it proves nothing of durability
"""

import contextlib
import importlib.util
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from synthgate.broker.embedded import EmbeddedBroker
from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.jars import kafka_version
from synthgate.broker.kafka import READY, KafkaCluster
from synthgate.broker.node import SMALL, free_ports

Kind = Literal["given", "docker", "maven", "embedded"]
GIVEN = "SYNTHGATE_TEST_BROKERS"
CONNECT_SECONDS_MAX = 5.0
DOCKER_SECONDS_MAX = 5
DOCKER_READY_SECONDS_MAX = 120
WORDS: Mapping[Kind, str] = {
    "given": f"the Kafka given by {GIVEN}",
    "docker": "real Apache Kafka in Docker",
    "maven": "real Apache Kafka from Maven's jars",
    "embedded": "the embedded broker (librdkafka), not Apache Kafka",
}


@dataclass(frozen=True)
class Broker:
    """A broker that answers: where, of which kind, and how to be rid of it."""

    bootstrap: str
    kind: Kind
    close: Callable[[], None]
    create_topics: Callable[[Mapping[str, int]], None] | None = field(default=None)
    """Set for ``embedded`` alone, which has no CreateTopics in its protocol."""
    nodes: tuple[tuple[int, Path], ...] = ()
    """Process id and folder of the log of each node that runs here as a process of ours: ``maven`` alone."""

    @property
    def words(self) -> str:
        """The kind in words, for a report."""
        return f"{WORDS[self.kind]} at {self.bootstrap}"

    def __enter__(self) -> Self:
        """The broker runs already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()


def choose_broker(
    *,
    brokers: int = 1,
    embedded: Mapping[str, int] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Broker:
    """Start, or find, a broker.

    ``brokers`` is how many nodes are wanted; Docker offers one, so more than one goes on to Maven.
    ``embedded`` allows the embedded broker as a last resort and says its topics' partitions.
    ``settings`` are for server.properties, where we start the broker.
    Raises BrokerUnavailableError naming, for each kind tried, what is missing.
    """
    if given := os.environ.get(GIVEN):
        return _given(given)
    missing: list[str] = []
    tries: list[Callable[[], Broker]] = []
    if brokers == 1:
        tries.append(lambda: _docker(settings or {}))
    tries.append(lambda: _maven(brokers, settings or {}))
    if embedded is not None:
        tries.append(lambda: _embedded(embedded))
    for attempt in tries:
        try:
            return attempt()
        except BrokerUnavailableError as error:
            missing.append(str(error))
    raise BrokerUnavailableError("; ".join(missing))


def _given(bootstrap: str) -> Broker:
    """Anything that accepts a connection; what it can do is found out by using it."""
    refused: list[str] = []
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS_MAX).close()
        except (OSError, ValueError) as error:
            refused.append(f"{address}: {error}")
        else:
            return Broker(bootstrap, "given", close=lambda: None)
    raise BrokerUnavailableError(
        f"{GIVEN} is set, and no broker there answers ({'; '.join(refused)}): correct or unset it"
    )


def _docker(settings: Mapping[str, str]) -> Broker:
    if importlib.util.find_spec("testcontainers") is None:
        raise BrokerUnavailableError("testcontainers is not installed")
    import docker
    from docker.errors import DockerException

    try:
        docker.from_env(timeout=DOCKER_SECONDS_MAX).ping()
    except DockerException as error:
        raise BrokerUnavailableError("no Docker engine answers") from error
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    (port,) = free_ports(1)
    ready = LogMessageWaitStrategy(READY).with_startup_timeout(DOCKER_READY_SECONDS_MAX)
    container = DockerContainer(f"apache/kafka:{kafka_version()}")
    container = container.with_bind_ports(port, port).waiting_for(ready)
    for name, value in docker_settings(port, settings).items():
        container = container.with_env(name, value)
    try:
        container.start()
    except Exception as error:
        with contextlib.suppress(Exception):
            container.stop()
        raise BrokerUnavailableError(f"Kafka did not start in Docker: {error}") from error
    return Broker(f"127.0.0.1:{port}", "docker", close=container.stop)


def docker_settings(port: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Environment of Apache Kafka's image for one node reached at loopback ``port``.

    The image turns ``KAFKA_LOG_DIRS`` into ``log.dirs``; given any, it takes none of its defaults.
    """
    rows: dict[str, str | int] = {
        "node.id": 1,
        "process.roles": "broker,controller",
        "controller.quorum.voters": "1@localhost:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        **SMALL,
        **settings,
    }
    return {"KAFKA_" + name.replace(".", "_").upper(): str(value) for name, value in rows.items()}


def _maven(brokers: int, settings: Mapping[str, str]) -> Broker:
    cluster = KafkaCluster(brokers, settings=settings)
    cluster.open()
    nodes = tuple((cluster.process_id(node), cluster.data(node)) for node in cluster.nodes)
    return Broker(cluster.bootstrap, "maven", close=cluster.close, nodes=nodes)


def _embedded(partitions: Mapping[str, int]) -> Broker:
    broker = EmbeddedBroker(partitions)
    broker.open()
    return Broker(broker.bootstrap, "embedded", broker.close, create_topics=broker.create_topics)
