import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.law import LawError
from synthgate.law.levels import FILE, LEVELS, load_levels
from synthgate.law.notices import said, texts

TABLE = load_levels()
NAMES = [row.measure for row in TABLE.threshold]


@pytest.mark.parametrize("row", TABLE.threshold, ids=NAMES)
def test_a_number_reached_is_enough_and_one_below_is_not(row):
    known = dict.fromkeys(NAMES, 0)
    for level in LEVELS[1:]:
        number = getattr(row, level)
        assert TABLE.grade(known | {row.measure: number}).level == level
        below = TABLE.grade(known | {row.measure: number - 1}).level
        assert below == LEVELS[LEVELS.index(level) - 1]
        assert TABLE.grade(known | {row.measure: number}).draft == row.draft


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.sampled_from([0, 10**7, 10**9, -1, True, "many", None])
    )
)
def test_what_is_no_number_is_unknown_and_unknown_is_reported(measures):
    graded = TABLE.grade(measures)
    for name in NAMES:
        value = measures.get(name)
        assert (name in graded.unknown) == (type(value) is not int or value < 0)
    assert graded.reported == (bool(graded.unknown) or graded.level != "ordinary")


def test_more_knowledge_never_lowers_what_is_known():
    low = TABLE.grade({"loss_cny": 5_000_000})
    assert (low.level, low.known) == ("serious", False)
    assert TABLE.grade({"loss_cny": 5_000_000, "persons_leaked": 10**8}).level == "extreme"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("serious = 1_000_000", "serious = 10_000_000", "rise"),
        ("cii = 1", "cii = 0", "cii"),
        ("\ndraft = true", "\nluck = true", "luck"),
    ],
)
def test_faults_are_refused_by_name(tmp_path, old, new, message):
    path = tmp_path / "levels.toml"
    path.write_text(FILE.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LawError, match=message):
        load_levels(path)


@pytest.mark.parametrize("code", texts())
def test_notices_are_whole_in_both_languages(code):
    both = said(code, until="2026-12-01", detail="because")
    assert set(both) == {"zh", "en"}
    assert all("{" not in text and text for text in both.values())
    assert any("一" <= char <= "鿿" for char in both["zh"]) and both["en"].isascii()
