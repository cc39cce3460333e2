"""The explicit label of a text: put once, at the start, a line of its own; forgeries are none."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthgate.effects.text_label import carries, is_label, put, read, valid

SENTENCE = "AI生成"
HOSTILE = [
    "", "\n", "\x00", "\u202e倒着写\u2066", "a" * 262_144, "\u200bAI生成\n", "AI生成的图片",
    "ＡＩ生成\n", " AI生成\n", "AI 生成\n",
    "\r\n\r\n", "AI生成\x00\n", "\x1b[2K\x1b[1A", "非AI生成\n", "\ufeffAI生成\n", "AI生成AI生成\n",
]  # fmt: skip


@pytest.mark.parametrize(
    "sentence",
    [
        "AI生成",
        "本内容由AI生成",
        "人工智能合成",
        "内容由人工智能生成或者合成",
        "AI生成 AI-generated",
    ],
)
def test_sentences_with_both_elements_are_labels(sentence):
    assert valid(sentence)


@pytest.mark.parametrize(
    "sentence",
    ["", "AI", "生成", "AI-generated", "人工生成", "非AI生成", "不是AI生成的", "AI生成\n",
     "AI\n生成", " AI生成", "AI生成\u202e",
     "AI\u200b生成", "not AI生成", "AI生成" * 40, "\x00AI生成"],
)  # fmt: skip
def test_other_sentences_are_not(sentence):
    assert not valid(sentence)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_gets_the_label_in_front_and_keeps_every_character(text):
    labelled = put(text, SENTENCE)
    assert labelled.text == f"AI生成\n{text}"
    assert labelled.place == ("start", 0, 4)
    assert read(labelled.text, SENTENCE)[0] == labelled.place


@pytest.mark.parametrize("text", ["AI生成", "AI生成\n内容", "AI生成\r\n内容", "AI生成\n\nAI生成\n"])
def test_a_text_that_starts_with_the_label_line_is_not_doubled(text):
    assert put(text, SENTENCE).text == text


@pytest.mark.parametrize("mark", ["\x1c", "\v", "\f", "\r", "\x85", "\u2028"])
def test_what_only_counts_as_a_line_end_ends_no_label(mark):
    """Read by a person, the text denies what its first "line" says."""
    text = f"AI生成{mark}的反义词"
    assert put(text, SENTENCE).text == f"AI生成\n{text}"


@given(st.text(st.sampled_from(list("AI生成\n x\u200b\r")), max_size=30))
def test_labelling_twice_changes_nothing_and_reads_back(text):
    once = put(text, SENTENCE)
    assert put(once.text, SENTENCE) == once
    assert once.text.endswith(text)
    assert once.place in read(once.text, SENTENCE)
    assert carries(once.text, text, SENTENCE)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_label_covers_one_text_alone(text, other):
    labelled = put(text, SENTENCE).text
    if carries(labelled, other, SENTENCE):
        assert other in (text, labelled)


def test_places():
    assert [place.place for place in read("AI生成\na\nAI生成\nb\nAI生成\n", SENTENCE)] == [
        "start",
        "middle",
        "end",
    ]
    assert [place.place for place in read("\n  \nAI生成", SENTENCE)] == ["start"]
    assert read("这是AI生成\n内容", SENTENCE) == []
    assert read("", SENTENCE) == []
    assert read("x", "") == []


def test_a_text_full_of_labels_costs_linear_time():
    start = time.perf_counter()
    assert len(read("AI生成\n" * 40_000, SENTENCE)) == 40_000
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "line",
    [
        "AI生成", "  AI生成  ", "内容由AI生成", "(本文由人工智能合成)", "【本内容为AI生成合成内容】",
        "人工智能生成。",        "AI生成 AI-generated", "本文由AI辅助生成", "以上内容由 AI 生成", "**AI生成**",
    ],
)  # fmt: skip
def test_a_line_that_is_a_label_as_others_word_it(line: str) -> None:
    assert is_label(line)


@pytest.mark.parametrize(
    "line",
    [
        "", "AI", "生成", "关于AI生成的讨论很多。", "非AI生成", "本文不是AI生成", "AI生成的图片很美",
        "人工智能改变世界",        "AI-generated", "未使用AI生成", "AI生成" + " " * 80,
    ],
)  # fmt: skip
def test_talk_of_what_machines_make_is_no_label(line: str) -> None:
    assert not is_label(line)
