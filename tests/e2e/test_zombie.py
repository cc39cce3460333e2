"""A worker that freezes, is taken for dead and comes back: the log's fence holds, nothing doubles."""

import signal
import time
from pathlib import Path

import pytest

from e2e.history import counts
from e2e.load import Load
from e2e.recorder import readers
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

FROZEN_SECONDS_MAX = 60.0


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_frozen_worker_that_comes_back_doubles_nothing(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    with Chain(kafka, settings, layout={"one": (), "other": ()}) as chain:
        load = Load(settings)
        load.facts()
        load.send(300)
        before = len(load.outstanding)
        load.until(lambda: len(load.outstanding) < before * 0.6, 60, "half")
        frozen = chain.workers["one"].process
        assert frozen is not None
        frozen.send_signal(signal.SIGSTOP)
        assert load.outstanding, "not in mid-stream"
        heads = {log: reader.find_head() for log, reader in readers(settings).items()}
        load.send(200)
        load.until(
            lambda: all(r.find_head() > heads.get(n, 0) for n, r in readers(settings).items()),
            FROZEN_SECONDS_MAX, "every log taken over",
        )  # fmt: skip
        frozen.send_signal(signal.SIGCONT)
        load.send(100)
        until = time.monotonic() + 20
        while (
            time.monotonic() < until
            and frozen.poll() is None
            and not chain.ready(chain.workers["one"])
        ):
            load.listen(0.2)
        if frozen.poll() is not None:
            assert frozen.returncode == 1, chain.workers["one"].log.read_text()[-500:]
            chain.start("one")
        rest(settings, load)
        load.close()
    assert counts(checked(settings))["entries"] > 600
