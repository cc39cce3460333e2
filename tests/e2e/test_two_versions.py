"""Workers of two versions beside each other, under load: nothing lost, nothing doubled.

    git worktree add --detach /tmp/previous REVISION
    SYNTHGATE_TEST_LONG=1 PREVIOUS=/tmp/previous .venv/bin/pytest tests/e2e/test_two_versions.py -s

rolls from that tree to this one and back, one worker after the other. Where ``bash deploy/setup test`` was
run in that tree, its workers have what it asks for; else what is installed here. What the suite knows of
earlier versions without such a tree is in ``tests/upgrade``.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from e2e.history import counts
from e2e.load import UNTIL_SECONDS, Load
from e2e.rig import checked, rest, small_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain

ROOT = Path(__file__).parents[2]
PREVIOUS = Path(os.environ.get("PREVIOUS", ""))
FRONT, BACK = "front", "back"
LAYOUT = {
    FRONT: ("identity", "consent", "moderation"),
    BACK: ("labelling", "retention", "incidents"),
}
ROLLS = ((BACK, ROOT), (FRONT, ROOT), (FRONT, PREVIOUS), (BACK, PREVIOUS))
"""There by the order of an upgrade, readers first; back in the order of a downgrade, writers first."""
ACTS = 300
HAS_IT = os.environ.get("SYNTHGATE_TEST_LONG") == "1" and "PREVIOUS" in os.environ
INSTALLED = Path(".venv") / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"


def modules(tree: Path) -> str:
    """Where a worker of a tree finds its modules: the tree's own, and what was installed in it."""
    places = (tree / "src", tree / INSTALLED)
    return ":".join(str(place) for place in places if place.is_dir())


@dataclass
class Mixed(Chain):
    """Each worker is of a tree of its own; only settings both versions know are given to them."""

    trees: dict[str, Path] = field(default_factory=dict)
    known: frozenset[str] = frozenset()

    def environment(self) -> dict[str, str]:
        """Without what an older version would refuse to start with."""
        every = super().environment()
        return {k: v for k, v in every.items() if not k.startswith("SYNTHGATE_") or k in self.known}

    def start(self, name: str) -> None:
        """Start a worker on its tree."""
        self.more = {**self.more, name: {"PYTHONPATH": modules(self.trees[name])}}
        super().start(name)


class Earlier(Load):
    """Entries of the library stand under their id alone, as they did before decision 0059."""

    def _put(self, topic: str, key: bytes, *rest: Any) -> None:
        super()._put(topic, key.partition(b"/")[0] if topic == "facts.features" else key, *rest)


def asked(tree: Path, code: str) -> str:
    """What a tree's own code says."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": modules(tree)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    not HAS_IT,
    reason="SYNTHGATE_TEST_LONG=1 and PREVIOUS=/an/earlier/tree roll workers from it and back",
)
def test_two_versions_carry_one_chain(kafka: Broker, topic_prefix: str, tmp_path: Path) -> None:
    for tree in (PREVIOUS, ROOT):
        assert Path(asked(tree, "import synthgate as s; print(s.__file__)")).is_relative_to(tree)
    names = asked(PREVIOUS, "from synthgate.settings import *; print(*Settings.model_fields)")
    known = frozenset(f"SYNTHGATE_{name.upper()}" for name in (*names.split(), "media_roots"))
    settings = small_settings(kafka, topic_prefix, tmp_path, session_timeout_s=6)
    chain = Mixed(
        kafka, settings, layout=LAYOUT, trees=dict.fromkeys(LAYOUT, PREVIOUS), known=known
    )
    load = Earlier(settings)
    try:
        with chain:
            load.facts()
            load.send(ACTS)
            load.until(lambda: load.answered.total() > ACTS // 2, UNTIL_SECONDS, "answers before")
            for name, tree in ROLLS:
                load.send(ACTS // 2)
                chain.kill(name, signal.SIGTERM)
                chain.trees[name] = tree
                chain.start(name)
                load.send(ACTS // 2)
                chain.wait_ready()
                heard = load.answered.total()
                load.send(ACTS)
                load.until(
                    lambda least=heard + ACTS // 2: load.answered.total() > least,  # type: ignore[misc]
                    UNTIL_SECONDS, f"answers once {name} was of {tree}",
                )  # fmt: skip
            rest(settings, load)
    finally:
        load.close()
    assert counts(checked(settings))["entries"] > ACTS * len(ROLLS)
