"""What a soak is judged by: flat stays flat, a leak does not, and one record too few or too many is told."""

import random
from typing import Any

import pytest

from bench.soak_made import HOUR, found
from synthgate.bench.soak_fit import MIB, by_design, fit, happened, verdicts


def test_a_line_is_found_in_its_points() -> None:
    line = fit([0, 10, 20, 30], [5, 7, 9, 11])
    assert line.slope == pytest.approx(0.2)
    assert line.mean == pytest.approx(8)
    assert line.grew == pytest.approx(6)


@pytest.mark.parametrize(("at", "values"), [([], []), ([3], [7]), ([3, 3], [7, 9])])
def test_too_few_points_have_no_slope(at: list[float], values: list[float]) -> None:
    assert fit(at, values)[::2] == (0, 0)


def test_noise_around_a_level_is_flat() -> None:
    chance = random.Random(1)
    made = found(lambda _: 100 + chance.uniform(-3, 3), lambda _: 500 + chance.uniform(-400, 400))
    assert verdicts(made)["judged"] == dict.fromkeys(("memory", "lag", "errors", "accounts"), True)


def test_a_leak_is_found_below_noise_larger_than_it() -> None:
    chance = random.Random(2)
    made = found(lambda at: 100 + 15 * at / HOUR + chance.uniform(-8, 8), lambda _: 0)
    told = verdicts(made)
    assert not told["judged"]["memory"]
    assert told["memory"]["consent"]["mib_per_hour"] == pytest.approx(15, abs=5)
    assert told["judged"]["lag"]


def test_what_came_before_the_warm_up_ended_is_not_judged() -> None:
    made = found(lambda at: 50 if at < 600 else 100, lambda at: 9_000 if at < 600 else 10)
    assert all(verdicts(made)["judged"].values())


def test_what_is_held_by_design_is_no_leak() -> None:
    entries = 2_000_000
    held = by_design("retention", {"entry": entries}) / MIB
    made = found(lambda at: 100 + held * max(at - 600, 0) / 1200, lambda _: 0)
    assert not verdicts(made)["judged"]["memory"]
    made["happened"]["entry"] = entries
    told = verdicts(made)
    assert told["memory"]["retention"]["flat"]
    assert not told["memory"]["consent"]["flat"]  # whose design holds nothing of it


def test_a_lag_that_grows_is_told() -> None:
    made = found(lambda _: 100, lambda at: at)  # a record a second, at 700 a second sent
    told = verdicts(made)
    assert told["lag"]["identity"]["per_hour"] == pytest.approx(3600)
    assert not told["judged"]["lag"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("entries", 999),
        ("entries", 1_001),
        ("faults", 1),
        ("holes", 1),
        ("unanswered", 1),
        ("wrong", 1),
    ],
)
def test_accounts_that_do_not_balance_are_told(name: str, value: int) -> None:
    made: dict[str, Any] = found(lambda _: 100, lambda _: 0)
    assert verdicts(made)["judged"]["accounts"]
    made["accounts"][name] = value
    assert not verdicts(made)["judged"]["accounts"]


def test_a_line_of_error_is_told() -> None:
    assert not verdicts(found(lambda _: 100, lambda _: 0) | {"errors": 1})["judged"]["errors"]


def test_nothing_measured_is_not_flat() -> None:
    made = found(lambda _: 100, lambda _: 0) | {"samples": []}
    judged = verdicts(made)["judged"]
    assert not judged["memory"] and not judged["lag"]


def test_what_is_sent_says_what_is_held() -> None:
    sent = {"lawful": 90, "entry": 3, "held": 2, "answer": 2, "no pass": 4}
    held = happened(sent, segments=7, recorded=5)
    assert held == {
        "entry": 101, "answer": 2, "refusal": 3, "no pass": 4, "segment": 7, "recorded": 5,
    }  # fmt: skip
    assert by_design("retention", held) == (101 + 5) * 8 + 2 * 370 + 7 * 60
    assert by_design("incidents", held) == 2 * 110 + 3 * 8_200 + 4 * 90 + 7 * 60
