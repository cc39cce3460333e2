"""Each way round the chain is found in an access log, and what nobody reported is told apart."""

from hypothesis import given
from hypothesis import strategies as st

from synthgate.cases.reconcile import Decided, Known, Served, breaches, unreconciled

T = 1_795_000_000_000


def known(*decided: Decided, recalled: dict[tuple[str, str], int] | None = None) -> Known:
    found = Known(recalled=recalled or {})
    for one in decided:
        found.add(one)
    return found


def out(generation: str, *hashes: str, at: int = T, action: str = "release") -> Decided:
    return Decided(f"d-{generation}", "t", generation, action, at, frozenset(hashes))


def served(generation: str, sha256: str, at: int = T + 1, line: int = 1) -> Served:
    return Served(line, "t", generation, sha256, at)


def ways(one: Served, with_: Known) -> list[str]:
    return [way for _, way in breaches([one], with_)]


def test_the_five_ways_and_the_way_through() -> None:
    there = known(
        out("g", "a"), out("r", action="refuse"), out("gone", "c"), recalled={("t", "gone"): T + 10}
    )
    assert ways(served("g", "a"), there) == []
    assert ways(served("g", "a", at=T), there) == []
    assert ways(served("none", "a"), there) == ["without_a_release"]
    assert ways(served("r", "a"), there) == ["after_a_refusal"]
    assert ways(served("g", "a", at=T - 1), there) == ["before_the_decision"]
    assert ways(served("gone", "c", at=T + 10), there) == ["after_a_recall"]
    assert ways(served("gone", "c", at=T + 9), there) == []
    assert ways(served("g", "b"), there) == ["other_hash"]
    assert ways(Served(1, "other", "g", "a", T + 1), there) == ["without_a_release"]


def test_a_stream_lets_out_part_by_part() -> None:
    there = known(out("s", "a"), out("s", "b", at=T + 100))
    assert ways(served("s", "b", at=T + 50), there) == ["before_the_decision"]
    assert ways(served("s", "b", at=T + 100), there) == []


def test_what_nobody_reported_is_unreconciled_once_it_is_due() -> None:
    there = known(out("g", "a"), out("h", "b"), out("late", "c", at=T + 100))
    there.delivered.add(("t", "h"))
    assert [one.generation for one in unreconciled([], there, T + 50)] == ["g"]
    assert unreconciled([served("g", "a")], there, T + 50) == []


@given(
    st.lists(
        st.tuples(st.sampled_from("gh"), st.sampled_from("ab"), st.integers(0, 20)), max_size=20
    )
)
def test_every_line_is_let_out_or_a_breach_and_named_by_its_number(
    lines: list[tuple[str, str, int]],
) -> None:
    there = known(out("g", "a", at=T + 10))
    log = [served(g, h, T + at, n) for n, (g, h, at) in enumerate(lines, 1)]
    found = {one.line for one, _ in breaches(log, there)}
    assert found == {n for n, (g, h, at) in enumerate(lines, 1) if (g, h) != ("g", "a") or at < 10}
