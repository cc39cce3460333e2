"""The bounded form of the chaos suite: 4 rounds, 14 faults, on real brokers, about 110 s on two quiet cores.

Three rounds on one broker and one on three. Each starts a chain, breaks it under load, lets it heal; then the
history checker decides (``rounds.judge``). The long form, ``synthgate chaos``, draws rounds from seeds and has
a few faults more: ``LONG_FORM_ONLY``. What it came to is in the last lines of the suite's output.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from brokers import or_not_run
from chaos import table
from chaos.cluster import ProxiedCluster
from chaos.faults import FAULTS
from chaos.plants import SHOWN_BY
from chaos.rounds import Outcome, play
from chaos.schedule import LAYOUTS, Schedule

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(900)]

ON_ONE = (
    Schedule(1, 1, "twins", ("join and leave", "zombie", "cut", "lost answers")),
    Schedule(2, 1, "halves", ("power cut", "kill in publish", "stalled copy", "disk full")),
    Schedule(3, 1, "switched", ("switch", "term", "denied", "kill")),
)
ON_THREE = (Schedule(4, 3, "fused twins", ("node lost", "kill")),)
LONG_FORM_ONLY = {
    "frozen link", "produce time-out", "broker restart", "leaders back", "no quorum", "slow scorer",
    "dead scorer",
}  # fmt: skip
PLANTED_HERE = ("append twice", "trust a stale registry")
"""The others are lost records, found as slowly as a minute: ``synthgate chaos --plant``."""


@pytest.fixture(scope="module")
def outcomes(closing_lines: list[str]) -> Iterator[list[Outcome]]:
    """Rounds played here; the suite's last lines say what they came to."""
    played: list[Outcome] = []
    yield played
    closing_lines += [f"chaos: {line}" for line in table.closing(played)]


@pytest.fixture(scope="module")
def one() -> Iterator[ProxiedCluster]:
    cluster = ProxiedCluster(1)
    or_not_run(cluster.__enter__)
    yield cluster
    cluster.__exit__()


@pytest.fixture(scope="module")
def three() -> Iterator[ProxiedCluster]:
    cluster = ProxiedCluster(3)
    or_not_run(cluster.__enter__)
    yield cluster
    cluster.__exit__()


def sound(outcome: Outcome, outcomes: list[Outcome]) -> None:
    outcomes.append(outcome)
    print(table.head(), table.line(outcome), *outcome.story, sep="\n")
    assert not outcome.wrong, "\n".join(table.story(outcome))
    assert outcome.done == outcome.schedule.faults
    assert outcome.records > 100 and outcome.repeats > 0


@pytest.mark.parametrize("schedule", ON_ONE, ids=str)
def test_a_round_on_one_broker(
    schedule: Schedule, one: ProxiedCluster, outcomes: list[Outcome], tmp_path: Path
) -> None:
    sound(play(schedule, one, tmp_path), outcomes)


@pytest.mark.parametrize("schedule", ON_THREE, ids=str)
def test_a_round_on_three_brokers(
    schedule: Schedule, three: ProxiedCluster, outcomes: list[Outcome], tmp_path: Path
) -> None:
    sound(play(schedule, three, tmp_path), outcomes)


def appended_twice(wrong: list[str]) -> bool:
    return any(fault.startswith("accounted:") and "entries" in fault for fault in wrong)


def decided_on_a_stale_copy(wrong: list[str]) -> bool:
    """What was barred is released, or, where nothing was read yet, what is sure to be released is refused."""
    return any(fault.startswith(("barred:", "sure:")) for fault in wrong)


@pytest.mark.parametrize(
    ("plant", "found"),
    list(zip(PLANTED_HERE, (appended_twice, decided_on_a_stale_copy), strict=True)),
    ids=PLANTED_HERE,
)
def test_a_fault_planted_in_the_engine_is_found(
    plant: str, found: Callable[[list[str]], bool], one: ProxiedCluster, tmp_path: Path
) -> None:
    layout, faults = SHOWN_BY[plant]
    outcome = play(Schedule(1, 1, layout, faults), one, tmp_path, plant)
    assert found(outcome.wrong), outcome


def test_every_fault_is_played_here_or_in_the_long_form() -> None:
    here = {fault for schedule in (*ON_ONE, *ON_THREE) for fault in schedule.faults}
    assert here | LONG_FORM_ONLY == FAULTS.keys()
    assert not here & LONG_FORM_ONLY
    for schedule in (*ON_ONE, *ON_THREE):
        for name in schedule.faults:
            assert schedule.layout in FAULTS[name].layouts and schedule.nodes in FAULTS[name].nodes
    assert {schedule.layout for schedule in (*ON_ONE, *ON_THREE)} == LAYOUTS.keys() - {"one"}
