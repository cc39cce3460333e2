"""Penalties: the reckoning against a plain model, under repeats, reorder across a restart, and undoing."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from synthgate.cases.penalties import (
    DAY_MS,
    HOUR_MS,
    KEPT_MAX,
    Conduct,
    Violation,
    inputs,
    penalties,
    shanghai_day,
    standing,
    sternest,
)
from synthgate.events.facts import STANDING_ORDER
from synthgate.law import load
from synthgate.law.policy import Ladder

POLICY = load().policy.incidents
START = 1_795_000_000_000


def ladder_at(at: int) -> Ladder:
    return POLICY.ladder_at(at)


LADDER = ladder_at(START)

ACT = st.tuples(
    st.sampled_from(["bad", "bad", "bad", "worse", "output", "good"]),
    st.integers(0, 40 * HOUR_MS),  # since the act before
)
ACTS = st.lists(ACT, max_size=25)


def told(acts: Sequence[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """(what, log index, time) of each."""
    at, found = START, []
    for index, (what, gap) in enumerate(acts):
        at += gap
        found.append((what, index, at))
    return found


def violation(what: str, index: int, at: int) -> Violation:
    return Violation(
        f"1/generation.events/0/{index}#1", f"penalty-0-{index}", index, at,
        input=what in ("bad", "worse"), severe=what == "worse",
    )  # fmt: skip


def heard(conduct: Conduct, one: tuple[str, int, int]) -> Conduct:
    what, index, at = one
    return conduct.lawful(index) if what == "good" else conduct.violated(violation(what, index, at))


def conduct_of(acts: Sequence[tuple[str, int, int]]) -> Conduct:
    conduct = Conduct()
    for one in acts:
        conduct = heard(conduct, one)
    return conduct


def model(acts: Sequence[tuple[str, int, int]], undone: frozenset[int], now: int) -> str:
    """How a user stands, reckoned from the whole story each time, in the plainest way."""
    stand = "ok"
    for place, (what, index, at) in enumerate(acts):
        if what == "good" or index in undone:
            continue
        before = acts[: place + 1]
        bad = [one for one in before if one[0] != "good" and one[1] not in undone]
        count = sum(one[2] > at - LADDER.decay_days * DAY_MS for one in bad)
        step = LADDER.standing_for(count)
        days = {
            "warned": LADDER.decay_days,
            "limited": LADDER.limited_days,
            "suspended": LADDER.suspended_days,
        }
        taken = [(step, at + days[step] * DAY_MS if step != "closed" else None)]
        if what == "worse":
            taken.append(("suspended", at + LADDER.suspended_days * DAY_MS))
        if what in ("bad", "worse"):
            row = 0
            for kind, number, _ in before:  # counted forwards: what was lawful breaks the row
                if kind == "good" or number in undone:
                    row = 0
                elif kind != "output":
                    row += 1
            day = [o for o in bad if o[0] != "output" and shanghai_day(o[2]) == shanghai_day(at)]
            if row >= 3 or len(day) >= 5:
                taken.append(("suspended", at + LADDER.inputs_hours * HOUR_MS))
        for step, until in taken:
            if until is None or until > now:
                stand = max(stand, step, key=STANDING_ORDER.index)
    return stand


@given(ACTS, st.sets(st.integers(0, 24)), st.integers(0, 400 * DAY_MS))
@example([("bad", 0)] * 3, set(), 0)
@example([("bad", 0), ("output", 0), ("bad", 0), ("bad", 0)], {0}, 0)
def test_standing_is_what_the_plain_model_says(
    acts: list[tuple[str, int]], undone: set[int], later: int
) -> None:
    story = told(acts)
    bad = {one[1] for one in story if one[0] != "good"}
    conduct = conduct_of(story)
    for index in undone & bad:
        conduct = conduct.undone((f"penalty-0-{index}",), "appeal")
    now = (story[-1][2] if story else START) + later
    assert standing(penalties(conduct, ladder_at), now)[0] == model(
        story, frozenset(undone & bad), now
    )


@given(ACTS, st.data())
def test_repeats_and_replays_change_nothing(
    acts: list[tuple[str, int]], data: st.DataObject
) -> None:
    story = told(acts)
    once = conduct_of(story)
    conduct = Conduct()
    for place, one in enumerate(story):
        conduct = heard(conduct, one)
        # The process died somewhere and everything since an earlier offset is heard again.
        for again in story[data.draw(st.integers(0, place)) : place + 1]:
            conduct = heard(conduct, again)
        if data.draw(st.booleans()):
            conduct = Conduct.from_row(conduct.row())
    assert conduct == once
    ids = [one.id for one in penalties(conduct, ladder_at)]
    assert all(ids.count(name) <= 4 for name in ids)


@given(ACTS, st.integers(0, 24), st.integers(0, 100 * DAY_MS))
def test_undoing_the_last_restores_exactly_what_was_before(
    acts: list[tuple[str, int]], gap: int, later: int
) -> None:
    story = told([*acts, ("bad", gap)])
    before = conduct_of(story[:-1])
    after = conduct_of(story).undone((f"penalty-0-{len(acts)}",), "appeal-1")
    now = story[-1][2] + later
    assert standing(penalties(after, ladder_at), now) == standing(penalties(before, ladder_at), now)
    assert after.undone((f"penalty-0-{len(acts)}",), "appeal-2") == after


@given(ACTS)
def test_one_cause_has_one_sternest_step_and_its_inputs_are_as_of_then(
    acts: list[tuple[str, int]],
) -> None:
    story = told(acts)
    conduct = conduct_of(story)
    found = penalties(conduct, ladder_at)
    for what, index, _ in story:
        if what == "good":
            continue
        mine = sternest(found, f"1/generation.events/0/{index}")
        assert mine is not None and mine.id == f"penalty-0-{index}"
        then = conduct_of(story[: index + 1])
        assert inputs(conduct, index) == inputs(then, index)


def test_an_edition_judges_the_violations_of_its_own_days() -> None:
    later = START + 10 * DAY_MS
    stern = LADDER.model_copy(update={"warned_from": 1, "limited_from": 1, "suspended_from": 1})
    old = conduct_of([("output", 0, START)])
    new = conduct_of([("output", 0, later)])

    def editions(at: int) -> Ladder:
        return stern if at >= later else LADDER

    assert standing(penalties(old, editions), later)[0] == "warned"
    assert standing(penalties(new, editions), later)[0] == "suspended"


def test_what_is_remembered_is_bounded() -> None:
    story = told([("output", 0)] * (KEPT_MAX + 50))
    conduct = conduct_of(story)
    assert len(conduct.violations) == KEPT_MAX
    assert standing(penalties(conduct, ladder_at), START)[0] == "closed"


def test_a_minor_goes_no_further_than_the_minors_step() -> None:
    conduct = Conduct()
    for what, index, at in told([("output", 0)] * 12):
        conduct = conduct.violated(replace(violation(what, index, at), minor=True))
    assert standing(penalties(conduct, ladder_at), START)[0] == LADDER.minor_step_max
