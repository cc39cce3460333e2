"""SIGKILL in mid-stream, five times, in each topology: nothing lost, nothing doubled."""

from pathlib import Path

import pytest

from e2e.history import counts
from e2e.load import Load
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

KILLS = 5
ACTS = 200
"""First acts per leg; what follows from their decisions comes on top."""
LAYOUTS = {
    "one worker": {"all": ()},
    "two workers": {
        "front": ("identity", "consent", "moderation"),
        "back": ("labelling", "retention", "incidents"),
    },
    "fused": {"fused": ("--fused",)},
}


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_five_kills_lose_nothing_and_double_nothing(
    layout: dict[str, tuple[str, ...]], kafka: Broker, topic_prefix: str, tmp_path: Path
) -> None:
    settings = small_settings(kafka, topic_prefix, tmp_path)
    with Chain(kafka, settings, layout=layout) as chain:
        load = Load(settings)
        load.facts()
        names = list(layout)
        for kill in range(KILLS):
            load.send(ACTS)
            load.part_answered()
            name = names[kill % len(names)]
            assert load.outstanding, "not in mid-stream"
            chain.kill(name)
            chain.start(name)
        load.send(ACTS)
        rest(settings, load)
        load.close()
    seen = counts(checked(settings))
    for kind in ("release", "refuse", "hold", "silent", "stub", "back", "slow", "objects", "again"):
        assert seen[kind] > 0, f"the load had no {kind}"
    assert seen["content cases"] > 0
