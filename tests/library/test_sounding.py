"""Looking up three syllables at once finds what the automaton finds, wherever numpy is and is not."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgate.bench.made_up import row
from synthgate.library import finding
from synthgate.library.finding import Sounds
from synthgate.library.library import Library
from synthgate.library.sounding import takes

COMMON = [chr(code) for code in range(0x4E00, 0x9FA5, 7)]
CHANCE = random.Random(5)
VALUES = ["".join(CHANCE.choices(COMMON, k=CHANCE.choice((3, 3, 4, 5, 7)))) for _ in range(900)]
QUICK = Sounds(VALUES)


def slowly(values: list[str]) -> Sounds:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "_triples", lambda by_start: None)
        return Sounds(values)


SLOW = slowly(VALUES)


def test_very_many_values_are_looked_up_at_once_and_few_are_not() -> None:
    assert QUICK._triples is not None and SLOW._triples is None
    assert Sounds(VALUES[:100])._triples is None
    assert not takes(["甲乙"]) and not takes(["甲乙\U0001f600"])
    odd = Sounds([*VALUES, "甲乙"])
    assert odd._triples is None
    assert [found.word for found in odd.scan("来甲乙来")] == [900]


PIECES = st.sampled_from(
    [
        *VALUES[:40],
        *COMMON[:60],
        "a",
        "x1",
        "buy now and then ok",
        "\U0001f600",
        "，",
        "\ud800",
        "\0",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join), st.booleans())
def test_both_ways_find_the_same(text: str, letters: bool) -> None:
    found = sorted(QUICK.scan(text, letters=letters))
    assert found == sorted(SLOW.scan(text, letters=letters))


def test_a_whole_library_hears_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"e{at}", value) for at, value in enumerate(VALUES)]
    texts = ["".join(CHANCE.choices([*COMMON, *VALUES[:99]], k=80)) for _ in range(40)]
    quick = Library.build(1, rows)
    monkeypatch.setattr(finding, "_triples", lambda by_start: None)
    slow = Library.build(1, rows)
    assert sum(len(quick.search(text)) for text in texts) > 0
    assert [quick.search(text) for text in texts] == [slow.search(text) for text in texts]


def test_without_numpy_the_automaton_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "synthgate.library.sounding", None)
    assert Sounds(VALUES)._triples is None
