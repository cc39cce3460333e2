"""The chain under chaos: workers behind the proxy, a supervisor's hand, a load that flows."""

import json
import random
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from chaos.acts import KnownLoad
from chaos.cluster import ProxiedCluster
from chaos.proxy import Mode
from e2e.rig import REST_SECONDS, rest, small_settings
from live_chain import HurtableChain
from reviewers.service import a_service_beside, harmless
from synthgate.broker.choose import Broker
from synthgate.settings import Settings

FLOW_SECONDS_MAX = 150.0
UNDER_WAY = 60
"""Acts unanswered, below which more are sent."""
ACTS = 12
"""Sent at once."""
ACTS_MAX = 2500
"""First acts of a round; after so many, more are sent when none is under way, for answers are waited for."""
RESTARTED = (1, 75)
"""Exit codes after which a supervisor starts a worker again."""
SESSION_SECONDS = 6.0
SCORER_SECONDS = 0.5
"""How long a worker waits for a scorer's answer, and for one to be well again."""
SCORERS = f"""[[scorer]]
name = "reader"
url = "{{url}}"
media = ["text"]
timeout_s = {SCORER_SECONDS}
breaker_open_s = {SCORER_SECONDS}
keep_entries = 0
"""
PLANTED_REST_SECONDS = 5.0
"""What was lost is not waited for."""


class ChaosError(AssertionError):
    """Something did not happen that had to, or happened that must not."""


@dataclass
class Rig:
    """One round's chain. A context manager: topics and workers are there when it is entered."""

    cluster: ProxiedCluster
    layout: Mapping[str, Sequence[str]]
    begins_with: Sequence[str]
    seed: int
    folder: Path
    prefix: str
    plant: str = ""
    scored: bool = False
    """A scorer reads every text beside the library: all of it goes by the slow lane."""
    up: set[str] = field(default_factory=set)
    """Workers that should run."""
    ends: Counter[str] = field(default_factory=Counter)
    """How workers ended, and how often."""
    said: list[str] = field(default_factory=list)
    """What was done, with the second of the round."""

    def __post_init__(self) -> None:
        nodes = len(self.cluster.nodes)
        over = {
            "session_timeout_s": SESSION_SECONDS, "partitions": 3, "replicas": nodes,
            "insync_min": min(2, nodes),
        }  # fmt: skip
        doors = Broker(self.cluster.doors, "maven", close=lambda: None)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._beside = ExitStack()
        self.scorer = self._beside.enter_context(a_service_beside())
        if self.scored:
            scorers = self.folder / "scorers.toml"
            scorers.write_text(SCORERS.format(url=self.scorer.url))
            over["scorers"] = str(scorers)
        straight = {"brokers": self.cluster.bootstrap}
        chained = small_settings(doors, self.prefix, self.folder, **over)
        self.settings: Settings = chained.model_copy(update=straight)
        """For whoever does not go through the proxy."""
        self.chain = Chained(
            doors, chained, layout=self.layout,
            programs=dict.fromkeys(self.layout, "chaos.worker"), plant=self.plant,
        )  # fmt: skip
        self.dice = random.Random(self.seed)
        self.flags = self.folder / "chaos"
        self.begun = time.monotonic()
        self._sent = 0

    def __enter__(self) -> Self:
        self.flags.mkdir(parents=True)
        self.chain.prepare()
        try:
            for name in self.begins_with:
                self.start(name)
            self.chain.wait_ready()
            self.load = KnownLoad(self.settings, self.seed, transactions=self.nodes == 1)
        except BaseException:
            self.chain.stop()
            self._beside.close()
            raise
        self.load.facts()
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()
        self.chain.stop()
        self.load.close()
        self._beside.close()

    @property
    def nodes(self) -> int:
        """How many brokers."""
        return len(self.cluster.nodes)

    def say(self, what: str) -> None:
        """Put it into the round's story."""
        self.said.append(f"{time.monotonic() - self.begun:5.1f} s  {what}")

    # Workers.

    def start(self, name: str) -> None:
        """Start a worker that should run from now on."""
        self.chain.start(name)
        self.up.add(name)

    def end(self, name: str, number: signal.Signals) -> None:
        """End a worker that need not run any more. One that is asked to has come up, and must end well."""
        if number is signal.SIGTERM:
            self.flow(lambda: self.ready(name), f"{name} is ready")
        process = self.process(name)
        self.up.discard(name)
        self.chain.kill(name, number)
        self.ends[number.name] += 1
        if number is signal.SIGTERM and process.returncode not in (0, *RESTARTED):
            raise ChaosError(f"{name} ended with {process.returncode} on SIGTERM: {self.log(name)}")

    def process(self, name: str) -> Any:
        """The worker's process, dead or alive."""
        process = self.chain.workers[name].process
        assert process is not None
        return process

    def log(self, name: str) -> str:
        """What a worker said last."""
        return self.chain.workers[name].said[-2000:]

    def alive(self, name: str) -> bool:
        """Whether its process runs."""
        return name in self.chain.workers and self.process(name).poll() is None

    def tend(self) -> None:
        """Start what ended by itself, as a supervisor does; ChaosError for what it must not start again."""
        for name in sorted(self.up):
            code = self.process(name).poll()
            if code is None:
                continue
            if code not in RESTARTED:
                raise ChaosError(f"{name} ended with {code}: {self.log(name)}")
            self.ends[f"exit {code}"] += 1
            self.say(f"{name} ended with {code} and is started again")
            self.start(name)

    def state(self, name: str) -> dict[str, Any]:
        """What a worker's /readyz says; nothing if it does not answer."""
        port = self.chain.workers[name].port
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as got:
                row: dict[str, Any] = json.load(got)
        except urllib.error.HTTPError as error:
            row = json.loads(error.read())
        except (urllib.error.URLError, OSError):
            return {}
        return row

    def waits(self, name: str, what: str) -> bool:
        """Whether a worker declares that it waits for something whose name begins so."""
        return any(wait["what"].startswith(what) for wait in self.state(name).get("waits", ()))

    def ready(self, *names: str) -> bool:
        """Whether these workers, or all that should run, read."""
        return all(self.chain.ready(self.chain.workers[name]) for name in names or self.up)

    # Load.

    def flow(self, done: Callable[[], bool], what: str, seconds: float = FLOW_SECONDS_MAX) -> None:
        """Keep acts under way until ``done``; workers are tended. ChaosError when it takes too long."""
        until = time.monotonic() + seconds
        while not done():
            self.trickle()
            self.load.listen(0.1)
            self.tend()
            if time.monotonic() > until:
                raise ChaosError(f"{what}: not within {seconds:.0f} s; {self.standing()}")

    def flow_for(self, seconds: float) -> None:
        """Keep acts under way for so long."""
        until = time.monotonic() + seconds
        self.flow(lambda: time.monotonic() > until, "time passes")

    def answered(self, more: int = 30) -> None:
        """Keep acts under way until so many more records came on ``decisions``: it goes on."""
        wanted = self.load.answered.total() + more
        self.flow(lambda: self.load.answered.total() >= wanted, f"{more} more answers")

    def mid_batch(self) -> None:
        """Return with acts under way, some of a flow that moves."""
        self.answered(10)
        self.trickle()
        if not self.load.outstanding:
            raise ChaosError("nothing is under way")

    def trickle(self) -> None:
        """Send a few acts if few are under way: what waits for an answer must never wait for nothing."""
        if len(self.load.outstanding) < (UNDER_WAY if self._sent < ACTS_MAX else 1):
            self.load.send(ACTS)
            self._sent += ACTS

    def standing(self) -> str:
        """What a person would look at when it does not go on."""
        states = {name: self.state(name) for name in sorted(self.up)}
        heard = dict(self.load.answered)
        under_way, unsent = len(self.load.outstanding), self.load.unsent
        return f"{under_way} under way, {unsent} of them not sent, heard {heard}, workers {states}"

    # The end of a round.

    def heal(self) -> None:
        """Nothing is broken any more."""
        self.cluster.proxy.turn(Mode.OPEN)
        self.scorer.answers = harmless
        for flag in list(self.flags.iterdir()):
            flag.unlink(missing_ok=True)
        for node in self.cluster.nodes:
            if self.cluster.alive(node):
                self.cluster.signal(node, "CONT")
            else:
                self.cluster.start(node)
        for name in self.up:
            if self.alive(name):
                self.process(name).send_signal(signal.SIGCONT)

    def rest(self) -> None:
        """Every worker reads and everything sent has come to its end; or so long that the checker must tell."""
        self.flow(self.ready, "every worker is ready")
        if self.scored:
            # Not what is sent from now on: on a slow machine there is always some of it.
            asked = set(self.load.sure)
            self.flow(lambda: asked <= self.load.released, "what was held comes back")
        seconds = PLANTED_REST_SECONDS if self.plant else REST_SECONDS
        rest(self.settings, self.load, seconds, meanwhile=self.tend)

    # Flags of ``chaos.worker``.

    def flag(self, name: str, text: str = "") -> None:
        """Hurt every worker of the round."""
        new = self.flags / f".{name}"
        new.write_text(text)
        new.rename(self.flags / name)

    def unflag(self, name: str) -> None:
        """Let it be well again."""
        (self.flags / name).unlink(missing_ok=True)


@dataclass
class Chained(HurtableChain):
    """A chain whose workers find the fault planted in them, if any."""

    plant: str = ""

    def environment(self) -> dict[str, str]:
        from chaos.plants import PLANTED

        return {**super().environment(), PLANTED: self.plant}
