"""When a service is not asked: after failures in a row, and beyond its pace."""

from hypothesis import given
from hypothesis import strategies as st

from synthgate.reviewers.breaker import OPEN_DOUBLINGS_MAX, Breaker, Pace


def test_it_opens_after_so_many_failures_in_a_row_and_one_success_begins_anew():
    breaker = Breaker(3, 10)
    for outcome in (False, False, True, False, False):
        assert breaker.allows(0)
        breaker.succeeded() if outcome else breaker.failed(0)
    assert not breaker.is_open
    breaker.failed(0)
    assert breaker.is_open
    assert not breaker.allows(9.9)


def test_one_trial_at_a_time_decides():
    breaker = Breaker(1, 10)
    breaker.failed(0)
    assert breaker.allows(10)
    assert not breaker.allows(10)
    breaker.failed(10)
    assert not breaker.allows(29.9)
    assert breaker.allows(30)
    breaker.succeeded()
    assert breaker.allows(30) and breaker.allows(30)


def test_a_trial_that_was_not_made_is_given_back():
    breaker = Breaker(1, 10)
    breaker.failed(0)
    assert breaker.allows(10)
    breaker.left_out()
    assert breaker.allows(10)


def test_calls_begun_before_it_opened_do_not_lengthen_its_time():
    breaker = Breaker(2, 10)
    for _ in range(8):
        breaker.failed(1)
    assert breaker.refuses(10.9)
    assert not breaker.refuses(11)


def test_its_time_doubles_up_to_a_bound():
    breaker, now = Breaker(1, 1), 0.0
    spans = []
    for _ in range(9):
        breaker.failed(now)
        spans.append(next(s for s in range(1, 1000) if not breaker.refuses(now + s)))
        now += spans[-1]
        assert breaker.allows(now)
    assert spans == [1, 2, 4, 8, 16, 32, 32, 32, 32]
    assert max(spans) == 2**OPEN_DOUBLINGS_MAX


@given(st.floats(0.2, 100), st.lists(st.floats(0, 3), min_size=2, max_size=60))
def test_no_second_holds_more_than_two_seconds_worth(rate, gaps):
    pace, now = Pace(rate), 0.0
    begun = []
    for gap in gaps:
        now += gap
        begun.append(now + pace.take(now))
    assert begun == sorted(begun)
    for at in begun:
        inside = sum(at <= one < at + 1 for one in begun)
        assert inside <= 2 * max(1, rate) + 1


def test_a_steady_asker_within_the_pace_never_waits():
    pace = Pace(10)
    assert [pace.take(at / 10) for at in range(50)] == [0] * 50
    assert sum(pace.take(5) > 0 for _ in range(20)) >= 9
