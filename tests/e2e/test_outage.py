"""A scorer dies under load and comes back: everything is held meanwhile, nobody is asked, revision 2 answers.

Real Kafka. Events come at half of what the chain takes with a scorer, measured first. Two seconds dead; five
minutes, with a hold's times shortened to a third, with SYNTHGATE_TEST_LONG=1 (a quarter of an hour).
"""

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from e2e.followed import latest
from e2e.load import SAID_SECONDS, Load
from e2e.recorder import Topics, readers
from live_chain import chain_settings
from reviewers.service import Service, a_service_beside, harmless
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain
from synthgate.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(2_400)]
LONG = os.environ.get("SYNTHGATE_TEST_LONG") == "1"
DEAD_S = 300.0 if LONG else 2.0
BURST = 3_000 if LONG else 60
RATE_MAX = 1_000.0 if LONG else 20.0
"""A bound for the short form alone: a quick machine is not to be given more to do than a slow one."""
RETRY_S = 10 if LONG else 1
USERS = 100 if LONG else 12
ANSWERED_S = 1_500.0 if LONG else 120.0
"""A hold comes back after RETRY_S, 4 and 20 times that; the breaker may stay open a while, too."""
ROSTER = """
[[scorer]]
name = "words"
url = "{url}"
media = ["text"]
per_second = 10000
keep_entries = 0
timeout_s = {timeout_s}
tries = 1
breaker_open_s = {open_s}
"""


class Heard(NamedTuple):
    """What a platform keeps of a decision."""

    decision: str
    action: str
    hold: str | None


class Platform(Load):
    """Verified users who ask at a steady rate. ``heard``: decisions by root, each once.

    A worker that ends under too much work is started again, as a supervisor would.
    """

    def __init__(self, chain: Chain) -> None:
        super().__init__(chain.settings, users=USERS, transactions=False)
        self._chain = chain
        self._past: set[str] = set()
        self.restarts = 0
        self._unverified = set()
        self.heard: dict[str, dict[int, Heard]] = {}
        self.twice: list[str] = []
        """Decisions that name a revision which another has."""

    def listen(self, seconds: float) -> None:
        process = self._chain.workers["all"].process
        if process is not None and process.poll() is not None:
            self.restarts += 1
            self._chain.start("all")
        super().listen(seconds)

    def ask(self, count: int) -> None:
        for _ in range(count):
            user = self._users[self._number % USERS]
            prompt = f"写一首关于春天的诗 {self._number}"
            self._event(user, "generation.requested", {"content": {"prompt": prompt}})

    def steadily(self, per_second: float, seconds: float) -> int:
        """Ask so often for so long; how many did."""
        begun, asked = time.monotonic(), 0
        while (gone := time.monotonic() - begun) < seconds:
            due = int(gone * per_second) - asked
            self.ask(due)
            asked += due
            self.listen(0.02)
        self._producer.flush(SAID_SECONDS)
        return asked

    def _react(self, decision: dict[str, Any], key: bytes, partition: int) -> None:
        self.outstanding.discard(decision["event_id"])
        if decision["type"] != "generation.requested" or decision["root"] in self._past:
            return
        revisions = self.heard.setdefault(decision["root"], {})
        said = Heard(decision["decision"], decision["action"], decision["hold"])
        if revisions.setdefault(decision["revision"], said) != said:
            self.twice.append(said.decision)

    def forget(self) -> None:
        """What was asked so far is no part of it; a worker that starts again may say it again."""
        self._past.update(self.heard)
        self.heard.clear()

    def last(self) -> Counter[str]:
        """What became of everything that was asked, as far as is known."""
        return Counter(found[max(found)].action for found in self.heard.values())


@pytest.fixture
def service() -> Iterator[Service]:
    with a_service_beside() as made:
        yield made


@pytest.fixture
def running(kafka: Broker, topic_prefix: str, tmp_path: Path, service: Service) -> Iterator[Chain]:
    roster = tmp_path / "scorers.toml"
    given = {"timeout_s": 2.0 if LONG else 1.0, "open_s": 5.0 if LONG else 0.2}
    roster.write_text(ROSTER.format(url=service.url, **given))
    settings = chain_settings(kafka, topic_prefix, tmp_path, scorers=str(roster), retry_s=RETRY_S)
    with Chain(kafka, settings) as chain:
        yield chain


def capacity(platform: Platform) -> float:
    """Events a second of a burst until all are released; on a slow machine some come back first."""
    platform.ask(BURST)
    begun = time.monotonic()
    platform.until(
        lambda: platform.last() == {"release": BURST}, ANSWERED_S, "a release of the burst"
    )
    return BURST / (time.monotonic() - begun)


def hold_cases(settings: Settings) -> dict[str, dict[str, Any]]:
    with Topics(settings) as topics:
        rows = latest(topics.read("cases"))
    return {name: row for name, row in rows.items() if row["kind"] == "hold"}


def logged(settings: Settings) -> dict[str, Counter[str]]:
    """By root, what the log's entries did: ``silent`` is a retry in vain."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for reader in readers(settings).values():
        for index in range(reader.find_head()):
            header = reader.header(index)
            found[header["root"]][header["action"]] += 1
    return found


def test_a_dead_scorer_holds_everything_asks_nobody_and_each_is_answered_once(
    running: Chain, service: Service, closing_lines: list[str]
) -> None:
    settings = running.settings
    platform = Platform(running)
    try:
        platform.facts()
        reached = capacity(platform)
        rate = min(reached / 2, RATE_MAX)
        platform.forget()
        service.answers = lambda _: service.over.wait()  # takes calls, and says nothing
        asked = platform.steadily(rate, DEAD_S)
        platform.until(lambda: len(platform.heard) == asked, ANSWERED_S, "a hold for everybody")
        assert platform.last() == {"hold": asked}
        service.answers = harmless
        begun = time.monotonic()
        platform.until(lambda: platform.last() == {"release": asked}, ANSWERED_S, "a release")
        took = time.monotonic() - begun
        closed = {"closed"}
        platform.until(
            lambda: {row["state"] for row in hold_cases(settings).values()} == closed,
            ANSWERED_S,
            "an end to every hold",
        )
    finally:
        platform.close()
    assert platform.twice == []
    for found in platform.heard.values():
        said = {revision: (one.action, one.hold) for revision, one in found.items()}
        assert said == {1: ("hold", "retry"), 2: ("release", None)}
    cases = hold_cases(settings)
    assert len(cases) == asked
    assert {row["detail"]["hold"] for row in cases.values()} == {"retry"}  # none a person's task
    assert {row["detail"]["closed_by"] for row in cases.values()} == {"timer"}
    entries = logged(settings)
    tries = [entries[root] for root in platform.heard]
    assert {(one["hold"], one["release"]) for one in tries} == {(1, 1)}
    in_vain = Counter(one["silent"] for one in tries)
    closing_lines.append(
        f"a scorer dead for {DEAD_S:.0f} s at {rate:.0f} events/s (half of {reached:.0f}): {asked} holds, no"
        f" task, each answered by revision 2 within {took:.0f} s of its return; tries in vain before:"
        f" {dict(sorted(in_vain.items()))}; the worker was started {platform.restarts} times again"
    )
