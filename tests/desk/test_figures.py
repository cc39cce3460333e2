"""Figures of the desk: what waits, what was late, and how often two people agree."""

from desk.test_tasks import NOW, PLAIN, SAMPLED, a_case, act
from synthgate.desk.figures import MINUTE_MS, figures


def told(cases, acts=(), **over):
    values = {"target_minutes": 60, "since_ms": NOW - 24 * 60 * MINUTE_MS, "sample_percent": 5}
    return figures(cases, acts, NOW, **values | over)


def closed(root, minutes, by="desk", action="release", ago=0):
    at = NOW - ago * MINUTE_MS
    detail = {
        "closed_at": at, "closed_by": by, "action": action, "waits_since": at - minutes * MINUTE_MS,
    }  # fmt: skip
    return a_case(root, state="closed", detail=detail)


def test_nothing_is_nothing():
    row = told([])
    assert (row["open"], row["oldest_minutes"], row["wait_median_minutes"]) == (0, 0, None)


def test_what_is_open():
    rows = [
        a_case("a", detail={"waits_since": NOW - 90 * MINUTE_MS}),
        a_case("b"),
        a_case("c", detail={"hold": "retry"}),
    ]
    row = told(rows, [(NOW, act("claimed", "ann", "b"))])
    assert (row["open"], row["held"], row["overdue"], row["oldest_minutes"]) == (2, 1, 1, 90)
    assert row["retrying"] == 1


def test_what_was_closed_in_time_late_and_by_whom():
    rows = [closed(f"r{minutes}", minutes) for minutes in (10, 20, 30)]
    rows += [closed("x", 1440, "timer", "refuse"), closed("old", 5, ago=2000)]
    row = told(rows)
    assert row["closed"] == 4
    assert row["closed_by"] == {"desk": 3, "timer": 1}
    assert row["closed_as"] == {"refuse": 1, "release": 3}
    assert (row["wait_median_minutes"], row["wait_p95_minutes"]) == (25, 1440)
    assert row["in_time_percent"] == 75


def test_how_often_two_people_agree():
    acts = [
        (NOW, act("opinion", "ann", hash=SAMPLED, outcome="pass")),
        (NOW, act("answered", "bob", hash=SAMPLED, outcome="pass")),
        (NOW, act("opinion", "ann", hash=PLAIN, outcome="pass")),
        (NOW, act("opinion", "bob", hash=PLAIN, outcome="refuse")),
        (NOW, act("answered", "cid", hash=PLAIN, outcome="refuse")),
        (NOW, act("answered", "ann", hash="a" * 64, outcome="refuse")),
        (0, act("answered", "ann", hash="b" * 64, outcome="refuse")),
    ]
    row = told([], acts)
    assert (row["second_opinions"], row["agreed_percent"]) == (2, 50)
    assert row["answers"] == {"ann": 1, "bob": 1, "cid": 1}
