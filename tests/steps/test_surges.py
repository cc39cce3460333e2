"""Who was refused is remembered for as long as anybody asks, and no longer."""

from synthgate.steps.resting import Resting
from synthgate.steps.surges import HOURS, Surges

HOUR_MS = 3_600_000


def rests(version: int) -> Resting:
    return Resting(("DSP-6-1",), version, (f"entry-{version}",), (version,), alone=True)


def test_versions_and_entries_long_gone_are_forgotten() -> None:
    surges = Surges()
    for number in range(300):
        surges.refused(0, rests(number), f"u{number}", number * HOUR_MS)
    held = surges._people[0]
    assert {when for hours in held.values() for when in hours} == set(range(299 - HOURS, 300))
    assert (
        len(held) == 2 * (HOURS + 1) + 2
    )  # an entry and a version an hour, the rule, all versions
    assert surges.seen(0, "rule/DSP-6-1", 299 * HOUR_MS) == (1, 1)


def test_a_refusal_of_long_ago_that_is_read_again_forgets_nothing() -> None:
    surges = Surges()
    for user in ("a", "b"):
        surges.refused(0, rests(9), user, 100 * HOUR_MS)
    surges.refused(0, rests(1), "old", HOUR_MS)
    assert surges.seen(0, "library/9", 100 * HOUR_MS) == (2, 0)
    assert surges.seen(0, "library/9", 101 * HOUR_MS) == (0, 1)
