"""The explicit label of a text: a line of its own at the start (GB 45438 5.1).

A line of its own, so that neither the words nor a writing direction set inside the content reach into it, and
so that words which merely begin like the label ("AI生成的图片…") are not taken for one.
"""

import re
from typing import Final, Literal, NamedTuple

SENTENCE_CHARS_MAX: Final = 64

_BOTH: Final = re.compile(r"(?=.*(?:人工智能|AI))(?=.*(?:生成|合成))")
_DENIED: Final = re.compile(r"非|不|未|无|没|\b(?:not|no|non)\b", re.IGNORECASE)
_ALONE: Final = re.compile(
    r"[\s(（\[【*]*(?:[本此该]|以[上下])?(?:文章|文本|内容|作品|回答|文)?"
    r"(?:部分|全部|均)?[由为系是]?\s*"
    r"(?:AI|人工智能)(?:技术|工具|模型|辅助)?\s*(?:生成合成|生成|合成)(?:的?内容)?"
    r"(?:[\s/|·,,]*AI[- ]generated(?: content)?)?[\s)）\]】*。.!!]*",
    re.IGNORECASE,
)
"""A line that is a label and nothing more, ``(本文由人工智能合成)``; no talk about what AI makes."""
_BREAKS: Final = ("\n", "\r\n")
"""What all show as a new line. Others (\\x1c, \\v, a lone \\r …) show nothing, or overwrite the line."""


class Place(NamedTuple):
    """Where a label stands: characters ``start:end`` of the text."""

    place: Literal["start", "middle", "end"]
    start: int
    end: int


class Labelled(NamedTuple):
    """A text with its label, and where it stands."""

    text: str
    place: Place


def valid(sentence: str) -> bool:
    """Whether a sentence is a label: an AI element, a generation element, no denial, one visible line."""
    return (
        len(sentence) <= SENTENCE_CHARS_MAX
        and sentence == sentence.strip()
        and sentence.isprintable()
        and _BOTH.search(sentence) is not None
        and _DENIED.search(sentence) is None
    )


def is_label(line: str) -> bool:
    """Whether a line of somebody's text is an explicit label as others word it, and nothing more."""
    return len(line) <= SENTENCE_CHARS_MAX and _ALONE.fullmatch(line) is not None


def put(text: str, sentence: str) -> Labelled:
    """The text with the sentence as its first line; not doubled if it already is."""
    if _is_line(text, 0, len(sentence)) and text.startswith(sentence):
        return Labelled(text, Place("start", 0, len(sentence)))
    return Labelled(f"{sentence}\n{text}", Place("start", 0, len(sentence)))


def read(text: str, sentence: str) -> list[Place]:
    """Every place where the sentence stands as a line of its own, in order."""
    found = []
    first = len(text) - len(text.lstrip())
    last = len(text.rstrip())
    at = text.find(sentence) if sentence else -1
    while at >= 0:
        end = at + len(sentence)
        if _is_line(text, at, end):
            place: Literal["start", "middle", "end"] = (
                "start" if at <= first else "end" if end >= last else "middle"
            )
            found.append(Place(place, at, end))
        at = text.find(sentence, end)
    return found


def carries(labelled: str, text: str, sentence: str) -> bool:
    """Whether a labelled text is this text under this sentence, and nothing else."""
    return labelled in (text, put(text, sentence).text)


def _is_line(text: str, start: int, end: int) -> bool:
    opens = start == 0 or text[start - 1] == "\n"
    return opens and (end == len(text) or text.startswith(_BREAKS, end))
