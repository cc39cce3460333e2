"""What an earlier version wrote on topics and into logs is read, and carried on from where it stopped.

The archives are recorded by ``record.py`` with the earlier version's own code. Both versions beside each other
on a broker: ``tests/e2e/test_two_versions.py``.
"""

import base64
import json
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cli_commands import run
from e2e.history import faults
from e2e.recorder import readers
from e2e.test_history import taken
from local_bus import LocalBus, Stored, local_settings
from synthgate.effects.provider_code import SAMPLE_CODE

ARCHIVES = sorted(Path(__file__).parent.glob("*.tar.xz"))


def stopped(archive: Path, folder: Path) -> LocalBus:
    """The chain as the earlier version left it, before anything of ours has run."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    told = json.loads((folder / "records.json").read_bytes())
    bus = LocalBus(
        local_settings(folder / "data", provider_code=SAMPLE_CODE), now_ms=told["now_ms"]
    )
    for topic, partition, offset, at, key, value, headers in told["records"]:
        named = [(name, base64.b64decode(text)) for name, text in headers]
        body = [None if text is None else base64.b64decode(text) for text in (key, value)]
        bus.logs[topic, partition].append(Stored(offset, at, *body, named))
    bus.read.update({(stage, topic, partition): at for stage, topic, partition, at in told["read"]})
    bus.start()
    return bus


@pytest.fixture(params=ARCHIVES, ids=lambda path: path.name)
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> LocalBus:
    return stopped(request.param, tmp_path)


def test_every_stage_has_something_of_the_earlier_version_before_it(bus: LocalBus) -> None:
    assert all(bus.unread(stage) for stage in bus.stages)


def test_there_is_an_earlier_version_to_carry_on_from() -> None:
    assert ARCHIVES


def test_nothing_is_lost_or_doubled_and_the_log_is_whole(bus: LocalBus, capsys: Any) -> None:
    heads = [reader.find_head() for reader in readers(bus.settings).values()]
    bus.run()
    assert faults(taken(bus)) == []
    actions = Counter(one.action for one in bus.decisions() if one.event_id.startswith("mid-"))
    assert actions["release"] >= len(bus.stages)
    assert actions["refuse"] >= len(bus.stages)
    bus.prove()
    assert sum(heads) < sum(reader.find_head() for reader in readers(bus.settings).values())
    code, said, _ = run(capsys, "--set", f"data_dir={bus.settings.data_dir}", "verify")
    assert code == 0, said
    code, said, _ = run(capsys, "--set", f"data_dir={bus.settings.data_dir}", "replay")
    assert code == 0, said
    assert " 0 different" in said
