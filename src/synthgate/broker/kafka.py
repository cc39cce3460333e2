"""Apache Kafka 4 on this machine, without Docker: one or three brokers, KRaft, loopback only.

Every node is broker and controller in one JVM. Nodes are numbered from 1, as Kafka's own metadata
numbers them. Each JVM hangs on a tether (``tether.py``) and ends with this process.
"""

import contextlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.guard import Guard
from synthgate.broker.jars import find_java, kafka_jars
from synthgate.broker.node import LOGGING, free_ports, new_cluster_id, server_properties

READY_SECONDS_MAX = 150.0
FORMAT_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 15.0
STARTS_MAX = 3
READY = "Kafka Server started"
PORT_TAKEN = "Address already in use"
TETHER = Path(__file__).with_name("tether.py")


class KafkaCluster:
    """``brokers`` nodes of Apache Kafka; a context manager, or ``open`` and ``close``.

    ``folder`` keeps data, settings and logs (``node-<n>/broker.log``) and is used again by a later
    cluster of the same size; without it a temporary folder is made and removed. ``settings`` go
    into every node's server.properties and win over ours. ``guard``: who is let in, instead of
    everybody. ``open`` raises BrokerUnavailableError
    when Java or the jars cannot be had, or a node is not ready within ``READY_SECONDS_MAX``.
    """

    def __init__(
        self,
        brokers: int = 1,
        folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
        guard: Guard | None = None,
    ) -> None:
        if brokers < 1:
            raise ValueError(f"a cluster has at least one broker, not {brokers}")
        self.nodes = tuple(range(1, brokers + 1))
        self._given_folder = folder
        self._settings = dict(settings or {})
        self._guard = guard
        self._folder: Path | None = None
        self._ports: list[tuple[int, int]] = []
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._process_ids: dict[int, int] = {}
        self._java = ""
        self._classpath = ""

    @property
    def bootstrap(self) -> str:
        """Addresses of all nodes, ``host:port,…``; they stay the same over kill and start."""
        return ",".join(f"127.0.0.1:{port}" for port, _ in self._ports)

    @property
    def folder(self) -> Path:
        """Where data, settings and logs are."""
        if self._folder is None:
            raise RuntimeError("the cluster is not open")
        return self._folder

    def __enter__(self) -> Self:
        """Open the cluster."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the cluster."""
        self.close()

    def open(self) -> None:
        """Start every node and wait until all are ready."""
        self._java = find_java()
        self._classpath = str(kafka_jars() / "*")
        given = self._given_folder
        self._folder = (
            given.resolve() if given else Path(tempfile.mkdtemp(prefix="synthgate-kafka-"))
        )
        try:
            for attempt in range(1, STARTS_MAX + 1):
                if self._open_on_free_ports(last=attempt == STARTS_MAX):
                    return
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop every node: SIGTERM to all at once, SIGKILL after ``STOP_SECONDS_MAX``."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(self.stop, self.nodes))
        if self._given_folder is None and self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def start(self, node: int) -> None:
        """Start one node that is down and wait until it is ready.

        After ``kill`` this takes as long as Kafka holds the dead node's registration (6 s).
        """
        if not self.alive(node):
            self._await_ready(node, self._launch(node))

    def stop(self, node: int) -> None:
        """Stop one node cleanly, or with SIGKILL if it takes too long; nothing if it is down."""
        process = self._running.get(node)
        if process is None:
            return
        self.signal(node, "CONT")
        self.signal(node, "TERM")
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.signal(node, "KILL")
        self._gone(node)

    def kill(self, node: int) -> None:
        """End one node with SIGKILL, as a power cut would; nothing if it is down."""
        if node in self._running:
            self.signal(node, "KILL")
            self._gone(node)

    def signal(self, node: int, name: str) -> None:
        """Send ``TERM``, ``KILL``, ``STOP`` (freeze) or ``CONT`` to one node's JVM."""
        tether = self._running[node].stdin
        if tether is not None:
            with contextlib.suppress(BrokenPipeError):  # ended already: what most signals ask for
                tether.write(f"{name}\n".encode())
                tether.flush()

    def alive(self, node: int) -> bool:
        """Whether the node's JVM runs (frozen counts)."""
        process = self._running.get(node)
        return process is not None and process.poll() is None

    def process_id(self, node: int) -> int:
        """Process id of the node's JVM, running or last."""
        return self._process_ids[node]

    def log(self, node: int) -> Path:
        """The node's log file, over all its starts."""
        return self._home(node) / "broker.log"

    def settings_of(self, node: int) -> Mapping[str, str]:
        """What goes into one node's server.properties over ours."""
        return self._settings

    def data(self, node: int) -> Path:
        """Where the node keeps its partitions, a folder each."""
        return self._home(node) / "data"

    def _home(self, node: int) -> Path:
        return self.folder / f"node-{node}"

    def _open_on_free_ports(self, *, last: bool) -> bool:
        """Start all nodes; False when another process took one of the ports meanwhile."""
        free = free_ports(2 * len(self.nodes))
        self._ports = list(zip(free[::2], free[1::2], strict=True))
        cluster_id = self._cluster_id()
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(lambda node: self._format(node, cluster_id), self.nodes))
        seen = {node: self._launch(node) for node in self.nodes}
        try:
            for node in self.nodes:
                self._await_ready(node, seen[node])
        except BrokerUnavailableError:
            if last or not any(PORT_TAKEN in self._log_from(n, seen[n]) for n in self.nodes):
                raise
            for node in self.nodes:
                self.kill(node)
            return False
        return True

    def _cluster_id(self) -> str:
        """The id in a folder used before, else a new one."""
        meta = self._home(1) / "data" / "meta.properties"
        if meta.exists() and (found := re.search(r"(?m)^cluster\.id=(\S+)$", meta.read_text())):
            return found.group(1)
        return new_cluster_id()

    def _format(self, node: int, cluster_id: str) -> None:
        home = self._home(node)
        home.mkdir(parents=True, exist_ok=True)
        properties = home / "server.properties"
        settings = self.settings_of(node)
        rows = server_properties(node, self._ports, home / "data", settings, self._guard)
        properties.write_text(rows, encoding="utf-8")
        (home / "log4j2.xml").write_text(LOGGING, encoding="utf-8")
        command = self._jvm(node, "-Xmx128m", "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool")
        command += ["format", "-t", cluster_id, "-c", str(properties), "--ignore-formatted"]
        command += self._guard.scram() if self._guard else ()
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=FORMAT_SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            why = (done.stderr.strip() or done.stdout.strip()).partition("\n")[0]
            raise BrokerUnavailableError(f"Kafka could not format {home / 'data'}: {why}")

    def _jvm(self, node: int, *rest: str) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self._home(node) / 'log4j2.xml'}"
        return [self._java, "-cp", self._classpath, logging, "-Djava.awt.headless=true", *rest]

    def _launch(self, node: int) -> int:
        """Start the node's JVM; returns the length its log had before."""
        if node in self._running:
            self._gone(node)
        heap = "-Xmx512m" if len(self.nodes) == 1 else "-Xmx384m"
        settings = str(self._home(node) / "server.properties")
        extra = self._guard.jvm() if self._guard else ()
        jvm = self._jvm(node, heap, *extra, "kafka.Kafka", settings)
        log = self.log(node)
        seen = log.stat().st_size if log.exists() else 0
        with log.open("ab") as out:
            # A session of its own: Ctrl-C in a terminal is for us; we stop the broker in our time.
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(TETHER), *jvm],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.PIPE,
                cwd=self._home(node),
                start_new_session=True,
            )
        self._running[node] = process
        line = process.stderr.readline() if process.stderr else b""
        self._process_ids[node] = int(line) if line.strip().isdigit() else 0
        return seen

    def _await_ready(self, node: int, seen: int) -> None:
        until = time.monotonic() + READY_SECONDS_MAX
        while READY not in self._log_from(node, seen):
            ended = not self.alive(node)
            if ended or time.monotonic() > until:
                late = f"was not ready within {READY_SECONDS_MAX:.0f} s"
                what = "ended while starting" if ended else late
                raise BrokerUnavailableError(f"Kafka node {node} {what}: {self._said(node, seen)}")
            time.sleep(0.05)

    def _said(self, node: int, seen: int) -> str:
        """The line of the log that most likely tells why."""
        lines = self._log_from(node, seen).split("\n")
        telling = [line for line in lines if " ERROR " in line or " FATAL " in line]
        return (telling or [line for line in lines if line][-1:] or ["its log is empty"])[0]

    def _log_from(self, node: int, seen: int) -> str:
        with self.log(node).open("rb") as log:
            log.seek(seen)
            return log.read().decode(errors="replace")

    def _gone(self, node: int) -> None:
        process = self._running.pop(node)
        process.wait(STOP_SECONDS_MAX)
        for pipe in (process.stdin, process.stderr):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):  # a signal it did not live to hear
                    pipe.close()
