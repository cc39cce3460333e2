import pytest

from registries.rows import T0_MS, a_standing, an_account, put
from synthgate.events.facts import STANDING_ORDER
from synthgate.registries import UNREADABLE, Registries
from synthgate.registries.standings import StandingSeen, stricter

LIMITED = ("content.published",)


def _denies(seen: StandingSeen, *functions: str) -> bool:
    return seen.denies(functions, LIMITED)


@pytest.mark.parametrize("ours", STANDING_ORDER)
@pytest.mark.parametrize("theirs", STANDING_ORDER)
def test_the_stricter_of_both_stands(ours: str, theirs: str) -> None:
    seen = stricter(an_account(standing=theirs), a_standing(standing=ours), T0_MS)
    assert seen.standing == max(ours, theirs, key=list(STANDING_ORDER).index)
    assert _denies(seen, "x") == (seen.standing in {"suspended", "closed"})
    assert StandingSeen.from_row(seen.row()) == seen


def test_nothing_known_denies_nothing() -> None:
    assert not _denies(stricter(None, None, T0_MS), "generation.requested", *LIMITED)


def test_an_ended_row_says_nothing_and_is_still_named() -> None:
    ended = an_account(until="2026-01-02T00:00:00Z", restricted=["x"])
    end = T0_MS + 86_400_000
    assert _denies(stricter(ended, None, end - 1), "y")
    assert not _denies(stricter(ended, None, end), "x")
    assert stricter(ended, None, end).versions == (("facts.accounts", 1),)
    assert _denies(stricter(ended, a_standing(standing="closed"), end), "y")


def test_a_row_counts_before_its_since() -> None:
    assert _denies(stricter(an_account(since="2027-01-01T00:00:00Z"), None, T0_MS), "x")


def test_limited_denies_the_functions_named_or_the_laws_list() -> None:
    named = stricter(an_account(standing="limited", restricted=["medium:image"]), None, T0_MS)
    assert _denies(named, "generation.requested", "medium:image")
    assert not _denies(named, "content.published")
    for seen in (
        stricter(an_account(standing="limited"), None, T0_MS),
        stricter(None, a_standing(), T0_MS),
    ):
        assert _denies(seen, "content.published")
        assert not _denies(seen, "generation.requested")
    both = stricter(an_account(standing="limited", restricted=["x"]), a_standing(), T0_MS)
    assert _denies(both, "x")
    assert _denies(both, "content.published")


@pytest.mark.parametrize("pair", [(UNREADABLE, None), (None, UNREADABLE), (UNREADABLE, UNREADABLE)])
def test_what_cannot_be_read_forbids(pair: tuple) -> None:
    seen = stricter(*pair, T0_MS)
    assert _denies(seen, "generation.requested")
    assert StandingSeen.from_row(seen.row()) == seen


def test_registries_join_both() -> None:
    registries = Registries(["facts.accounts", "standings"])
    put(registries, "standings", a_standing())
    assert registries.standing("acme", "u1", T0_MS).standing == "limited"
    put(registries, "facts.accounts", an_account())
    assert registries.standing("acme", "u1", T0_MS).standing == "suspended"
    registries.apply("standings", 0, 5, b"acme/u1", b"?")
    assert registries.standing("acme", "u1", T0_MS).unreadable == ("standings",)
    assert registries.standings.get("acme", "u1") is UNREADABLE
