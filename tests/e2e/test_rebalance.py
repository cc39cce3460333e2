"""Workers come and go in mid-stream, partitions change hands: nothing lost, nothing doubled."""

import signal
import time
from pathlib import Path

import pytest

from e2e.history import counts
from e2e.load import Load
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

JOINED_SECONDS_MAX = 120.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_workers_come_and_go(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    chain = Chain(kafka, settings, layout={"one": (), "other": (), "third": ()})
    chain.prepare()
    load = Load(settings)
    load.facts()

    def stream() -> None:
        """Keep sending until every worker that runs has joined and reads, and a little longer."""
        running = [w for w in chain.workers.values() if w.process and w.process.poll() is None]
        sent = 0
        until = time.monotonic() + JOINED_SECONDS_MAX
        while sent < 100 or not all(map(chain.ready, running)):
            assert time.monotonic() < until, (
                f"not ready: {[w.name for w in running if not chain.ready(w)]}; {load.standing()}"
            )
            if sent < 2000:
                load.send(20)
                sent += 20
            load.listen(0.2)
        load.send(20)
        assert load.outstanding, "not in mid-stream"

    try:
        chain.start("one")
        chain.wait_ready()
        stream()
        chain.start("other")
        stream()
        chain.start("third")
        stream()
        chain.kill("one", signal.SIGTERM)
        stream()
        chain.kill("third")
        chain.start("one")
        stream()
        rest(settings, load)
    finally:
        chain.stop()
        load.close()
    assert counts(checked(settings))["entries"] > 700
