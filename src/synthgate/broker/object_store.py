"""An S3-compatible server of our own to test and measure on: S3Proxy in memory, on a loopback port.

It is no place for a log: what is put into it goes with it.
"""

import contextlib
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Self

from synthgate.broker.errors import BrokerUnavailableError
from synthgate.broker.jars import find_java, s3proxy_jars
from synthgate.broker.node import free_ports

TETHER: Final = Path(__file__).with_name("tether.py")
READY_SECONDS_MAX: Final = 60.0
STARTS_MAX: Final = 3
_LOGGING: Final = """<configuration>
  <appender name="out" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d %-5level %logger{0} %msg%n</pattern></encoder>
  </appender>
  <root level="WARN"><appender-ref ref="out"/></root>
</configuration>
"""


class ObjectServer:
    """Starts S3Proxy and ends it. Raises BrokerUnavailableError: no Java, no jars, or it does not start."""

    def __init__(self) -> None:
        self.access_key = "tests"
        self.secret_key = secrets.token_hex(16)
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def settings(self) -> dict[str, Any]:
        """Settings by which it is reached, but for the bucket."""
        return {
            "s3_endpoint": self.endpoint,
            "s3_access_key": self.access_key,
            "s3_secret_key": self.secret_key,
        }

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        command = [find_java(), "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        jars = str(s3proxy_jars() / "*")
        folder = self._folder = Path(tempfile.mkdtemp(prefix="synthgate-s3-"))
        (folder / "logback.xml").write_text(_LOGGING)
        command += [f"-Dlogback.configurationFile={folder / 'logback.xml'}", "-cp", jars]
        command += ["org.gaul.s3proxy.Main", "--properties", str(folder / "properties")]
        try:
            if not any(self._start(command) for _ in range(STARTS_MAX)):
                raise BrokerUnavailableError(f"S3Proxy does not start: {self._said()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, command: list[str]) -> bool:
        """Whether it answers on a port that was free; another process may have been quicker."""
        assert self._folder is not None
        (self._port,) = free_ports(1)
        rows = {
            "s3proxy.endpoint": self.endpoint,
            "s3proxy.authorization": "aws-v4",
            "s3proxy.identity": self.access_key,
            "s3proxy.credential": self.secret_key,
            "jclouds.provider": "transient-nio2",
            "jclouds.identity": "none",
            "jclouds.credential": "none",
        }
        text = "".join(f"{name}={value}\n" for name, value in rows.items())
        (self._folder / "properties").write_text(text)
        with (self._folder / "log").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(TETHER), *command],
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + READY_SECONDS_MAX
        while self._process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return self._process.poll() is None
            time.sleep(0.05)
        self._stop()
        return False

    def _stop(self) -> None:
        """The end of the tether ends it."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        self._process.wait()
        self._process = None

    def _said(self) -> str:
        assert self._folder is not None
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else "it said nothing"
