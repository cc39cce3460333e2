"""The chain as processes: a broker, topics, keys and workers, started and stopped together."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pydantic import SecretStr

from synthgate.broker.choose import Broker
from synthgate.crypto.keys import KeyFolder
from synthgate.events.topics import TOPICS
from synthgate.settings import Settings

READY_SECONDS_MAX = 180.0
"""Six workers that start at once on a busy machine; one that ended is told at once."""
STOP_SECONDS_MAX = 40.0
LINES_TOLD: Final = 10
_LISTENS: Final = re.compile(rb"metrics at http://\S+:(\d+)/metrics")


class ChainError(Exception):
    """The chain did not come up; the sentence names the worker and where its log is."""


@dataclass
class WorkerProcess:
    """One ``synthgate worker``. ``begins``: the byte of its log file at which the lines of this start begin."""

    name: str
    arguments: Sequence[str]
    log: Path
    begins: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    _port: int = 0

    @property
    def said(self) -> str:
        """What it has said since it was started."""
        return self._said().decode(errors="replace")

    @property
    def port(self) -> int:
        """Where its /metrics and /readyz are: it picks a free one itself, and says which. 0 until then."""
        if not self._port and (found := _LISTENS.search(self._said())):
            self._port = int(found[1])
        return self._port

    def _said(self) -> bytes:
        if not self.log.exists():
            return b""
        with self.log.open("rb") as log:
            log.seek(self.begins)
            return log.read()


@dataclass
class Chain:
    """Workers over one broker. Settings of a run: topic prefix, folder, keys."""

    broker: Broker
    settings: Settings
    layout: Mapping[str, Sequence[str]] = field(default_factory=lambda: {"all": ()})
    """Worker name to its arguments (duties, ``--fused``)."""
    programs: Mapping[str, str] = field(default_factory=dict)
    """Worker name to the module run instead of ``synthgate``; it takes the same arguments."""
    more: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Worker name to what its environment has beside, or instead of, the others'."""
    workers: dict[str, WorkerProcess] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.prepare()
        try:
            for name in self.layout:
                self.start(name)
            self.wait_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.stop()

    def prepare(self) -> None:
        """Keys and topics, made if absent."""
        if not (self.settings.keys_dir / "master.key").exists():
            KeyFolder.init(self.settings.keys_dir)
        if self.broker.create_topics is not None:
            names = {self.settings.topic(t.name): self.settings.partitions for t in TOPICS}
            self.broker.create_topics(names)
        else:
            self.command("topics", "create")

    def environment(self) -> dict[str, str]:
        """What every process of this chain is given."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SYNTHGATE_")}
        mine = {
            f"SYNTHGATE_{name.upper()}": _plain(value)
            for name, value in self.settings
            if name not in ("instance", "web_port")
        }
        return {**kept, **mine}

    def command(self, *arguments: str) -> str:
        """Run one ``synthgate`` command; its output. ChainError if it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "synthgate", *arguments],
            env=self.environment(), capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        if done.returncode != 0:
            raise ChainError(f"synthgate {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
        return done.stdout

    def start(self, name: str) -> None:
        """Start one worker of the layout."""
        program = self.programs.get(name, "synthgate")
        log = self.settings.data_dir / f"worker-{name}.log"
        begins = log.stat().st_size if log.exists() else 0
        worker = WorkerProcess(name, self.layout[name], log, begins)
        environment = self.environment() | {
            "SYNTHGATE_WEB_PORT": "0",
            "SYNTHGATE_INSTANCE": f"{name}",
            **self.more.get(name, {}),
        }
        with log.open("ab") as out:
            worker.process = subprocess.Popen(
                [sys.executable, "-m", program, "worker", *worker.arguments],
                env=environment, stdout=out, stderr=out, start_new_session=True,
            )  # fmt: skip
        self.workers[name] = worker

    def wait_ready(self, seconds: float = READY_SECONDS_MAX) -> None:
        """Until every worker reads. ChainError names one that does not."""
        until = time.monotonic() + seconds
        for worker in self.workers.values():
            while not self.ready(worker):
                process = worker.process
                if process is not None and process.poll() is not None:
                    raise ChainError(
                        f"worker {worker.name} ended with {process.returncode}: {_tail(worker)}"
                    )
                if time.monotonic() > until:
                    raise ChainError(
                        f"worker {worker.name} is not ready in {seconds:g} s: {_tail(worker)}"
                    )
                time.sleep(0.1)

    @staticmethod
    def ready(worker: WorkerProcess) -> bool:
        """Whether /readyz says so."""
        if not worker.port:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=2) as got:
                return bool(got.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metrics(self, name: str) -> str:
        """A worker's /metrics page."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.workers[name].port}/metrics", timeout=5
        ) as got:
            return bytes(got.read()).decode()

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """End a worker without warning."""
        process = self.workers[name].process
        if process is not None and process.poll() is None:
            process.send_signal(number)
            process.wait(STOP_SECONDS_MAX)

    def stop(self) -> None:
        """SIGTERM to all, then SIGKILL to who stays."""
        for worker in self.workers.values():
            if worker.process is not None and worker.process.poll() is None:
                worker.process.terminate()
        for worker in self.workers.values():
            if worker.process is not None:
                try:
                    worker.process.wait(STOP_SECONDS_MAX)
                except subprocess.TimeoutExpired:
                    worker.process.kill()
                    worker.process.wait()


def _plain(value: object) -> str:
    """A setting as an environment holds it."""
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _tail(worker: WorkerProcess) -> str:
    lines = worker.said.strip().splitlines()[-LINES_TOLD:]
    return " | ".join(lines)[-2000:] + f" (log: {worker.log})"
