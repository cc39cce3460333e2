"""kill -9 at every step boundary of retention: nothing lost, nothing doubled, the same receipt sent again."""

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from e2e.dying import BOUNDARIES, give_order, python_path
from e2e.history import counts, faults
from e2e.load import UNTIL_SECONDS, Load
from e2e.recorder import recorded
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LAYOUT = {
    "others": ("identity", "consent", "moderation", "labelling", "incidents"),
    "retention": ("retention",),
}
ACTS = 50
UNSAID = (
    "segment linked", "folder synced", "temporary name removed", "appended, not published",
)  # fmt: skip
"""Deaths that leave entries of which nobody has heard."""
AGAIN = ("published, not acknowledged", "acknowledged, not committed")
"""Deaths after which what was heard must be heard again."""
LEFT = ("temporary file written", "temporary file synced", "segment linked", "folder synced")
"""Deaths that leave a temporary name in the ledger's folder."""


@dataclass
class Rig:
    """One chain for all boundaries: each death is followed by a plain start and a full check."""

    chain: Chain
    load: Load

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """Retention's process, dead or alive."""
        process = self.chain.workers["retention"].process
        assert process is not None
        return process

    def die(self, boundary: str) -> None:
        """Arm, send, and see retention die there."""
        if self.process.poll() is not None:  # the test before has failed
            self.chain.start("retention")
            rest(self.chain.settings, self.load)
        file = give_order(self.chain.settings.data_dir, boundary)
        if BOUNDARIES[boundary].method == "_make_file":  # at the first append of a process only
            self.chain.kill("retention")
            self.chain.start("retention")
        self.load.send(ACTS)
        self.load.until(lambda: self.process.poll() is not None, UNTIL_SECONDS, f"death {boundary}")
        said = self.chain.workers["retention"].said[-2000:]
        assert self.process.returncode == -signal.SIGKILL, said
        assert not file.exists()


@pytest.fixture(scope="module")
def rig(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("retention")
    settings = small_settings(kafka, f"test-{os.urandom(4).hex()}.", folder, batch_records=20)
    programs = {"retention": "e2e.dying"}
    more = {"retention": {"PYTHONPATH": python_path()}}
    with Chain(kafka, settings, layout=LAYOUT, programs=programs, more=more) as chain:
        load = Load(settings)
        load.facts()
        yield Rig(chain, load)
        load.close()


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_there_it_loses_and_doubles_nothing(boundary: str, rig: Rig) -> None:
    settings = rig.chain.settings
    rig.die(boundary)
    died = recorded(settings)
    if boundary in LEFT:
        assert list(settings.ledger_dir.rglob("*.tmp")), "nothing was left: died elsewhere?"
    if boundary in UNSAID:
        assert [f for f in faults(died) if f.startswith("decided:")], (
            "all was heard: died elsewhere?"
        )
    rig.chain.start("retention")
    rest(settings, rig.load)
    lived = checked(settings)
    for log, entries in died.logs.items():
        kept = lived.logs[log][: len(entries)]
        assert [entry.hash for entry in kept] == [entry.hash for entry in entries]
    if boundary in AGAIN:
        assert counts(lived)["again"] > counts(died)["again"], "nothing was sent again"
