"""Where a word may be written apart, doubled or in look-alikes: the places around which text is loosened.

A place counts only if the characters on both sides of the gap, or beside the double, are neighbours in some
entry, or sound like neighbours. So ordinary text is seldom loosened at all.
"""

import math
import re
import string
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, product
from operator import add
from typing import Final

from synthgate.library.letters import (
    CLAUSE_MARKS,
    GAP_MAX,
    HAN,
    LOOKS,
    SEPARATORS,
    sound_codes,
    splits,
)  # fmt: skip

_NATURAL: Final = CLAUSE_MARKS + "."
"""Separators of every text: they are suspicious where one character stands alone between two."""
_INSIDE: Final = "".join(
    sorted(mark for mark in SEPARATORS if mark.isascii() and mark not in CLAUSE_MARKS + " ")
)


def _class(chars: Iterable[str]) -> str:
    return "".join(map(re.escape, sorted(chars)))


_BMP: Final = _class(mark for mark in SEPARATORS if mark not in _NATURAL and mark <= "\uffff")
_GAP: Final = re.compile(f"[{_BMP}](?=[{HAN}]|[a-z](?![a-z]))")
_MARK: Final = f"[{_class(_NATURAL)}]"
_DOUBLE: Final = re.compile(f"([{HAN}])\\1")
_PICTURES: Final = re.compile(f"[\U00010000-\U0010ffff](?=[{HAN}])")
"""Characters beyond the BMP make a class slow, so they have one of their own, for the texts that hold any."""


_FEW_PAIRS: Final = 2_000
"""Neighbours up to which a class of their characters tells more than it costs."""
_BY_SOUND_MAX: Final = 30_000
"""Neighbours by sound up to which they tell words from chance; of very many words nearly all are neighbours."""


class Neighbours:
    """Characters that stand side by side in words, by sound; of very many words, as they are."""

    __slots__ = ("_alone", "_by_first", "_by_last", "_codes", "_pairs", "_parts")

    def __init__(self, words: Collection[str]) -> None:
        self._codes: Mapping[int, str] = sound_codes()
        self._pairs = _pairs(words, self._codes, _BY_SOUND_MAX)
        if len(self._pairs) > _BY_SOUND_MAX:
            self._codes = {}
            self._pairs = _pairs(words, self._codes)
        chars = set("".join(words))
        self._parts = frozenset(parts for parts, whole in splits().items() if whole in chars)
        self._by_first: dict[str, list[str]] = {}
        self._by_last: dict[str, list[str]] = {}
        for parts in self._parts:
            self._by_first.setdefault(parts[0], []).append(splits()[parts])
            self._by_last.setdefault(parts[1], []).append(splits()[parts])
        self._alone = self._one_alone()

    def _one_alone(self) -> re.Pattern[str]:
        """A clause mark, and behind it one character alone before the next; of few words, these characters."""
        before = after = f"[{HAN}]"
        if len(self._pairs) <= _FEW_PAIRS:
            before = self._sounding({pair[0] for pair in self._pairs} | self._by_last.keys())
            after = self._sounding({pair[1] for pair in self._pairs} | self._by_first.keys())
        # The mark first: what looks behind itself first is tried at every character.
        return re.compile(f"{_MARK}(?<={before}{_MARK})(?={after}{_MARK})")

    def _sounding(self, wanted: Collection[str]) -> str:
        chars = {chr(char) for char, code in self._codes.items() if code in wanted}
        chars.update(char for char in wanted if char > "\x7f")
        return f"[{_class(chars)}]" if chars else "(?!)"

    def spots(self, text: str, *, letters: bool = True) -> Iterator[tuple[int, int]]:
        """Suspicious gaps and doubles of a text. letters: it holds some."""
        wide = text.encode("utf-16-le", "surrogatepass")
        bmp = len(wide) == 2 * len(text)
        for gaps in (_GAP, self._alone) if bmp else (_GAP, self._alone, _PICTURES):
            for match in gaps.finditer(text):
                start, end = match.span()
                if self._meet(text, start - 1, end):
                    yield start, end
        doubles = (
            (match.start() for match in _DOUBLE.finditer(text))
            if letters or not bmp
            else _doubled(wide)
        )
        for at in doubles:
            if self._meet(text, at, at + 2) or self._meet(text, at - 1, at):
                yield at, at + 2

    def beside(self, text: str, start: int, end: int, whole: str) -> bool:
        """Whether ``whole`` in place of ``start:end`` would stand beside a neighbour, a gap or letters."""
        return self._near(text, start - 1, whole, before=True) or self._near(
            text, end, whole, before=False
        )

    def _near(self, text: str, at: int, whole: str, *, before: bool) -> bool:
        if not 0 <= at < len(text):
            return False
        other = text[at]
        if other in SEPARATORS or _is_letter(other):
            return True
        return self._pair(other, whole) if before else self._pair(whole, other)

    def _meet(self, text: str, before: int, after: int) -> bool:
        """Whether the characters at two places, separators skipped, are neighbours in a word."""
        if before < 0 or after >= len(text):
            return False
        first, second = text[before], text[after]
        if first < _HAN_FROM or second < _HAN_FROM or first in SEPARATORS or second in SEPARATORS:
            return self._meet_somewhere(text, before, after)
        return self._pair(first, second) or first + second in self._parts

    def _meet_somewhere(self, text: str, before: int, after: int) -> bool:
        least, most = max(0, before - GAP_MAX), min(len(text) - 1, after + GAP_MAX)
        while before > least and text[before] in SEPARATORS:
            before -= 1
        while after < most and text[after] in SEPARATORS:
            after += 1
        first, second = text[before], text[after]
        if _is_letter(first) and _is_letter(second) and before and _is_letter(text[before - 1]):
            return False  # the end of a word, and a word of one letter
        if _is_letter(first) != _is_letter(second) and text[after - 1] in _NATURAL:
            return False  # a sentence in letters, and one in ideographs
        if _is_letter(first) or _is_letter(second):
            return not (first.isascii() and second.isascii()) or first + second in self._pairs
        return self._pair(first, second) or first + second in self._parts

    def _pair(self, first: str, second: str) -> bool:
        """Whether two characters are neighbours, or would be with their parts made whole."""
        codes, pairs = self._codes, self._pairs
        code, other = codes.get(ord(first), first), codes.get(ord(second), second)
        if code + other in pairs:
            return True
        if first in self._by_last:
            for whole in self._by_last[first]:
                if codes.get(ord(whole), whole) + other in pairs:
                    return True
        if second in self._by_first:
            for whole in self._by_first[second]:
                if code + codes.get(ord(whole), whole) in pairs:
                    return True
        return False


_HAN_FROM: Final = "\u3400"
"""Behind nearly all separators of the BMP."""


def _pairs(words: Collection[str], codes: Mapping[int, str], enough: float = math.inf) -> set[str]:
    """Neighbours in words, separators left out; no further once there are more than enough."""
    found: set[str] = set()
    rest = iter(words)
    while len(found) <= enough and (some := [*islice(rest, _AT_ONCE)]):
        # No word holds what stands between them here; many at once, so that Python looks at none by itself.
        said = "\0".join(some).translate(_DROP)
        if codes:
            said = said.translate(codes)
        found.update(pair for pair in set(map(add, said, said[1:])) if "\0" not in pair)
    return found


_AT_ONCE: Final = 10_000
_DROP: Final = dict.fromkeys(map(ord, SEPARATORS))


def _is_letter(char: str) -> bool:
    return "a" <= char <= "z"


def _doubled(wide: bytes) -> Iterator[int]:
    """Where a character stands twice: all UTF-16 units against the next, in one subtraction of long numbers."""
    number = int.from_bytes(wide, "little")
    differences = (number ^ (number >> 16)).to_bytes(len(wide), "little")
    at = differences.find(b"\0\0")
    while 0 <= at < len(wide) - 2:
        if at % 2 == 0:
            yield at // 2
        at = differences.find(b"\0\0", at + 2 - at % 2)


_FEW_WORDS: Final = 5_000
"""ASCII words beyond which any two letters are taken for neighbours in one."""
_ALL_PAIRS: Final = tuple(map("".join, product(string.ascii_lowercase, repeat=2)))


@lru_cache(maxsize=1)
def beside_triggers() -> tuple[str, ...]:
    """A letter beside what is not ASCII and was replaced by a question mark."""
    letters = string.ascii_lowercase
    return (*(f"?{one}" for one in letters), *(f"{one}?" for one in letters))


def latin_triggers(words: list[str]) -> list[str]:
    """For ASCII words: strings found in the same pass as they are."""
    letters = string.ascii_lowercase
    pairs = set(_ALL_PAIRS) if len(words) > _FEW_WORDS else _pairs(words, {})
    # A letter alone between blanks; but "a" and "I" are words.
    found = {f" {one} " for one in letters if one not in "ai"} | {one * 3 for one in letters}
    for first, second in map(tuple, pairs):
        if first.isalpha() and second.isalpha():
            found.update(first + mark + second for mark in _INSIDE)
            found.add(first * 2 + second * 2)
    found |= {mark + one + mark for one in letters for mark in ",!:;\n"}
    for sign, letter in LOOKS.items():
        if sign.isalpha():
            continue
        strokes = "il" if letter == "i" else letter
        for first, second in map(tuple, pairs):
            if first in strokes:
                found.add(sign + second)
            if second in strokes:
                found.add(first + sign)
            if first in strokes:
                found.update(sign + other for other in LOOKS if LOOKS[other] == second)
    return sorted(found)
