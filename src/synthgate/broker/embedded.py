"""The embedded broker: librdkafka's Kafka-protocol broker in a child process. No Java, no disk.

Good for the demo and for quick tests. It proves nothing about durability: it keeps about 5 MB a
partition and forgets the oldest, has no CreateTopics (``create_topics`` here goes beside the
protocol), no compaction, no replication, no append time (a record keeps its producer's) and no
search by time, and leaves transactions' aborted records visible. A topic that a client names first
is made with ``AUTO_PARTITIONS`` partitions.

A group has room for one aiokafka member: the broker takes the group for complete as soon as the
leader has answered, and refuses the others (InvalidRequest), which aiokafka does not survive. A
member that comes back, static or not, waits up to twice its session time-out: keep that short.
"""

import contextlib
import importlib.util
import re
import selectors
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from synthgate.broker.errors import BrokerUnavailableError

AUTO_PARTITIONS = 4
ANSWER_SECONDS_MAX = 60.0
STOP_SECONDS_MAX = 5.0
SCRIPT = Path(__file__).with_name("mock_cluster.py")
TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")


class EmbeddedBroker:
    """One librdkafka broker on a free loopback port; a context manager, or ``open`` and ``close``.

    ``partitions`` says how many each topic has. Topics not named there have ``AUTO_PARTITIONS``,
    which cannot be changed: a bare number is accepted only if it is that one. The child ends with
    this process. ``open`` raises BrokerUnavailableError when confluent-kafka is not installed.
    """

    def __init__(self, partitions: Mapping[str, int] | int = AUTO_PARTITIONS) -> None:
        if isinstance(partitions, int) and partitions != AUTO_PARTITIONS:
            raise ValueError(
                f"a topic that the embedded broker makes by itself has {AUTO_PARTITIONS} "
                f"partitions, not {partitions}: give the topics by name"
            )
        self._topics = {} if isinstance(partitions, int) else dict(partitions)
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()
        self.bootstrap = ""

    def __enter__(self) -> Self:
        """Open the broker."""
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        """Close the broker."""
        self.close()

    @property
    def process_id(self) -> int:
        """Process id of the broker."""
        return self._child().pid

    def open(self) -> None:
        """Start the broker and create the topics given."""
        if importlib.util.find_spec("confluent_kafka") is None:
            raise BrokerUnavailableError(
                "confluent-kafka is not installed: pip install 'synthgate[demo]'"
            )
        # A session of its own: Ctrl-C in a terminal is for us, and the broker outlives our drain.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            self.bootstrap = self._answer()
            self.create_topics(self._topics)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the broker; what it held is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Create topics, each with its number of partitions; raises ValueError if one is refused.

        One that is already there is refused too: its number of partitions could be another.
        """
        for topic, count in partitions.items():
            if not TOPIC_NAME.fullmatch(topic) or count < 1:
                raise ValueError(f"not a topic and a number of partitions: {topic!r}, {count}")
            with self._turn:
                asked = self._child().stdin
                if asked is not None:
                    asked.write(f"{topic} {count}\n")
                    asked.flush()
                if why := self._answer():
                    raise ValueError(f"the embedded broker refused topic {topic}: {why}")

    def _child(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the embedded broker is not open")
        return self._process

    def _answer(self) -> str:
        """The next line from the child. It writes one line per question, so none is buffered."""
        told = self._child().stdout
        if told is None:
            raise RuntimeError("the embedded broker has no output")
        with selectors.DefaultSelector() as selector:
            selector.register(told, selectors.EVENT_READ)
            ready = selector.select(ANSWER_SECONDS_MAX)
        line = told.readline() if ready else ""
        if not line.endswith("\n"):
            raise BrokerUnavailableError("the embedded broker ended or did not answer")
        return line.strip()
