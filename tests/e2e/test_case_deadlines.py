"""Deadlines on real Kafka: owners are killed, one freezes and comes back; one effect each, none early.

300 deadlines, a kill and a zombie; with SYNTHGATE_TEST_LONG=1 ten thousand and ten kills.
"""

import os
import signal
import time
from pathlib import Path

import pytest

from e2e.casework import rows, said, tell, until, written
from e2e.rig import small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.settings import Settings

LONG = os.environ.get("SYNTHGATE_TEST_LONG") == "1"
COUNT = 10_000 if LONG else 300
KILLS = 10 if LONG else 1
APART_MS = 5 if LONG else 15
"""A deadline comes so long after the one before it: they come while owners die."""
REACHED = "deadline.reached"


def reached(settings: Settings) -> dict[str, int]:
    """When each case's deadline was answered, as the cases stand."""
    return {
        name: noted["at"]
        for name, row in rows(settings, "order").items()
        for noted in row["timeline"]
        if noted["type"] == REACHED
    }


def order(settings: Settings, numbers: range, first_ms: int) -> None:
    """A regulator's orders, each to be answered by a time: the first so long from now."""
    first = time.time_ns() // 1_000_000 + first_ms
    tell(settings, [
        (f"order-{n}", "regulator.requested", f"o-{n}",
         {"detail": {"answer_by": said(first + at * APART_MS)}})
        for at, n in enumerate(numbers)
    ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600 if LONG else 240)
def test_each_deadline_has_one_effect_whoever_dies_or_comes_back(
    kafka: Broker, topic_prefix: str, tmp_path: Path, closing_lines: list[str]
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    layout = {"one": ("incidents",), "other": ("incidents",)}
    with Chain(kafka, settings, layout=layout) as chain:
        for_zombie = COUNT // 3
        order(settings, range(COUNT - for_zombie), 2_000)
        for kill in range(KILLS):
            share = (COUNT - for_zombie) * (kill + 1) // (KILLS + 1)
            until(lambda share=share: len(reached(settings)) >= share, f"deadline {share}", chain)
            name = ("one", "other")[kill % 2]
            chain.kill(name)
            chain.start(name)
        order(settings, range(COUNT - for_zombie, COUNT), 5_000)
        until(lambda: len(rows(settings, "order")) == COUNT, "case of every order", chain)
        until(lambda: chain.ready(chain.workers["one"]), "worker after its kill", chain)
        zombie = chain.workers["one"].process
        assert zombie is not None
        zombie.send_signal(signal.SIGSTOP)
        # Those of the frozen owner's partitions come only when another has taken them over.
        until(lambda: len(reached(settings)) == COUNT, "deadline taken over", chain)
        zombie.send_signal(signal.SIGCONT)
        until(
            lambda: zombie.poll() is not None or chain.ready(chain.workers["one"]),
            "word of the zombie", chain,
        )  # fmt: skip
        if zombie.poll() is None:
            time.sleep(2)  # two of its ticks; that it does nothing needs no luck to be seen
    late = check(settings)
    closing_lines.append(
        f"deadlines: {COUNT} on real Kafka, {KILLS} kills and a zombie: one effect each, none early,"
        f" the latest {max(late) / 1000:.1f} s after its time"
    )


def check(settings: Settings) -> list[int]:
    """How late each was. Every row ever written counts: none says a deadline was reached before its time."""
    for row in written(settings):
        for noted in row.get("timeline", ()):
            if noted["type"] == REACHED:
                assert noted["at"] >= noted["detail"]["due"], row["case"]
    held = rows(settings, "order")
    assert len(held) == COUNT
    for row in held.values():
        (deadline,) = row["deadlines"]
        (noted,) = [one for one in row["timeline"] if one["type"] == REACHED]
        assert deadline["reached_at"] == noted["at"] and row["version"] == 2
        assert noted["id"] == f"{row['case']}/answer/reached"
    return [noted["detail"]["late_ms"] for row in held.values() for noted in row["timeline"]]
