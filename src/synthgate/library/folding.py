"""Folding: what text and keywords are reduced to before they are compared, and the way back.

Unicode NFKC with case folding, and what nobody can see dropped (zero-width characters, soft hyphens,
variation selectors, bidi controls, control characters), so that a disguise of that kind hides nothing.

Text is folded piece by piece. A piece is a character with the marks that compose with it; a fold never
crosses its border (UAX #15, 9.1), so every folded character stands for one exact piece of the original. Most
text needs none of that: where every character folds to one character, positions do not move.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MARKS_MAX: Final = 30
"""Marks in one piece, as in Unicode's stream-safe format; more would make normalising quadratic."""

_INVISIBLE: Final = (
    # Default_Ignorable_Code_Point, interlinear annotation, and controls that are not white space.
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
_INVISIBLE_BEYOND: Final = "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
INVISIBLE: Final = re.compile(f"[{_INVISIBLE}{_INVISIBLE_BEYOND}]")
"""One character that shows nothing."""
SOMETHING: Final = re.compile(f"[^{_INVISIBLE}{_INVISIBLE_BEYOND}\\s]")
"""One character that shows something."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")

_OTHER_BLOCKS: Final = (
    (0x80, 0x3400), (0x4DC0, 0x4E00), (0xA000, 0xAC00), (0xD7A4, 0xE000), (0xF900, 0x10000),
)  # fmt: skip
"""All but ideographs, Hangul syllables and private use: those are always one character, by Unicode's
stability rules."""


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text and, where positions moved, the original piece each folded character stands for."""

    text: str
    starts: list[int] | None = None
    ends: list[int] | None = None
    kept: list[int] | None = None
    """Original positions of the visible characters, if some were invisible."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where folded ``start:end`` (not empty) stands in the original, whole pieces only."""
        if self.starts is not None and self.ends is not None:
            start, end = self.starts[start], self.ends[end - 1]
        if self.kept is not None:
            start, end = self.kept[start], self.kept[end - 1] + 1
        return start, end


def fold(text: str) -> Folded:
    """Fold a text of any content, in linear time; lone surrogates become U+FFFD."""
    folded = _fold_common(text)
    if folded is not None:
        return Folded(folded)
    hard = _alphabet().hard
    if hard.search(text) is None:
        return Folded(_fold_easy(text))
    kept = None
    if INVISIBLE.search(text) is not None:
        kept = [at for at, char in enumerate(text) if INVISIBLE.match(char) is None]
        text = INVISIBLE.sub("", text)
        if hard.search(text) is None:
            return Folded(_fold_easy(text), kept=kept)
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end, easy in _pieces(text):
        if easy:
            out.append(_fold_easy(text[start:end]))
            starts.extend(range(start, end))
            ends.extend(range(start + 1, end + 1))
        else:
            folded = fold_piece(text[start:end])
            out.append(folded)
            starts.extend([start] * len(folded))
            ends.extend([end] * len(folded))
    return Folded("".join(out), starts, ends, kept)


def _pieces(text: str) -> Iterator[tuple[int, int, bool]]:
    """Runs of easy characters (True), and between them single pieces with their marks (False)."""
    at = 0
    for match in _alphabet().hard.finditer(text):
        start, end = match.span()
        if start > at and extends(text[start]):
            start -= 1  # the mark belongs to the easy character before it
        if start > at:
            yield at, start, True
        while start < end:
            stop = start + 1
            while stop < end and stop - start <= MARKS_MAX and extends(text[stop]):
                stop += 1
            yield start, stop, False
            start = stop
        at = end
    if at < len(text):
        yield at, len(text), True


def _fold_common(text: str) -> str | None:
    """What most texts need, in one quick pass; None if something in it asks for a closer look."""
    if len(text.encode("utf-16-le", "surrogatepass")) != 2 * len(text):
        return None  # beyond the BMP, where a class of characters is slow
    alphabet = _alphabet()
    special = set(alphabet.special.findall(text))
    if not special <= alphabet.folds.keys():
        return None
    for char in special:
        text = text.replace(char, alphabet.folds[char])
    return text.casefold()


def folding_table() -> tuple[str, dict[str, str]]:
    """Of the BMP: characters that need a closer look, as the inside of a class, and what folds one to one."""
    alphabet = _alphabet()
    return alphabet.closer, alphabet.folds


def _fold_easy(text: str) -> str:
    """Fold a text in which every character folds to one, by itself."""
    alphabet = _alphabet()
    return alphabet.changing.sub(lambda match: alphabet.folds[match[0]], text).casefold()


@lru_cache(maxsize=65536)
def fold_piece(text: str) -> str:
    """NFKC and case folding (Unicode's NFKC_Casefold) of text without invisible characters."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    folded = unicodedata.normalize("NFKC", folded).casefold()
    return _SURROGATE.sub("\ufffd", unicodedata.normalize("NFKC", folded))


@lru_cache(maxsize=65536)
def extends(char: str) -> bool:
    """Whether a character may compose with, or be ordered among marks after, what stands before it."""
    first = unicodedata.normalize("NFKD", char)[0]
    return unicodedata.combining(first) != 0 or first in _alphabet().seconds


@dataclass(frozen=True, slots=True)
class _Alphabet:
    """What the Unicode tables say, gathered once.

    hard: runs of characters that may move positions; all others are easy. seconds: starters that compose
    with what stands before. changing: easy characters that need more than case folding; folds: to what.
    special: one hard or changing character of the BMP; closer: hard or invisible ones, as in a class.
    """

    hard: re.Pattern[str]
    seconds: frozenset[str]
    changing: re.Pattern[str]
    folds: dict[str, str]
    special: re.Pattern[str]
    closer: str


@lru_cache(maxsize=1)
def _alphabet() -> _Alphabet:
    chars = [chr(code) for start, end in _OTHER_BLOCKS for code in range(start, end)]
    # Hangul vowels and final consonants compose by rule, not by table.
    seconds = {chr(code) for code in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for char in (*chars, *(chr(code) for code in range(0x10000, 0x20000))):
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            seconds.add(chr(int(parts[1], 16)))
    hard: list[str] = []
    folds: dict[str, str] = {}
    for char in chars:
        first = unicodedata.normalize("NFKD", char)[0]
        folded = fold_piece(char)
        if (
            unicodedata.combining(first)
            or first in seconds
            or len(folded) != 1
            or folded.casefold() != folded
            or _SURROGATE.match(char)
        ):
            hard.append(char)
        elif folded != char.casefold() and INVISIBLE.match(char) is None:
            folds[char] = folded
    # Beyond the BMP the class is coarse, for speed: all but ideographs, plain emoji and private use.
    beyond = "\U00010000-\U0001f2ff\U0001fb00-\U0001ffff\U0002f800-\U0002ffff\U000e0000-\U000effff"
    return _Alphabet(
        re.compile(f"[{_INVISIBLE}{_INVISIBLE_BEYOND}{_ranges(hard)}{beyond}]+"),
        frozenset(seconds),
        re.compile(f"[{_ranges(list(folds))}]"),
        folds,
        re.compile(f"[{_INVISIBLE}{_ranges(sorted({*hard, *folds}))}]"),
        _INVISIBLE + _ranges(hard),
    )


def _ranges(chars: list[str]) -> str:
    """Characters in order as the inside of a regular expression's class."""
    spans: list[list[int]] = []
    for char in chars:
        if spans and ord(char) == spans[-1][1] + 1:
            spans[-1][1] += 1
        else:
            spans.append([ord(char), ord(char)])
    return "".join(f"\\u{start:04x}-\\u{end:04x}" for start, end in spans)
