"""Answers kept by what was judged: bounded, ageing, and of one version."""

from synthgate.reviewers.kept import Kept
from synthgate.reviewers.reviewer import Answer, Item

ONE, TWO, THREE = (Item("text", digit * 64) for digit in "123")
GOOD = Answer("v1", {"A.1h": 3})


def test_the_same_bytes_are_known_until_they_are_too_old():
    kept = Kept(9, 10)
    kept.put(ONE, GOOD, 0)
    assert kept.get(Item("text", "1" * 64, words="x"), 9.9) == GOOD
    assert kept.get(ONE, 10) is None
    assert len(kept) == 0


def test_another_medium_or_type_is_another_thing():
    kept = Kept(9, 10)
    kept.put(Item("image", "1" * 64, media_type="image/png"), GOOD, 0)
    assert kept.get(Item("video", "1" * 64, media_type="image/png"), 0) is None
    assert kept.get(Item("image", "1" * 64, media_type="image/gif"), 0) is None


def test_the_least_used_goes_first():
    kept = Kept(2, 10)
    kept.put(ONE, GOOD, 0)
    kept.put(TWO, GOOD, 0)
    kept.get(ONE, 0)
    kept.put(THREE, GOOD, 0)
    assert (kept.get(ONE, 0), kept.get(TWO, 0), kept.get(THREE, 0)) == (GOOD, None, GOOD)


def test_a_fault_is_not_kept_and_a_new_version_forgets_the_old():
    kept = Kept(9, 10)
    kept.put(ONE, Answer("v1", fault="malformed"), 0)
    assert kept.get(ONE, 0) is None
    kept.put(ONE, GOOD, 0)
    kept.put(TWO, Answer("v2"), 0)
    assert kept.get(ONE, 0) is None
    assert kept.get(TWO, 0) == Answer("v2")
    none = Kept(0, 10)
    none.put(ONE, GOOD, 0)
    assert none.get(ONE, 0) is None
