"""A worker that freezes, is taken for dead and comes back: the log's fence holds, nothing doubles."""

import signal
import time
from pathlib import Path

import pytest

from e2e.history import counts
from e2e.load import UNTIL_SECONDS, Load
from e2e.recorder import readers
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

BACK_SECONDS = 20.0
"""It is ready again, or it ends; later than this is soon enough too, the other has its partitions."""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_frozen_worker_that_comes_back_doubles_nothing(
    kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    with Chain(kafka, settings, layout={"one": (), "other": ()}) as chain:
        load = Load(settings)
        load.facts()
        load.send(300)
        load.part_answered()
        frozen = chain.workers["one"].process
        assert frozen is not None
        assert load.outstanding, "not in mid-stream"
        frozen.send_signal(signal.SIGSTOP)
        heads = {log: reader.find_head() for log, reader in readers(settings).items()}
        load.send(200)
        load.until(
            lambda: all(r.find_head() > heads.get(n, 0) for n, r in readers(settings).items()),
            UNTIL_SECONDS, "every log taken over",
        )  # fmt: skip
        frozen.send_signal(signal.SIGCONT)
        load.send(100)
        until = time.monotonic() + BACK_SECONDS
        while (
            time.monotonic() < until
            and frozen.poll() is None
            and not chain.ready(chain.workers["one"])
        ):
            load.listen(0.2)
        if frozen.poll() is not None:
            assert frozen.returncode == 1, chain.workers["one"].said[-2000:]
            chain.start("one")
        rest(settings, load)
        load.close()
    assert counts(checked(settings))["entries"] > 600
