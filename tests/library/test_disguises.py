"""Entries as people write them to get past a list, and ordinary words that only look like that."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.bench.made_up import row
from synthgate.library.entries import SWITCHES
from synthgate.library.folding import fold
from synthgate.library.letters import SEPARATORS, simplify
from synthgate.library.library import Library
from synthgate.library.loosening import loose, loosened
from synthgate.library.reading import read

ROWS = [
    row(str(at), value)
    for at, value in enumerate(
        ("海洛因", "枪支", "出售枪支弹药", "buy heroin", "去除AI标识", "披露铜镜镜", "sp", "??")
    )
] + [
    row("phrase", "代办…证件", "phrase"), row("regex", r"1[3-9]\d{9}", "regex"),
    row("domain", "bad-site.com", "domain"), row("url", "https://evil.org/pay/", "url"),
    row("allow", "海洛因依赖", "allow"),
]  # fmt: skip
LIBRARY = Library.build(1, ROWS)


def found(text: str, library: Library = LIBRARY) -> list[tuple[str, str, str]]:
    return [
        (hit.entry, text[hit.start : hit.end], hit.normalisation) for hit in library.search(text)
    ]


@pytest.mark.parametrize(
    ("text", "entry", "piece", "how"),
    [
        ("买海*洛*因吧", "0", "海*洛*因", "separated"),
        ("海 洛 因", "0", "海 洛 因", "separated"),
        ("海，洛，因", "0", "海，洛，因", "separated"),
        ("海【洛】因", "0", "海【洛】因", "separated"),
        ("海🔥洛🔥因", "0", "海🔥洛🔥因", "separated"),
        ("海\ud800洛因", "0", "海\ud800洛因", "separated"),
        ("𠮷海*洛*因", "0", "海*洛*因", "separated"),
        ("买海\u0336洛\u0336因\u0336吧", "0", "海\u0336洛\u0336因\u0336", "separated"),
        ("海\u0300\u20dd洛因", "0", "海\u0300\u20dd洛因", "separated"),
        ("купить海洛因الآن", "0", "海洛因", "exact"),
        ("海海洛洛因因", "0", "海海洛洛因因", "repeated"),
        ("披露铜铜镜", "5", "披露铜铜镜", "repeated"),
        ("hai luo yin", "0", "hai luo yin", "pinyin"),
        ("买hailuoyin", "0", "hailuoyin", "pinyin"),
        ("海luo因", "0", "海luo因", "pinyin"),
        ("h-a-i l-u-o y-i-n", "0", "h-a-i l-u-o y-i-n", "separated+pinyin"),
        ("嗨落音", "0", "嗨落音", "homophone"),
        ("买槍支", "1", "槍支", "traditional"),
        ("买槍\u200b*支", "1", "槍\u200b*支", "traditional+separated"),
        ("木仓支", "1", "木仓支", "split"),
        ("木*仓*支", "1", "木*仓*支", "separated+split"),
        ("buy h3r01n", "3", "buy h3r01n", "leet"),
        ("b.u.y h.e.r.o.i.n", "3", "b.u.y h.e.r.o.i.n", "separated"),
        ("buyyy herooin", "3", "buyyy herooin", "repeated"),
        ("去除A I标识", "4", "去除A I标识", "separated"),
        ("ｂｕｙ　ｈｅｒｏｉｎ", "3", "ｂｕｙ　ｈｅｒｏｉｎ", "folded"),
        ("代办各种真实证件", "phrase", "代办各种真实证件", "gapped"),
        ("电话13812345678", "regex", "13812345678", "pattern"),
        ("www.bad-site.com/x", "domain", "bad-site.com", "address"),
        ("bad-site[.]com", "domain", "bad-site[.]com", "address+separated"),
        ("HTTP://EVIL.ORG/pay/1", "url", "EVIL.ORG/pay", "address"),
        ("海*洛*因依赖", "0", "海*洛*因", "separated"),
        ("真的??", "7", "??", "exact"),
    ],
)
def test_what_is_seen_through_and_where_it_stood(
    text: str, entry: str, piece: str, how: str
) -> None:
    assert (entry, piece, how) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "他有枪。支持他", "他有枪，支持他", "他有枪\n支持他", "海洛因依赖的治疗", "the crisp apple",
        "代办xxxxxxxxx证件", "证件代办", "notbad-site.com", "bad-site.com.cn", "bad-site.community",
        "evil.org/payment", "123456789012", "海外洛阳因此", "你好中？", "S.P. is a person", "",
    ],
)  # fmt: skip
def test_what_only_looks_like_it(text: str) -> None:
    hits = [hit for hit in found(text) if hit[0] != "6" or " " in hit[1]]
    assert hits == []


def test_an_english_word_cut_by_a_blank_is_two_words() -> None:
    library = Library.build(1, [row("x", "anal")])
    assert found("an alibi", library) == []
    assert found("a-n-a-l", library) == [("x", "a-n-a-l", "separated")]
    # Not even beside letters that are set apart, for which the text around is loosened.
    assert found("a-n an alibi", library) == []
    assert found("出*售，他有枪。支持他") == []
    assert found("出*售，他有枪 ---- 支持他") == []


@pytest.mark.parametrize("name", SWITCHES)
def test_each_disguise_can_be_switched_off_for_a_list(name: str) -> None:
    text = {
        "traditional": "买槍支", "separated": "枪*支", "split": "木仓支", "pinyin": "hai luo yin",
        "homophone": "嗨落音", "leet": "buy h3roin", "repeated": "海海洛洛因",
    }[name]  # fmt: skip
    others = ",".join(one for one in SWITCHES if one != name)
    assert found(text) != []
    assert found(text, Library.build(1, [*ROWS, row("default", others, "list")])) == []
    # Another list's switches are its own.
    assert found(text, Library.build(1, [*ROWS, row("other", "none", "list")])) == found(text)


@pytest.mark.parametrize("text", ["甲乙丙", "甲*乙*丙", "jia yi bing", "甲\u200b乙丙"])
def test_a_word_under_two_risks_is_found_as_both_and_taken_back_one_by_one(text: str) -> None:
    rows = [row("law", "甲乙丙", risk="A.1h"), row("health", "甲乙丙", risk="A.4a", to_version=2)]
    for version, risks in ((1, ["A.4a", "A.1h"]), (2, ["A.1h"])):
        assert [hit.risk for hit in Library.build(version, rows).search(text)] == risks
    assert found(text, Library.build(1, [*rows, row("allowed", text, "allow")])) == []


def test_an_entry_is_off_watched_or_counted_for_a_share() -> None:
    rows = [
        row("off", "甲乙丙", state="off"), row("shadow", "甲乙丙", state="shadow"),
        row("some", "甲乙丙", state="percent", percent=30), row("on", "甲乙丙"),
    ]  # fmt: skip
    hits = Library.build(1, rows).search("甲乙丙")
    assert [(hit.entry, hit.share) for hit in hits] == [("on", 100), ("shadow", 0), ("some", 30)]


@pytest.mark.parametrize(
    "over",
    [
        {"kind": "allow", "approved_by": "one"},
        {"risk": None},
        {"kind": "phrase"},
        {"kind": "regex", "value": "("},
        {"kind": "regex", "value": r"(a)\1"},
        {"kind": "regex", "value": "x*"},
        {"kind": "regex", "value": "(?=x)"},
        {"kind": "regex", "value": "((a{1,100}){1,100}){1,100}"},
        {"kind": "domain", "value": "nodot"},
        {"kind": "domain", "value": "two words.com"},
        {"value": "\u200b"},
    ],
)
def test_an_entry_that_cannot_count_is_named(over: dict[str, object]) -> None:
    library = Library.build(
        1, [row("good", "枪支"), row("bad", str(over.pop("value", "甲乙丙")), **over)]
    )
    assert library.unusable == ("bad",)
    assert library.keywords == 1


def test_an_entry_of_one_person_alone_is_found_and_counts_for_nobody() -> None:
    library = Library.build(1, [row("alone", "甲乙丙", approved_by="one"), row("good", "枪支")])
    assert library.alone == {"alone"}
    assert [(hit.entry, hit.share) for hit in library.search("甲乙丙枪支")] == [
        ("alone", 0), ("good", 100),
    ]  # fmt: skip


LETTERS = st.sampled_from(
    [
        *"海洛因枪支木仓言周亻人槍后買 ,。*-.0134lioeabzhuf\u200b\ud800Ａ㍿é",
        "𠮷",
        "🔥",
        "luo",
        "hai",
    ]
)
TEXT = st.lists(LETTERS, max_size=30).map("".join)


@given(TEXT | st.text(max_size=20))
def test_a_reading_is_the_folded_text_in_simplified_characters(text: str) -> None:
    reading = read(text)
    assert reading.text == simplify(fold(text).text)
    for at in range(len(reading.text)):
        assert reading.span(at, at + 1) == fold(text).span(at, at + 1)


@given(TEXT, st.booleans())
def test_loosening_with_the_way_back_is_loosening(text: str, whole: bool) -> None:
    text = read(text).text
    view = loosened(text, whole=whole)
    assert view.text == loose(text, whole=whole)
    assert len(view.starts) == len(view.ends) == len(view.text)
    assert all(
        0 <= start < end <= len(text) for start, end in zip(view.starts, view.ends, strict=True)
    )


@given(
    TEXT, TEXT, st.sampled_from([mark for mark in sorted(SEPARATORS) if mark not in ".,!?:;。、\n"])
)
def test_an_entry_set_apart_is_found_wherever_it_stands(before: str, after: str, mark: str) -> None:
    hidden = mark.join("出售枪支弹药")
    text = f"{before}好{hidden}好{after}"
    start = len(before) + 1
    assert any(
        hit.entry == "2" and (hit.start, hit.end) == (start, start + len(hidden))
        for hit in LIBRARY.search(text)
    )


@given(TEXT | st.text(max_size=40))
def test_any_text_is_searched_and_every_span_lies_in_it(text: str) -> None:
    for hit in LIBRARY.search(text):
        assert 0 <= hit.start < hit.end <= len(text)


@pytest.mark.parametrize(
    "unit",
    [
        "a", "海洛因", "海*洛*因", "海海", "木仓", "h3roin ", "\u202e海\u202c", "e\u0301\u0323\u0335",
        "a\u0300" * 20,
        "枪,支,", " s p", "\ud800", "🔥海", "luo海", "代办", "证件", "1380000000", "a.b-", "𠮷", "槍", "…",
    ],
)  # fmt: skip
def test_a_large_text_of_anything_is_searched_in_time(unit: str) -> None:
    text = (unit * 200_000)[:200_000]
    begun = time.process_time()
    LIBRARY.search(text)
    assert time.process_time() - begun < 10


def test_a_megabyte_is_searched_in_time() -> None:
    begun = time.process_time()
    assert len(LIBRARY.search("海*洛*因，" * 56_000)) == 56_000
    assert time.process_time() - begun < 30


def test_a_pattern_made_to_blow_up_does_not() -> None:
    library = Library.build(1, [row("x", "(a+)+$b|(a|aa)+c", "regex")])
    begun = time.process_time()
    library.search("a" * 100_000)
    assert time.process_time() - begun < 2
