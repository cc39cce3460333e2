"""Loosening: what is left of a text when separators, split characters, look-alikes and repeats are undone.

It undoes too much by itself, so it is done around suspicious places alone, and every match is looked at again
(``differences``): which of the disguises it needed, and whether a reader would have seen the word.
"""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final, NamedTuple

from synthgate.library.letters import (
    CLAUSE_MARKS,
    GAP_MAX,
    HAN,
    LOOKS,
    SEPARATORS,
    splits,
    spoken,
    syllables,
)  # fmt: skip

_REPEATED: Final = re.compile(r"(.)\1+", re.DOTALL)
_DROP: Final = dict.fromkeys(map(ord, SEPARATORS))
_LOOKS: Final = {ord(sign): to for sign, to in LOOKS.items()}
_RUN: Final = re.compile("[a-z]+")
_WORD: Final = re.compile("[a-z0-9]")


@lru_cache(maxsize=1)
def _split_pairs() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What finds a pair, and what quickly says that there is none."""
    pairs = splits()
    first, second = ("".join({pair[at] for pair in pairs}) for at in (0, 1))
    return re.compile("|".join(map(re.escape, pairs))), re.compile(f"[{first}](?=[{second}])")


def split_in(text: str) -> bool:
    """Whether a text holds parts side by side that make up one character."""
    pairs, maybe = _split_pairs()
    return maybe.search(text) is not None and pairs.search(text) is not None


def _unsplit(text: str) -> str:
    pairs, maybe = _split_pairs()
    if text.isascii() or maybe.search(text) is None:
        return text
    return pairs.sub(lambda match: splits()[match[0]], text)


class Loosened(NamedTuple):
    """Loosened text, and for every character of it the piece ``starts[i]:ends[i]`` it stands for."""

    text: str
    starts: list[int]
    ends: list[int]


def loose(text: str, *, whole: bool = True) -> str:
    """What is compared: no separators, letters for look-alikes, nothing twice in a row.

    whole: parts that stand side by side are taken for one character; they may as well be two.
    """
    text = _once_each(text.translate(_DROP))
    if whole:
        text = _unsplit(text)
    return _once_each(_spoken(_lettered(text)).translate(_LOOKS))


def loosened(text: str, *, whole: bool = True) -> Loosened:
    """The same with the way back; slower, for a text in which something was found."""
    pieces = [(char, at, at + 1) for at, char in enumerate(text) if char not in SEPARATORS]
    pieces = _once(pieces)
    if whole:
        pieces = _replaced(pieces, _split_pairs()[0], lambda match: [(splits()[match[0]], 0, 2)])
    pieces = _replaced(
        pieces,
        _SIGNS,
        lambda match: [(LOOKS[sign], at, at + 1) for at, sign in enumerate(match[0])],
    )
    pieces = _replaced(pieces, _LETTERS_BESIDE_HAN, _said)
    pieces = _once([(LOOKS.get(char, char), start, end) for char, start, end in pieces])
    return Loosened(
        "".join(char for char, _, _ in pieces),
        [start for _, start, _ in pieces],
        [end for _, _, end in pieces],
    )


def _once(pieces: list["_Piece"]) -> list["_Piece"]:
    """Repeats as one piece. One that goes on behind a gap ends there: the rest may begin another word."""
    out: list[_Piece] = []
    gone_on = 0
    for char, start, end in pieces:
        if out and char == out[-1][0]:
            if start == gone_on == out[-1][2]:
                out[-1] = (char, out[-1][1], end)
            gone_on = end
        else:
            out.append((char, start, end))
            gone_on = end
    return out


_Piece = tuple[str, int, int]


def _replaced(
    pieces: list[_Piece],
    pattern: re.Pattern[str],
    by: Callable[[re.Match[str]], list[_Piece] | None],
) -> list[_Piece]:
    """Pieces with every match replaced; ``by`` gives characters with their place inside the match."""
    text = "".join(piece[0] for piece in pieces)
    out: list[_Piece] = []
    at = 0
    for match in pattern.finditer(text):
        new = by(match)
        if new is None:
            continue
        out.extend(pieces[at : match.start()])
        first = match.start()
        out.extend(
            (char, pieces[first + start][1], pieces[first + end - 1][2]) for char, start, end in new
        )
        at = match.end()
    out.extend(pieces[at:])
    return out


_PINYIN_MAX: Final = 24
_LETTERS_BESIDE_HAN: Final = re.compile(
    f"(?<![a-z])(?:(?<=[{HAN}])[a-z]{{1,24}}|[a-z]{{1,24}}(?=[{HAN}]))(?![a-z])"
)
"""Letters in the middle of ideographs: pinyin, perhaps."""
_SIGN: Final = "".join(re.escape(sign) for sign in LOOKS if not sign.isalpha())
# A run is tried once, from its start: else a million digits would take a million tries of a million.
_SIGNS: Final = re.compile(f"(?<=[a-z])[{_SIGN}]++|(?<![{_SIGN}])[{_SIGN}]++(?=[a-z])")


def _lettered(text: str) -> str:
    """Digits and signs beside letters by the letters they look like: pinyin, perhaps."""
    return _SIGNS.sub(_by_letters, text)


def _by_letters(match: re.Match[str]) -> str:
    return match[0].translate(_LOOKS)


def _spoken(text: str) -> str:
    """Pinyin beside ideographs by characters that sound so."""
    if text.isascii() or _RUN.search(text) is None:
        return text
    return _LETTERS_BESIDE_HAN.sub(_said_or_left, text)


def _all_spoken(text: str) -> str:
    return text if _RUN.search(text) is None else _RUN.sub(_said_or_left, text)


def _said_or_left(match: re.Match[str]) -> str:
    new = _said(match)
    return match[0] if new is None else "".join(char for char, _, _ in new)


def is_pinyin(text: str, start: int, end: int) -> bool:
    """Whether letters at ``start:end`` and what adjoins them are pinyin."""
    while start > 0 and "a" <= text[start - 1] <= "z":
        start -= 1
    match = _RUN.match(text, start)
    return match is not None and match.end() - start <= _PINYIN_MAX and _said(match) is not None


def _said(match: re.Match[str]) -> list[_Piece] | None:
    """Letters as syllables, longest first; None if they are no pinyin."""
    letters = match[0]
    known = spoken()
    found: list[_Piece] = []
    at = 0
    while at < len(letters):
        for size in range(min(6, len(letters) - at), 0, -1):
            if letters[at : at + size] in known:
                found.append((known[letters[at : at + size]], at, at + size))
                at += size
                break
        else:
            return None
    return found


_Step = Callable[[str], str]


def _unseparated(text: str) -> str:
    return text.translate(_DROP)


def _sounds(text: str) -> str:
    table = syllables()
    return "\x00".join(table.get(char, char) for char in text)


def _once_each(text: str) -> str:
    return _REPEATED.sub(_first, text)


def _first(match: re.Match[str]) -> str:
    return match[1]


_STEPS: Final[tuple[tuple[str, _Step], ...]] = (
    ("separated", _unseparated),
    ("repeated", _once_each),
    ("split", _unsplit),
    ("leet", _lettered),
    ("pinyin", _all_spoken),
    ("leet", lambda text: text.translate(_LOOKS)),
    ("repeated", _once_each),
    ("homophone", _sounds),
)
"""Disguises in the order they are undone, each by the name a match is given."""


def differences(found: str, value: str) -> tuple[str, ...] | None:
    """Which disguises ``found`` needs to be ``value`` (both folded and simplified); None if none will do."""
    if found == value:
        return ()
    # Letters are letters first: taken for pinyin they might read as anything.
    spared = {"pinyin"}
    needed = _undone(found, value, spared)
    if needed is None:
        spared = set()
        needed = _undone(found, value, spared)
    if needed is None:
        return None
    for name in needed if len(needed) > 1 else ():
        # Marks of the value itself are left out on both sides too: that alone is no disguise.
        if _undone(found, value, spared | {name}) is not None:
            spared.add(name)
    needed = [name for name in needed if name not in spared]
    if "pinyin" in needed and "homophone" in needed:
        needed.remove("homophone")  # what stands in place of the letters only sounds alike
    return tuple(needed)


def _undone(found: str, value: str, spared: Collection[str]) -> list[str] | None:
    """Steps that changed something on the way to the value; None if they lead elsewhere."""
    changed: list[str] = []
    for name, step in _STEPS:
        if found == value:
            break
        if name not in spared:
            plain, wanted = step(found), step(value)
            if (plain, wanted) != (found, value) and name not in changed:
                changed.append(name)
            found, value = plain, wanted
    return changed if found == value else None


def plausible(text: str, start: int, end: int, needed: tuple[str, ...]) -> bool:
    """Whether a reader of ``text[start:end]`` would see a disguised word, and no accident.

    A gap is short. A mark that ends a clause counts only where every character is set apart by one, in three
    characters or more. Disguised letters stand as words of their own: "an alibi" is not one word cut in two.
    """
    found = text[start:end]
    if _in_a_word(text, start, end):
        return False
    if "separated" not in needed:
        return True
    gaps = [len(gap) for gap in _gaps(found)]
    if gaps and max(gaps) > GAP_MAX:
        return False
    letters = len(found) - sum(gaps)
    if any(mark in found for mark in CLAUSE_MARKS):
        return letters >= 3 and len(gaps) == letters - 1
    return True


def _gaps(text: str) -> list[str]:
    gaps: list[str] = []
    inside = False
    for char in text:
        if char in SEPARATORS:
            if inside:
                gaps[-1] += char
            else:
                gaps.append(char)
            inside = True
        else:
            inside = False
    return gaps


def _in_a_word(text: str, start: int, end: int) -> bool:
    """Whether a Latin word goes on across an end of the span."""
    before = start > 0 and _WORD.match(text[start - 1]) and _WORD.match(text[start])
    after = end < len(text) and _WORD.match(text[end]) and _WORD.match(text[end - 1])
    return bool(before or after)
