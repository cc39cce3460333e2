"""The library: what is found, what an allow-list phrase hides, and what it must not."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from synthgate.events.facts import FeatureRow
from synthgate.library.folding import fold
from synthgate.library.library import Library, in_force
from synthgate.library.sample import SAMPLE_VERSION, sample_rows


def row(value, kind="keyword", severity=80, entry=None, **over):
    fields = {
        "version": 1, "entry": entry or f"{kind}:{value}".replace("/", "|"), "kind": kind, "value": value,
        "risk": None if kind in ("allow", "list") else "A.1h", "severity": severity, "from_version": 1,
        "criteria": "test", "proposed_by": "one", "approved_by": "two",
    }  # fmt: skip
    return FeatureRow(**(fields | over))


def library(*keywords, allow=(), sees="none"):
    """``sees``: the disguises the list sees through."""
    seen = row(sees, "list", entry="default")
    return Library.build(1, [seen, *map(row, keywords), *(row(value, "allow") for value in allow)])


def spans(found):
    return [(hit.start, hit.end) for hit in found]


@pytest.mark.parametrize(
    ("text", "span", "how"),
    [
        ("我要买枪支。", (3, 5), "exact"),
        ("我要买枪\u200b支。", (3, 6), "hidden"),
        ("枪\ufe0f支", (0, 3), "hidden"),
        ("枪\x00支", (0, 3), "hidden"),
        ("\u202e枪支", (1, 3), "exact"),
    ],
)
def test_a_disguise_by_invisible_characters_is_seen_through(text, span, how):
    (hit,) = library("枪支").search(text)
    assert (hit.start, hit.end) == span
    assert hit.normalisation == how


@pytest.mark.parametrize(
    "text", ["ＦＡＫＥ　ＩＤ", "Fake ID", "𝐟𝐚𝐤𝐞 id", "fake\u00a0id", "ﬀake id"[1:]]
)
def test_width_case_and_style_do_not_matter(text):
    found = library("fake id").search("a " + text) if text[0] != "a" else []
    assert text[0] == "a" or spans(found) == [(2, 2 + len(text))]


def test_part_of_a_composed_character_is_reported_as_the_whole_character():
    (hit,) = library("会社").search("㍿")
    assert (hit.start, hit.end) == (0, 1)


def test_overlapping_keywords_are_all_found():
    found = library("枪", "枪支", "支弹").search("枪支弹")
    assert [hit.entry for hit in found] == ["keyword:枪", "keyword:枪支", "keyword:支弹"]


def test_two_entries_with_one_folding_are_both_reported():
    lib = Library.build(1, [row("Spam", entry="a"), row("ＳＰＡＭ", entry="b", severity=10)])
    assert [hit.entry for hit in lib.search("spam")] == ["a", "b"]


def test_an_allow_phrase_hides_the_keyword_inside_it_and_only_that():
    lib = library("海洛因", allow=["海洛因依赖的治疗"])
    assert lib.search("论海洛因依赖的治疗") == []
    assert lib.search("论海\u200b洛因依赖的治疗") == []
    assert spans(lib.search("海洛因依赖的治疗，海洛因")) == [(9, 12)]
    assert spans(lib.search("海洛因依赖")) == [(0, 3)]


def test_an_allow_phrase_does_not_hide_a_keyword_that_sticks_out():
    assert spans(library("bcd", allow=["abc"]).search("abcd")) == [(1, 4)]
    # Two phrases that cover it only together do not hide it either.
    assert spans(library("bc", allow=["ab", "cd"]).search("abcd")) == [(1, 3)]


def test_versions_choose_the_entries():
    old = row("old", from_version=1, to_version=3)
    new = row("new", from_version=3)
    assert [in_force(old, v) for v in (0, 1, 2, 3)] == [False, True, True, False]
    assert [len(Library.build(v, [old, new]).search("old new")) for v in (1, 2, 3)] == [1, 1, 1]
    assert Library.build(3, [old, new]).search("old") == []


def test_entries_that_cannot_match_are_named():
    lib = Library.build(
        1, [row("\u200b\u200d", entry="blank"), row("x", entry="bare", risk=None), row("y")]
    )
    assert lib.unusable == ("bare", "blank")
    assert len(lib) == 1


def test_an_empty_library_finds_nothing():
    assert Library.build(1, []).search("anything") == []


LETTER = st.sampled_from(
    ["a", "b", "é", "e\u0301", "ß", "枪", "Ａ", "ﬁ", "\u200b", "\u0301", "İ", "，", "x"]
)
WORD = st.lists(LETTER, min_size=1, max_size=4).map("".join).filter(lambda word: fold(word).text)

AROUND = st.lists(LETTER, max_size=10).map("".join)


@given(
    st.lists(WORD, max_size=5),
    st.lists(WORD, max_size=3),
    st.lists(LETTER, max_size=30).map("".join),
)
def test_hits_are_exactly_the_uncovered_occurrences(keywords, allowed, text):
    lib = library(*dict.fromkeys(keywords), allow=dict.fromkeys(allowed))
    folded = fold(text)

    def occurrences(word):
        word = fold(word).text
        return {
            (at, at + len(word))
            for at in range(len(folded.text) - len(word) + 1)
            if folded.text.startswith(word, at)
        }

    covers = set().union(*map(occurrences, allowed))
    expected = sorted(
        (*folded.span(start, end), f"keyword:{word}")
        for word in dict.fromkeys(keywords)
        for start, end in occurrences(word)
        if not any(a <= start and end <= b for a, b in covers)
    )
    found = lib.search(text)
    assert [(hit.start, hit.end, hit.entry) for hit in found] == expected
    for hit in found:
        word = hit.entry.removeprefix("keyword:")
        piece = fold(text[hit.start : hit.end]).text
        assert fold(word).text in piece
        if hit.normalisation == "exact":
            assert text[hit.start : hit.end] == word


@given(WORD, AROUND, AROUND)
def test_a_span_normalises_to_the_keyword_itself_when_it_starts_and_ends_on_whole_characters(
    word, before, after
):
    before, after = before + "|", "|" + after
    assume(not word.startswith(("\u0301", "\u200b")))
    text = before + word + after
    found = [hit for hit in library(word).search(text) if hit.start == len(before)]
    assert found
    assert fold(text[found[0].start : found[0].end]).text == fold(word).text


def test_the_sample_is_marked_four_eyed_and_usable():
    rows = sample_rows()
    lib = Library.build(SAMPLE_VERSION, rows)
    assert len(lib) == len(rows) >= 50
    assert lib.unusable == ()
    assert all(r.proposed_by != r.approved_by and r.proposed_by.startswith("sample") for r in rows)
    assert len({r.entry for r in rows}) == len(rows)
    assert {r.criteria for r in rows} >= {"DSP-18-2"}


@pytest.mark.parametrize(
    "allowed", [r for r in sample_rows() if r.kind == "allow"], ids=lambda r: r.entry
)
def test_each_allow_phrase_of_the_sample_holds_a_keyword_it_hides(allowed):
    keywords = [r for r in sample_rows() if r.kind == "keyword"]
    assert Library.build(1, keywords).search(allowed.value)
    assert Library.build(1, sample_rows()).search(allowed.value) == []


def test_hostile_length_stays_in_bounds():
    lib = Library.build(1, sample_rows())
    text = "海洛因\u200b" * 20_000
    assert len(lib.search(text)) == 20_000
