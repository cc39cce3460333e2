"""Real brokers with a door for workers that leads through the proxy; everybody else goes straight."""

from collections.abc import Mapping
from typing import Self

from chaos.proxy import LOOPBACK, Proxy
from synthgate.broker.kafka import KafkaCluster
from synthgate.broker.node import free_ports

QUICK = {
    # A node that was killed or frozen is missed, and may register again, after three seconds.
    "broker.session.timeout.ms": "3000",
    "replica.lag.time.max.ms": "3000",
    # Partitions get their first leader back soon after it is there again: leaders change twice.
    "leader.imbalance.check.interval.seconds": "3",
    "leader.imbalance.per.broker.percentage": "0",
}


class ProxiedCluster(KafkaCluster):
    """One or three nodes; each has a second listener that is advertised as its door in the proxy."""

    def __init__(self, brokers: int) -> None:
        super().__init__(brokers, settings=QUICK)
        ports = free_ports(2 * brokers)
        self._doors = dict(zip(self.nodes, zip(ports[::2], ports[1::2], strict=True), strict=True))
        self.proxy = Proxy(dict(self._doors.values()))

    def __enter__(self) -> Self:
        self.proxy.__enter__()
        try:
            self.open()
        except BaseException:
            self.proxy.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.proxy.__exit__()

    @property
    def doors(self) -> str:
        """Bootstrap servers for workers."""
        return ",".join(f"{LOOPBACK}:{outer}" for outer, _ in self._doors.values())

    def settings_of(self, node: int) -> Mapping[str, str]:
        port, controller = self._ports[node - 1]
        outer, inner = self._doors[node]
        return {
            **super().settings_of(node),
            "listeners": f"PLAINTEXT://{LOOPBACK}:{port},WORKERS://{LOOPBACK}:{inner},"
            f"CONTROLLER://{LOOPBACK}:{controller}",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port},WORKERS://{LOOPBACK}:{outer}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,WORKERS:PLAINTEXT,"
            "CONTROLLER:PLAINTEXT",
        }
