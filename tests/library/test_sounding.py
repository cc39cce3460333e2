"""What a text sounds like is the same with numpy and without it, and found wherever it stands."""

import importlib.util
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthgate.bench.made_up import row
from synthgate.library import finding
from synthgate.library.finding import Sounds, wide_bytes
from synthgate.library.letters import sound_codes
from synthgate.library.library import Library
from synthgate.library.reading import normal, read

COMMON = [chr(code) for code in range(0x4E00, 0x9FA5, 7)]
CHANCE = random.Random(5)
VALUES = ["".join(CHANCE.choices(COMMON, k=CHANCE.choice((3, 3, 4, 5, 7)))) for _ in range(900)]


def plainly(wide: bytes) -> str:
    """Unit by unit."""
    units = (int.from_bytes(wide[at : at + 2], "little") for at in range(0, len(wide), 2))
    return "".join(
        chr(unit + 0x1000) if 0xD800 <= unit < 0xE000 else sound_codes().get(unit, chr(unit))
        for unit in units
    )


def slowly(values: list[str]) -> Sounds:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "sounding", plainly)
        return Sounds(values)


QUICK, SLOW = Sounds(VALUES), slowly(VALUES)


def test_every_sound_is_one_unit_so_that_places_stay() -> None:
    assert max(sound_codes()) <= 0xFFFF
    assert max(map(ord, sound_codes().values())) <= 0xFFFF


def test_values_are_found_by_their_sound_many_or_few_long_or_short() -> None:
    odd = Sounds([*VALUES, "甲乙"])
    assert [found.word for found in odd.scan("来甲乙来")] == [900]
    assert [tuple(found) for found in Sounds(["甲乙丙"]).scan("\U0001f600甲以饼")] == [(0, 1, 4)]


def test_a_character_beyond_the_bmp_sounds_like_itself_alone() -> None:
    for values in (["𠮷甲乙丙"], ["𠮷甲乙丙", *VALUES]):
        sounds = Sounds(values)
        assert [tuple(found) for found in sounds.scan("见𠮷甲以饼")] == [(0, 1, 5)]
        assert list(sounds.scan("见\U0001f600甲以饼")) == []


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
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finding, "sounding", plainly)
        assert found == sorted(SLOW.scan(text, letters=letters))


def test_a_whole_library_hears_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"e{at}", value) for at, value in enumerate(VALUES)]
    texts = ["".join(CHANCE.choices([*COMMON, *VALUES[:99]], k=80)) for _ in range(40)]
    quick = Library.build(1, rows)
    texts_quick = [quick.search(text) for text in texts]
    monkeypatch.setattr(finding, "sounding", plainly)
    slow = Library.build(1, rows)
    assert sum(len(quick.search(text)) for text in texts) > 0
    assert texts_quick == [slow.search(text) for text in texts]


def test_without_numpy_characters_are_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "synthgate.library.sounding", None)
    spec = importlib.util.find_spec("synthgate.library.finding")
    assert spec is not None and spec.loader is not None
    without = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(without)
    text = wide_bytes("卖a\ud800\U0001f600诗")
    assert without.sounding.__module__ == without.__name__
    assert without.sounding(text) == finding.sounding(text) == plainly(text)


def test_what_is_listened_for_is_found_as_itself_whatever_stands_beside_it_in_the_library() -> None:
    """Values go through one look-up together: none may move the number of another."""
    values = [
        "稳赚\n不赔",
        "办证刻章",
        "代开\x00发票",
        "𠮷野家店",
        "买卖枪支",
        "abc办证刻",
        "假钞",
        "包过 考试",
    ]
    found = Library.build(1, [row(str(at), value) for at, value in enumerate(values)])
    for at, value in enumerate(values):
        hits = [hit for hit in found.search(f"这里有{value}。") if hit.entry == str(at)]
        assert [hit.normalisation for hit in hits] == ["exact"], value


def test_an_ideograph_of_a_value_is_read_as_one_of_a_text() -> None:
    chars = [chr(code) for code in (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))]
    assert all(normal(char) == read(char).text for char in chars)
