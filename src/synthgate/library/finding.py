"""Finding: which of many words stand in a text, by Aho-Corasick automata built once.

ASCII words have an automaton of their own, so that texts without letters never meet it. What is listened for
is found by its sound, also as itself (ADR 0054). The same pass finds suspicious places (``spots``): what
would have to stand there if a word were written apart, doubled or with digits. Only around these is text
loosened.
"""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from synthgate.library.automaton import Search, of_bytes, of_text
from synthgate.library.letters import is_half, sound_codes, sounds_of, splits
from synthgate.library.loosening import is_pinyin
from synthgate.library.reading import Reading
from synthgate.library.triggers import Neighbours, beside_triggers, latin_triggers

try:
    from synthgate.library.sounding import sounding
except ModuleNotFoundError:

    def sounding(wide: bytes) -> str:
        """As there."""
        return "".join(map(chr, memoryview(wide).cast("H"))).translate(sounds_of())


_AROUND_MAX: Final = 96
"""Characters looked at before and behind a suspicious place, if an entry is as long as that."""
_SOUNDS: Final = 3
"""Syllables the shortest entry has that is listened for."""


class Found(NamedTuple):
    """A word by its number, at ``start:end`` of the text searched."""

    word: int
    start: int
    end: int


class Automaton:
    """Words, and behind them triggers, found by ``search``."""

    __slots__ = ("_search", "_words")

    def __init__(self, words: int, search: Search) -> None:
        self._words = words
        self._search = search

    def scan(self, text: str | bytes, spots: list[Found] | None) -> Iterator[Found]:
        """Every occurrence of every word; triggers, numbered from 0, go to ``spots``."""
        words = self._words
        for start, end, word in self._search(text):
            if word < words:
                yield Found(word, start, end)
            elif spots is not None:
                spots.append(Found(word - words, start, end))


class Finder:
    """Words by number, in the order given; no word is empty. heard: values found by their sound alone."""

    def __init__(self, words: list[str], heard: list[str], *, loosely: bool) -> None:
        self._words = words
        self._latin_at = [at for at, word in enumerate(words) if word.isascii()]
        self._wide_at = [at for at, word in enumerate(words) if not word.isascii()]
        latin = [words[at] for at in self._latin_at]
        wide = [words[at] for at in self._wide_at]
        longest = max(map(len, [*wide, *heard]), default=0)
        self._signs = any(_WORD.search(word) is None for word in latin)
        self._han_around = min(_AROUND_MAX, longest) + 8
        self._latin_around = min(_AROUND_MAX, max(map(len, latin), default=0)) + 8
        # Letters beside ideographs: told apart by number, as they are natural in a text of letters alone.
        self._beside = beside_triggers() if loosely and longest else ()
        self._latin = self._wide = None
        if latin or self._beside:
            triggers = (*self._beside, *(latin_triggers(latin) if loosely else ()))
            search = of_bytes([one.encode() for one in (*latin, *triggers)])
            self._latin = Automaton(len(latin), search)
        self._splits = [*splits().items()] if loosely and longest else []
        self._neighbours = Neighbours([*heard, *wide, *latin]) if loosely and longest else None
        if longest:
            search = of_text([*wide, *(pair for pair, _ in self._splits)])
            self._wide = Automaton(len(wide), search)

    def scan(self, reading: Reading) -> tuple[list[Found], list[tuple[int, int]]]:
        """Words in a text, and the stretches of it that should be loosened, apart and in order."""
        text = reading.text
        plain = text.isascii()
        found: list[Found] = []
        spots: list[tuple[int, int]] = []
        if self._wide is not None and not plain:
            parts: list[Found] = []
            found = self._wide_words(text, parts)
            if self._neighbours is not None:
                seen = self._neighbours
                around = self._han_around
                spots = [
                    (start - around, end + around)
                    for start, end in seen.spots(text, letters=reading.latin)
                ]
                spots += [
                    (start - around, end + around)
                    for number, start, end in parts
                    if seen.beside(text, start, end, self._splits[number][1])
                ]
        if self._latin is not None and (reading.latin or self._signs):
            triggers: list[Found] = []
            found.extend(self._latin_words(text, triggers))
            for number, start, end in triggers:
                if number >= len(self._beside):
                    spots.append((start - self._latin_around, end + self._latin_around))
                elif not plain and is_pinyin(text, start if text[start] <= "z" else start + 1, end):
                    spots.append((start - self._han_around, end + self._han_around))
        return found, _joined(spots, len(text)) if spots else []

    def again(self, text: str) -> list[Found]:
        """Words in loosened text."""
        found: list[Found] = []
        if self._wide is not None and not text.isascii():
            found = self._wide_words(text, None)
        if self._latin is not None and (self._signs or _WORD.search(text) is not None):
            found.extend(self._latin_words(text, None))
        return found

    def _wide_words(self, text: str, spots: list[Found] | None) -> list[Found]:
        assert self._wide is not None
        at = self._wide_at
        return [Found(at[word], start, end) for word, start, end in self._wide.scan(text, spots)]

    def _latin_words(self, text: str, spots: list[Found] | None) -> Iterator[Found]:
        assert self._latin is not None
        plain = text.isascii()
        for word, start, end in self._latin.scan(text.encode("ascii", "replace"), spots):
            at = self._latin_at[word]
            # What is not ASCII became a question mark, which a word may hold.
            if plain or text.startswith(self._words[at], start):
                yield Found(at, start, end)


class Sounds:
    """Values by how they sound, found where a text sounds so."""

    def __init__(self, values: list[str]) -> None:
        by_sound: dict[str, list[int]] = {}
        # No value holds what shows nothing, so one look-up does for all of them.
        said = sounding(wide_bytes("\0".join(values))).split("\0") if values else ()
        for at, one in enumerate(said):
            by_sound.setdefault(one, []).append(at)
        self._values = list(by_sound.values())
        self._search = of_text(list(by_sound))
        starts = {said[:_SOUNDS] for said in by_sound}
        few = len(starts) <= _FEW and not any(map(is_half, "".join(starts)))
        self._maybe = _sounding_so(starts) if few else None

    def scan(self, text: str, *, letters: bool = True) -> Iterator[Found]:
        """Values by number, where they sound as the text does. letters: ASCII letters may stand in it."""
        if not self._values or text.isascii():
            return
        if self._maybe is not None and self._maybe.search(text) is None:
            return
        if not letters:
            yield from self._stretch(text, 0)
            return
        at = 0
        for run in _ASCII_RUN.finditer(text):
            if run.start() - at >= _SOUNDS:
                yield from self._stretch(text[at : run.start()], at)
            at = run.end()
        if len(text) - at >= _SOUNDS:
            yield from self._stretch(text[at:], at)

    def _stretch(self, text: str, offset: int) -> Iterator[Found]:
        wide = wide_bytes(text)
        place = places(text, wide)
        for start, end, said in self._search(sounding(wide)):
            first, last = (start, end) if place is None else (place[start], place[end])
            for value in self._values[said]:
                yield Found(value, offset + first, offset + last)


_FEW: Final = 256
"""Beginnings of values up to which a look at the text says more quickly that none stands in it."""


def _sounding_so(starts: Collection[str]) -> re.Pattern[str]:
    """Three characters in a row that sound like a first, a second and a third of the beginnings."""
    by_code: dict[str, str] = {}
    for char, code in sound_codes().items():
        by_code[code] = by_code.get(code, "") + chr(char)
    classes = []
    for at in range(_SOUNDS):
        here = {start[at] for start in starts if len(start) > at}
        classes.append("".join(by_code.get(code, re.escape(code)) for code in sorted(here)))
    return re.compile("".join(f"[{one}]" for one in classes if one))


_ASCII_RUN: Final = re.compile(r"[\x00-\x7f]{12,}")
"""So many characters without a sound are skipped and not translated."""
_WORD: Final = re.compile("[a-z0-9]")


def wide_bytes(text: str) -> bytes:
    """UTF-16, whatever stands in the text."""
    return text.encode("utf-16-le", "surrogatepass")


def places(text: str, wide: bytes) -> list[int] | None:
    """From UTF-16 units to characters; None if they are the same."""
    if len(wide) == 2 * len(text):
        return None
    found: list[int] = []
    for at, char in enumerate(text):
        found.append(at)
        if char > "\uffff":
            found.append(at)
    found.append(len(text))
    return found


def _joined(spots: list[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """Overlapping stretches made one, within the text."""
    spots.sort()
    out: list[list[int]] = []
    for start, end in spots:
        if out and start <= out[-1][1]:
            out[-1][1] = max(out[-1][1], end)
        else:
            out.append([max(0, start), end])
    return [(start, min(end, size)) for start, end in out]
