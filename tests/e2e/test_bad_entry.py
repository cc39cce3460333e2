"""A bad entry is put in force on a running chain, refuses whoever uses a word of every day, and is taken back.

Real Kafka, the settings as they come: the guard fires before the hundredth suspension of any partition, and
once the version is rolled back everybody stands exactly as before. 300 people on two partitions; 10,000 on four
with SYNTHGATE_TEST_LONG=1.
"""

import json
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cli_commands import run
from e2e.followed import latest, parse
from e2e.load import DRUGS, SAID_SECONDS, Load
from e2e.recorder import Topics
from e2e.rig import at_rest, rest
from live_chain import chain_settings
from synthgate.broker.choose import Broker
from synthgate.demo.chain import Chain, ChainError
from synthgate.demo.facts import control
from synthgate.events.facts import Row, key_of
from synthgate.library.sample import SAMPLE_VERSION, sample_rows
from synthgate.settings import Settings

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]
LONG = os.environ.get("SYNTHGATE_TEST_LONG") == "1"
PEOPLE, PARTITIONS = (10_000, 4) if LONG else (300, 2)
BEFORE = 20
"""People who were refused for something else before, and do not stand well."""
SUSPENDED_MAX = 100
SECONDS_MAX = 600.0 if LONG else 60.0
BAD = SAMPLE_VERSION + 1
ROLLED_BACK_S = 10.0
"""What the command promises; held to it in the long form alone, where nothing else runs beside."""
TWO = ("--by", "ann", "--and-by", "bob")
WORD = "begonia"


class People(Load):
    """Everybody is verified, and asks when told to."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, users=PEOPLE, transactions=False)
        self._unverified = set()

    def tell(self, rows: Iterable[tuple[str, Row]]) -> None:
        """Facts, acknowledged."""
        for topic, row in rows:
            self._put(topic, key_of(topic, row).encode(), row.model_dump_json().encode(), [])
        self._producer.flush(SAID_SECONDS)

    def ask(self, count: int, prompt: str) -> None:
        """The first so many ask, once each; returns when all are answered."""
        self.answered.clear()
        for user in self._users[:count]:
            self._event(user, "generation.requested", {"content": {"prompt": prompt}})
        self._producer.flush(SAID_SECONDS)
        self.until(lambda: not self.outstanding, SECONDS_MAX, "an answer to everybody")


def planted() -> list[tuple[str, Row]]:
    """A harmless word on a list, so grave that its first use suspends; the list is in force."""
    like = next(row for row in sample_rows() if row.risk == "A.1h" and row.kind == "keyword")
    bad = {"entry": "bad-01", "value": WORD, "risk": "A.1d", "severity": 95, "from_version": BAD}
    now_ms = time.time_ns() // 1_000_000
    return [
        ("facts.features", like.model_copy(update=bad)),
        ("control", control("library", {"version": BAD, "agreed_by": "bob"}, now_ms)),
    ]


def standings(settings: Settings) -> dict[str, tuple[str, list[str]]]:
    """How everybody stands now, and why."""
    with Topics(settings) as topics:
        rows = latest(topics.read("standings"))
    return {key: (row["standing"], row["causes"]) for key, row in rows.items()}


def ever_suspended(settings: Settings, besides: Iterable[str]) -> Counter[int]:
    """People by partition who at any time were suspended."""
    with Topics(settings) as topics:
        found = {
            (partition, record.key)
            for partition, records in topics.read("standings").items()
            for record in records
            if parse(record.value)["standing"] == "suspended"
            and (record.key or b"").decode() not in set(besides)
        }
    return Counter(partition for partition, _ in found)


def come_to_rest(settings: Settings, people: People) -> None:
    begun = time.monotonic()
    rest(settings, people, SECONDS_MAX)
    assert at_rest(settings)
    print(f"at rest after {time.monotonic() - begun:.0f} s")


def rolled_back(chain: Chain, told: Path) -> tuple[str, float, float]:
    """What the command said, the seconds it names, and those of its whole process."""
    command = (
        "library", "rollback", str(SAMPLE_VERSION), *TWO, "--reason", "a word of every day",
        "--list", str(told),
    )  # fmt: skip
    begun = time.monotonic()
    while True:
        try:
            said = chain.command(*command)
            break
        except ChainError as error:  # a very slow machine: it says so, and is safe to run again
            again = "run this again" in str(error) and not LONG
            if not again or time.monotonic() - begun > SECONDS_MAX:
                raise
    took = time.monotonic() - begun
    named = re.search(r", in ([0-9.]+) s", said)
    assert named is not None, said
    return said, float(named[1]), took


def options(settings: Settings) -> list[str]:
    rows = settings.model_dump(mode="json", exclude={"instance", "web_port"})
    return [part for name, value in rows.items() for part in ("--set", f"{name}={value}")]


@pytest.fixture
def running(kafka: Broker, topic_prefix: str, tmp_path: Path) -> Iterator[Chain]:
    with Chain(
        kafka, chain_settings(kafka, topic_prefix, tmp_path, partitions=PARTITIONS)
    ) as chain:
        yield chain


def test_a_bad_entry_hits_many_and_everybody_stands_as_before(
    running: Chain,
    tmp_path: Path,
    closing_lines: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in os.environ if name.startswith("SYNTHGATE_")]:
        monkeypatch.delenv(name)  # no settings of the commands below
    settings = running.settings
    where = options(settings)
    people = People(settings)
    try:
        people.facts()
        begun = time.monotonic()
        people.ask(BEFORE, DRUGS)
        print(f"{PEOPLE} people verified, answered after {time.monotonic() - begun:.0f} s")
        come_to_rest(settings, people)
        before = standings(settings)
        assert len(before) == BEFORE and ("ok", []) not in before.values()
        people.tell(planted())
        begun = time.monotonic()
        people.ask(PEOPLE, f"a poem about my {WORD}")
        seconds = time.monotonic() - begun
        assert set(people.answered) == {"refuse"}
        come_to_rest(settings, people)
    finally:
        people.close()
    hit = ever_suspended(settings, before)
    assert hit and max(hit.values()) < SUSPENDED_MAX, hit
    told = tmp_path / "affected.jsonl"
    said, named, took = rolled_back(running, told)
    assert f"{PEOPLE} cases overturned" in said
    assert not LONG or named < ROLLED_BACK_S, said
    after = standings(settings)
    assert before.keys() <= after.keys()
    for key, stands in after.items():
        assert stands == before.get(key, ("ok", [])), key
    code, surges, why = run(capsys, "library", "guards", *where)
    assert (code, "entry/bad-01" in surges) == (0, True), surges + why  # 1: something still waits
    for depth in ("decision", "evidence") if LONG else ("decision",):
        code, report, why = run(capsys, "replay", "--json", "--depth", depth, *where)
        assert (code, json.loads(report)["different"]) == (0, 0), report + why
    closing_lines.append(
        f"a bad entry: {PEOPLE} people refused in {seconds:.0f} s, {hit.total()} suspended (at most"
        f" {max(hit.values())} of a partition) before the guards fired; rolled back in {named:.1f} s"
        f" ({took:.1f} s of the whole process); everybody stands as before; the replay agrees"
    )
